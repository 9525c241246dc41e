import Testing

@testable import NetworkSimulation
