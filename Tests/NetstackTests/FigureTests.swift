import NetPrimitives
import Testing

@testable import Netstack

/// RFC 9293, 3.5: the figures about old and half-open connections, line by line with their numbers.
@Suite("The RFC's figures 8 to 11")
struct FigureTests {
    static let figures = [
        Figure(
            "8: recovery from an old duplicate SYN", a: 100, b: 300,
            """
            1.  CLOSED                                            LISTEN
            2.  SYN-SENT    --> <SEQ=100><CTL=SYN>               ... LISTEN
            3.  SYN-SENT    ... <SEQ=90><CTL=SYN>                --> SYN-RECEIVED
            4.  SYN-SENT    <-- <SEQ=300><ACK=91><CTL=SYN,ACK>   <-- SYN-RECEIVED
            5.  SYN-SENT    --> <SEQ=91><CTL=RST>                --> LISTEN
            6.  SYN-SENT    ... <SEQ=100><CTL=SYN>               --> SYN-RECEIVED
            7.  ESTABLISHED <-- <SEQ=400><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED
            8.  ESTABLISHED --> <SEQ=101><ACK=401><CTL=ACK>      --> ESTABLISHED
            """,
            before: [1: [.listen], 2: [.connect], 6: [.nextNumber(400)]]),
        // "B: send 300, receive 100", and nobody listens there until the RFC's figure ends.
        Figure(
            "9: half-open connection discovery", a: 99, b: 299, isConnected: true,
            """
            1.  CLOSED                                            ESTABLISHED
            3.  SYN-SENT    --> <SEQ=400><CTL=SYN>               --> ESTABLISHED
            4.  SYN-SENT    <-- <SEQ=300><ACK=100><CTL=ACK>      <-- ESTABLISHED
            5.  SYN-SENT    --> <SEQ=100><CTL=RST>               --> CLOSED
            6.  SYN-SENT                                          CLOSED
            7.  SYN-SENT    --> <SEQ=400><CTL=SYN>               --> SYN-RECEIVED
            8.  ESTABLISHED <-- <SEQ=700><ACK=401><CTL=SYN,ACK>  <-- SYN-RECEIVED
            9.  ESTABLISHED --> <SEQ=401><ACK=701><CTL=ACK>      --> ESTABLISHED
            """,
            before: [1: [.reboot(iss: 400)], 3: [.connect], 7: [.nextNumber(700), .listen, .wait(1_000)]]),
        Figure(
            "10: the active side causes half-open connection discovery", a: 99, b: 299, isConnected: true,
            """
            1.  CLOSED                                                     ESTABLISHED
            2.  CLOSED      <-- <SEQ=300><ACK=100><DATA=10><CTL=ACK>  <-- ESTABLISHED
            3.  CLOSED      --> <SEQ=100><CTL=RST>                    --> CLOSED
            """,
            before: [1: [.reboot(iss: 400)], 2: [.write(10)]]),
        // Z is 90, X is 300.
        Figure(
            "11: an old duplicate SYN initiates a reset on two passive sockets", a: 100, b: 300,
            """
            1.  CLOSED                                            LISTEN
            2.  CLOSED      ... <SEQ=90><CTL=SYN>                --> SYN-RECEIVED
            3.  CLOSED      <-- <SEQ=300><ACK=91><CTL=SYN,ACK>   <-- SYN-RECEIVED
            4.  CLOSED      --> <SEQ=91><CTL=RST>                --> LISTEN
            5.  CLOSED                                            LISTEN
            """,
            before: [1: [.listen]]),
    ]

    @Test("are what happens, without options and with all", arguments: figures, Family.allCases)
    func plays(_ figure: Figure, _ family: Family) throws {
        for configuration in [Configuration.numbered, Configuration()] {
            var duet = try Duet(family, configuration, figure)
            for line in figure.lines {
                for act in figure.acts[line.number] ?? [] { try duet.perform(act) }
                try duet.play(line)
            }
            let leftOver = duet.leftOver
            #expect(leftOver == [])
            if figure.isConnected {
                let failure = try duet.failureAtB()
                #expect(failure == .reset)
            }
        }
    }

    @Test("have as many lines as the table says", arguments: zip(figures, [8, 8, 3, 5]))
    func isRead(_ figure: Figure, _ count: Int) {
        #expect(figure.lines.count == count)
        #expect(Set(figure.acts.keys).isSubset(of: figure.lines.map(\.number)))
    }
}
