import ArgumentParser

/// The command-line tool. Each command has a file of its own.
@main
struct TCP: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tcp",
        abstract: "TCP connections, made and explained.",
        subcommands: [Lab.self, Drill.self, Serve.self, Connect.self],
        defaultSubcommand: nil)
}
