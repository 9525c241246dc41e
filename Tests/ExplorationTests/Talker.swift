import NetPrimitives
import Netstack
import NetworkSimulation
import TCPStateMachine

/// A program that opens a connection or takes one, says a word as soon as it may, reads, and closes.
struct Talker: ExploredProgram {
    /// How a connection is let go of.
    enum Ending: Hashable {
        /// Not at all, until a healed network has come to rest.
        case atRest
        /// `shutdown` at any time, after a word that may be said at any time.
        case shutdown
    }

    /// What it remembers of its connection.
    struct Conversation: Hashable {
        var written: [UInt8] = []
        var received: [UInt8] = []
        var sawEnd = false
        var hasClosed = false
        var isOver = false
        var failure = ""
    }

    /// All that it remembers.
    struct Memory: Hashable {
        var hasConnection = false
        /// The present connection, or the last one.
        var conversation = Conversation()
        /// Connections that its own opening established, and those that it accepted.
        var established: [Incarnation] = []
        var accepted: [Incarnation] = []
    }

    let side: ExploredSide
    var isActive = true
    /// What it says first, and what it may say later.
    var words: (first: String, second: String)
    var ending = Ending.atRest
    /// What is wrong with the stack below.
    var fault: Fault?
    private(set) var memory = Memory()
    private var listener: ListenerID?
    private var connection: ConnectionID?

    init(_ side: ExploredSide) {
        self.side = side
        words = side == .left ? ("a", "b") : ("y", "z")
    }

    mutating func begin(_ stack: inout NetworkStack, at now: Instant) {
        if isActive {
            let peer = Model.endpoint(side.opposite)
            take(try? stack.connect(to: peer, from: Model.endpoint(side), at: now))
        } else {
            listener = try? stack.listen(on: Model.endpoint(side), backlog: 4)
        }
    }

    private mutating func take(_ id: ConnectionID?) {
        connection = id
        memory.hasConnection = id != nil
    }

    // MARK: What it is told

    mutating func handle(_ event: StackEvent, _ stack: inout NetworkStack, at now: Instant) {
        switch event {
        case .established(let id):
            guard let info = try? stack.info(of: id) else { break }
            memory.established.append(Incarnation(iss: info.iss, irs: info.irs))
            say(words.first, id, &stack)
        case .readable(let id): read(id, &stack)
        case .readClosed(let id):
            read(id, &stack)
            memory.conversation.sawEnd = true
        case .closed(let id):
            read(id, &stack)
            if let failure = try? stack.failure(of: id) { memory.conversation.failure = Self.name(failure) }
            try? stack.close(id, at: now)
            memory.conversation.isOver = true
            take(nil)
        default: break
        }
    }

    private mutating func say(_ word: String, _ id: ConnectionID, _ stack: inout NetworkStack) {
        guard (try? stack.write(id, Array(word.utf8).span)) == word.utf8.count else { return }
        memory.conversation.written += Array(word.utf8)
    }

    private mutating func read(_ id: ConnectionID, _ stack: inout NetworkStack) {
        var buffer = [UInt8](repeating: 0, count: 64)
        var room = buffer.mutableSpan
        while let count = try? stack.read(id, into: &room), count > 0 {
            memory.conversation.received += (0..<count).map { room[$0] }
        }
    }

    private static func name(_ failure: ConnectionFailure) -> String {
        switch failure {
        case .refused: "refused"
        case .reset: "reset"
        case .timedOut, .peerSilent: "timed out"
        case .unreachable: "unreachable"
        case .aborted: "aborted"
        }
    }

    // MARK: What it does of its own accord

    private enum Act: UInt8 {
        case accept, say, close
    }

    func choices(_ stack: borrowing NetworkStack) -> [ExploredChoice] {
        var choices: [ExploredChoice] = []
        if let listener, connection == nil, let info = try? stack.info(of: listener), info.acceptQueueLength > 0 {
            choices.append(ExploredChoice(Act.accept.rawValue, "accept()", .prompt))
        }
        guard connection != nil, !memory.conversation.hasClosed else { return choices }
        if !words.second.isEmpty, memory.conversation.written == Array(words.first.utf8) {
            choices.append(ExploredChoice(Act.say.rawValue, "write(\"\(words.second)\")", .anyTime))
        }
        // Who has seen the other close does so too, before time passes.
        var moment = ending == .atRest ? ExploredChoice.Moment.atRest : .anyTime
        if memory.conversation.sawEnd { moment = .prompt }
        choices.append(ExploredChoice(Act.close.rawValue, "shutdown()", moment))
        return choices
    }

    mutating func perform(_ choice: UInt8, _ stack: inout NetworkStack, at now: Instant) {
        switch Act(rawValue: choice) {
        case .accept:
            guard let listener, let id = try? stack.accept(listener) else { return }
            take(id)
            memory.conversation = Conversation()
            if let info = try? stack.info(of: id) {
                memory.accepted.append(Incarnation(iss: info.iss, irs: info.irs))
            }
            say(words.first, id, &stack)
        case .say:
            if let connection { say(words.second, connection, &stack) }
        case .close:
            guard let id = connection else { return }
            memory.conversation.hasClosed = true
            try? stack.shutdown(id, at: now)
        case nil: break
        }
    }

    // MARK: What it looks like

    func encode(into sink: inout SipHash) {
        let present = memory.conversation
        let flags = [memory.hasConnection, present.sawEnd, present.hasClosed, present.isOver]
        sink.combine(flags.reduce(0) { $0 << 1 | ($1 ? 1 : 0) })
        for bytes in [present.written, present.received, Array(present.failure.utf8)] {
            sink.combine(UInt64(bytes.count))
            for byte in bytes { sink.combine(UInt64(byte)) }
        }
        for list in [memory.established, memory.accepted] {
            sink.combine(UInt64(list.count))
            for one in list { sink.combine(UInt64(one.iss.rawValue) << 32 | UInt64(one.irs.rawValue)) }
        }
    }

    func view(_ stack: borrowing NetworkStack) -> EndView {
        EndView(
            insight: Insight(stack, on: side), memory: memory, queue: Insight.acceptQueue(stack),
            isEmpty: stack.tables.isEmpty)
    }

    func caption(_ stack: borrowing NetworkStack) -> String {
        let state = Insight(stack, on: side).state
        return state == .closed && listener != nil ? "LISTEN" : state.description
    }

    // MARK: What is wrong with it

    mutating func arriving(_ packet: [UInt8], at stack: borrowing NetworkStack) -> [[UInt8]] {
        guard let fault, let letter = Letter(packet) else { return [packet] }
        return fault.arriving(letter, Insight(stack, on: side), &memory).map(\.bytes)
    }

    func leaving(_ packet: [UInt8], from stack: borrowing NetworkStack) -> [[UInt8]] {
        guard let fault, let letter = Letter(packet) else { return [packet] }
        return fault.leaving(letter, Insight(stack, on: side)).map(\.bytes)
    }
}

/// What the laws see of an end.
struct EndView: Sendable {
    var insight: Insight
    var memory: Talker.Memory
    /// The accept queue.
    var queue: [Incarnation]
    /// The stack holds nothing but a listener.
    var isEmpty: Bool

    var conversation: Talker.Conversation { memory.conversation }
}
