import Testing

@testable import NetPrimitives
