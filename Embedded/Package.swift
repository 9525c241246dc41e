// swift-tools-version: 6.3
import PackageDescription

// The core as Embedded Swift, in a program. Built and run by `Scripts/test embedded`.
let package = Package(
    name: "Embedded",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "swift-tcp", path: "..")],
    targets: [
        .executableTarget(
            name: "handshake",
            dependencies: [
                .product(name: "NetPrimitives", package: "swift-tcp"),
                .product(name: "Netstack", package: "swift-tcp"),
            ],
            swiftSettings: [
                .strictMemorySafety(),
                .treatAllWarnings(as: .error),
                .enableUpcomingFeature("MemberImportVisibility"),
            ])
    ]
)
