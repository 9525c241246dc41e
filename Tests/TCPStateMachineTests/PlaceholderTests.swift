import Testing

@testable import TCPStateMachine
