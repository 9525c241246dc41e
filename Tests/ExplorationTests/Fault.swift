import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine
import Testing
import WireFormats

/// A planted bug: a stack is made to look faulty by what it gets to see, by what leaves it, or by how it is set.
struct Fault: Sendable {
    /// What becomes of a segment that comes in. The program above may hear of it.
    typealias Arriving = @Sendable (_ letter: Letter, _ end: Insight, _ memory: inout Talker.Memory) -> [Letter]
    /// What becomes of a segment that goes out.
    typealias Leaving = @Sendable (_ letter: Letter, _ end: Insight) -> [Letter]

    /// The end that has it.
    var side: ExploredSide
    var arriving: Arriving = { letter, _, _ in [letter] }
    var leaving: Leaving = { letter, _ in [letter] }
    var configure: @Sendable (inout Configuration) -> Void = { _ in }

    /// A stack that takes segments for what they are not.
    static func takes(_ side: ExploredSide, _ edit: @escaping @Sendable (inout Letter, Insight) -> Void) -> Fault {
        hears(side) { letter, end, _ in
            var letter = letter
            edit(&letter, end)
            return [letter]
        }
    }

    /// A stack that takes segments for others, or for none.
    static func hears(_ side: ExploredSide, _ arriving: @escaping Arriving) -> Fault {
        var fault = Fault(side: side)
        fault.arriving = arriving
        return fault
    }

    /// A stack that writes segments otherwise than it should.
    static func sends(_ side: ExploredSide, _ edit: @escaping @Sendable (inout Letter, Insight) -> Void) -> Fault {
        var fault = Fault(side: side)
        fault.leaving = { letter, end in
            var letter = letter
            edit(&letter, end)
            return [letter]
        }
        return fault
    }

    /// A stack that does not send what it should.
    static func omits(_ side: ExploredSide, _ isOmitted: @escaping @Sendable (Letter, Insight) -> Bool) -> Fault {
        var fault = Fault(side: side)
        fault.leaving = { letter, end in isOmitted(letter, end) ? [] : [letter] }
        return fault
    }

    /// A stack that is set otherwise than it should be.
    static func configured(
        _ side: ExploredSide, _ configure: @escaping @Sendable (inout Configuration) -> Void
    ) -> Fault {
        var fault = Fault(side: side)
        fault.configure = configure
        return fault
    }
}

/// A planted bug and where it is looked for.
struct PlantedBug: Sendable, CustomTestStringConvertible {
    let name: String
    let model: Model
    /// What the counterexample says, among other things.
    let verdict: String

    init(_ name: String, in model: Model, _ fault: Fault, _ verdict: String) {
        self.name = name
        var model = model
        model.fault = fault
        self.model = model
        self.verdict = verdict
    }

    var testDescription: String { name }
}
