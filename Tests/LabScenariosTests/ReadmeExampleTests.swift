import NetPrimitives
import Netstack
import NetworkSimulation
import Testing

@Suite("The example of the README")
struct ReadmeExampleTests {
    @Test("says hello")
    func example() throws {
        // example begins
        let network = Simulation(seed: 1)
        let hosts = network.twoHosts(LinkConditions(latency: .milliseconds(50)))
        let address = Endpoint(TwoHosts.serverAddress(ipv6: false), 80)
        let listener = try hosts.server.listen(on: address, backlog: 128)
        let connection = try hosts.client.connect(to: address)
        try network.run(until: .zero + .milliseconds(150))  // SYN, SYN-ACK, ACK
        let accepted = try hosts.server.accept(listener)
        try hosts.client.write(connection, Array("hello".utf8))
        try network.run(until: .zero + .milliseconds(200))
        let greeting = String(decoding: try hosts.server.read(accepted), as: UTF8.self)
        // example ends
        #expect(greeting == "hello")
    }
}
