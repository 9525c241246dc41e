import NetPrimitives
import NetworkSimulation
import Testing

@Suite("Contents: patterns and mutants")
struct ContentsTests {
    @Test("a pattern is the same however it is cut")
    func cuts() {
        let pattern = BytePattern(seed: 4)
        let whole = pattern.bytes(at: 0, count: 200)
        for start in 0..<40 {
            for count in 0..<40 {
                #expect(pattern.bytes(at: start, count: count) == Array(whole[start..<start + count]))
            }
        }
        #expect(whole != BytePattern(seed: 5).bytes(at: 0, count: 200))
    }

    @Test("a byte that is damaged, lost or doubled shows where it happened")
    func mismatches() {
        let pattern = BytePattern(seed: 4)
        var bytes = pattern.bytes(at: 1000, count: 5000)
        #expect(pattern.firstMismatch(bytes, at: 1000) == nil)
        #expect(pattern.firstMismatch(bytes, at: 1001) != nil)
        bytes[77] ^= 1
        #expect(pattern.firstMismatch(bytes, at: 1000) == 1077)
        bytes[77] ^= 1
        bytes.remove(at: 100)
        #expect(pattern.firstMismatch(bytes, at: 1000).map { (1100..<1104).contains($0) } == true)
    }

    @Test("mutants are repeatable, never trap the one who makes them, and half of them have good checksums")
    func mutants() {
        func mutants() -> [[UInt8]] {
            var mutator = PacketMutator(random: RandomStream(seed: 6, label: "mutants"))
            return (0..<5000).map { number in
                let ipv6 = number % 2 == 0
                switch number / 2 % 3 {
                case 0: return mutator.mutate(Packets.udp(ipv6: ipv6, payload: [1, 2, 3]))
                case 1: return mutator.mutate(Packets.echo(ipv6: ipv6, payload: [1, 2, 3]))
                default: return mutator.mutate(Packets.tcp(ipv6: ipv6, .syn, payload: [UInt8](repeating: 9, count: 40)))
                }
            }
        }
        let made = mutants()
        #expect(made == mutants())
        #expect(Set(made).count > 3500)
        let good = made.filter { Packets.checksumsHold($0) }.count
        #expect((1250...3500).contains(good), "\(good) of 5000")
    }
}
