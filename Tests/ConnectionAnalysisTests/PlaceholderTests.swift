import Testing

@testable import ConnectionAnalysis
