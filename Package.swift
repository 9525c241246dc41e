// swift-tools-version: 6.3
import PackageDescription

/// One rule for every target: language mode 6, and every unsafe expression spelled out or refused.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .treatWarning("StrictMemorySafety", as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableExperimentalFeature("RawLayout"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library target under `Sources/` and its tests under `Tests/`, both under the strict rule.
func room(_ name: String, _ dependencies: [Target.Dependency] = [], tests: [Target.Dependency] = []) -> [Target] {
    [
        .target(name: name, dependencies: dependencies, swiftSettings: strict),
        .testTarget(
            name: name + "Tests", dependencies: [.target(name: name)] + dependencies + tests, swiftSettings: strict),
    ]
}

let package = Package(
    name: "swift-tcp",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "tcp", targets: ["tcp"]),
        .executable(name: "greeting", targets: ["greeting"]),
        .library(name: "NetPrimitives", targets: ["NetPrimitives"]),
        .library(name: "WireFormats", targets: ["WireFormats"]),
        .library(name: "TCPStateMachine", targets: ["TCPStateMachine"]),
        .library(name: "Netstack", targets: ["Netstack"]),
        .library(name: "NetworkSimulation", targets: ["NetworkSimulation"]),
        .library(name: "PacketCapture", targets: ["PacketCapture"]),
        .library(name: "PacketPrinting", targets: ["PacketPrinting"]),
        .library(name: "NetworkDevices", targets: ["NetworkDevices"]),
        .library(name: "AsyncNetstack", targets: ["AsyncNetstack"]),
        .library(name: "ConnectionAnalysis", targets: ["ConnectionAnalysis"]),
        .library(name: "Packetdrill", targets: ["Packetdrill"]),
        .library(name: "PacketdrillInterface", type: .dynamic, targets: ["PacketdrillInterface"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0")
    ],
    targets: [
        room("NetPrimitives"),
        room("WireFormats", ["NetPrimitives"]),
        room("TCPStateMachine", ["NetPrimitives", "WireFormats"]),
        room("Netstack", ["NetPrimitives", "WireFormats", "TCPStateMachine"]),
        room("PacketCapture", ["NetPrimitives"]),
        room("PacketPrinting", ["NetPrimitives"], tests: ["PacketCapture"]),
        [.target(name: "CNetworkDevices")],
        room("NetworkDevices", ["NetPrimitives", "CNetworkDevices"]),
        room("NetworkSimulation", ["NetPrimitives", "WireFormats", "TCPStateMachine", "Netstack"]),
        room("ConnectionAnalysis", ["NetPrimitives", "WireFormats", "TCPStateMachine", "Netstack"]),
        room(
            "AsyncNetstack",
            [
                "NetPrimitives", "WireFormats", "TCPStateMachine", "Netstack", "NetworkDevices", "NetworkSimulation",
                "ConnectionAnalysis",
            ], tests: ["greeting"]),
        room(
            "LabScenarios",
            [
                "NetPrimitives", "WireFormats", "TCPStateMachine", "Netstack", "NetworkSimulation", "PacketCapture",
                "PacketPrinting", "ConnectionAnalysis",
            ]),
        room(
            "Packetdrill",
            ["NetPrimitives", "WireFormats", "TCPStateMachine", "Netstack", "NetworkSimulation", "PacketPrinting"]),
        [.target(name: "CPacketdrillInterface")],
        room(
            "PacketdrillInterface",
            ["NetPrimitives", "TCPStateMachine", "Netstack", "Packetdrill", "CPacketdrillInterface"],
            tests: ["WireFormats"]),
        [
            .executableTarget(
                name: "tcp",
                dependencies: [
                    "NetPrimitives", "Netstack", "LabScenarios", "PacketCapture", "PacketPrinting",
                    "ConnectionAnalysis", "NetworkSimulation", "NetworkDevices", "AsyncNetstack",
                    "Packetdrill",
                    .product(name: "ArgumentParser", package: "swift-argument-parser"),
                ],
                swiftSettings: strict),
            .executableTarget(
                name: "greeting", dependencies: ["AsyncNetstack", "NetPrimitives", "NetworkDevices"],
                path: "Examples/greeting",
                swiftSettings: strict),
            .testTarget(
                name: "ExplorationTests",
                dependencies: [
                    "NetPrimitives", "WireFormats", "TCPStateMachine", "Netstack", "NetworkSimulation",
                    "ConnectionAnalysis",
                ],
                swiftSettings: strict),
            .testTarget(name: "TidyTests", swiftSettings: strict),
            .testTarget(
                name: "tcpTests",
                dependencies: ["tcp", "LabScenarios", "NetPrimitives", "Netstack", "NetworkDevices", "AsyncNetstack"],
                swiftSettings: strict),
        ],
    ].flatMap { $0 }
)
