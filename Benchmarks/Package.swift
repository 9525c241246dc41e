// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let stack: [Target.Dependency] = ["NetPrimitives", "WireFormats", "TCPStateMachine", "Netstack"].map {
    .product(name: $0, package: "swift-tcp")
}

/// A small program over the workloads.
func program(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .executableTarget(name: name, dependencies: ["Workloads"] + stack + dependencies, swiftSettings: strict)
}

let package = Package(
    name: "swift-tcp-benchmarks",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "swift-tcp", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    ],
    targets: [
        .target(name: "Workloads", dependencies: stack, swiftSettings: strict),
        .target(name: "CountingAllocator"),
        program("rates", [.product(name: "ArgumentParser", package: "swift-argument-parser")]),
        program("sizes", ["CountingAllocator"]),
        program("allocations", ["CountingAllocator"]),
        program("budget", ["CountingAllocator"]),
        .executableTarget(
            name: "Stack",
            dependencies: ["Workloads", .product(name: "Benchmark", package: "benchmark")],
            path: "Benchmarks/Stack",
            swiftSettings: strict,
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ]
)
