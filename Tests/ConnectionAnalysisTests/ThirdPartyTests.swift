import ConnectionAnalysis
import NetPrimitives
import Testing

@Suite("Packets in another's name")
struct ThirdPartyTests {
    /// The handshake, and after it text and a RST that an attacker sends in the client's name.
    static func attacked() -> Conversation {
        var conversation = Conversation.handshake()
        func forge(_ segment: Conversation.Segment, _ ms: Int64) {
            let packet = Conversation.Packet(from: .left, router: "attacker", .tcp(segment))
            let index = conversation.send(packet, at: .zero + .milliseconds(ms))
            conversation.arrive(index, ms + 25)
        }
        forge(Conversation.data(1001, 5001, 40, "GET /"), 1)
        forge(Conversation.Segment(.rst, seq: SequenceNumber(1042)), 500)
        conversation.at(525, .failed(.right, .reset))
        // A later RST is no reason.
        let later = conversation.send(600, .left, Conversation.Segment(.rst, seq: SequenceNumber(7)))
        conversation.arrive(later, 650)
        return conversation
    }

    @Test("say so on their lines, and have the numbers of the one that they are like")
    func label() {
        let picture = Ladder().picture(Self.attacked()).joined(separator: "\n")
        #expect(picture.contains("RST seq 42 from attacker"))
        #expect(!picture.contains("again"))
    }

    @Test("are not what the host sent: neither its request nor its first sending")
    func meaning() {
        let honest = Meaning(.handshake()).sentences
        let sentences = Meaning(Self.attacked()).sentences
        for sentence in honest where sentence.contains("request") || sentence.contains("established") {
            #expect(sentences.contains(sentence))
        }
        #expect(sentences.contains { $0.contains("Nothing was lost, and nothing was sent twice.") })
    }

    @Test("are told of when they end a connection, and only those that came before")
    func why() {
        #expect(
            Meaning(Self.attacked()).sentences.contains {
                $0.hasSuffix("with the error reset: the attacker sent a RST, seq 1042.")
            })
    }

    @Test("numbers are absolute in a conversation where they matter")
    func absolute() {
        var conversation = Self.attacked()
        conversation.showsAbsoluteNumbers = true
        #expect(Ladder().picture(conversation).contains { $0.contains("RST seq 1042 from attacker") })
    }

    @Test("of words that do not fit, as many are shown as do")
    func long() {
        var conversation = Conversation.between()
        let segment = Conversation.data(4_000_000_000, 4_100_000_000, 1_000, "")
        conversation.arrive(conversation.send(0, .left, segment), 50)
        let picture = Ladder(absoluteNumbers: true).picture(conversation).joined(separator: "\n")
        #expect(picture.contains("seq 4000000000:4000001000"))
    }
}
