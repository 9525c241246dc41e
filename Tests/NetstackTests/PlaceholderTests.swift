import Testing

@testable import Netstack
