// swift-tools-version: 6.3
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let tested: [Target.Dependency] = [
    "NetPrimitives", "WireFormats", "TCPStateMachine", "Netstack", "PacketCapture", "PacketPrinting", "Packetdrill",
].map { .product(name: $0, package: "swift-tcp") }

/// A program that libFuzzer drives; it has its `main` from there, so it is built by `Fuzz/run` alone.
func target(_ name: String) -> Target {
    .executableTarget(name: name, dependencies: ["Fuzzing"], swiftSettings: strict)
}

let package = Package(
    name: "swift-tcp-fuzz",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "swift-tcp", path: "..")],
    targets: [
        .target(name: "Fuzzing", dependencies: tested, swiftSettings: strict),
        target("formats"), target("captures"), target("machine"), target("listener"), target("stacks"),
        target("scripts"),
        .executableTarget(name: "seeds", dependencies: ["Fuzzing"] + tested, swiftSettings: strict),
    ]
)
