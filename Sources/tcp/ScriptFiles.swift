#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Files of text by the paths that a user gives.
enum ScriptFiles {
    struct Script: Hashable {
        /// Its path.
        let name: String
        let text: String
    }

    /// Why a text could not be read, as a sentence.
    struct Problem: Error, Hashable {
        let text: String
    }

    /// The scripts at the paths and below the folders among them, in their order, those of a folder by name.
    /// - Returns: also a sentence for each path that gave none.
    static func read(_ paths: [String]) -> ([Script], problems: [String]) {
        var scripts: [Script] = []
        var problems: [String] = []
        for path in paths {
            var isFolder = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                problems.append("cannot read \(path): there is no such file")
                continue
            }
            let names = isFolder ? below(path) : [path]
            if names.isEmpty { problems.append("\(path) has no *.pkt in it") }
            for name in names {
                switch text(of: name) {
                case .success(let text): scripts.append(Script(name: name, text: text))
                case .failure(let problem): problems.append(problem.text)
                }
            }
        }
        return (scripts, problems)
    }

    /// The whole of a file or of what a pipe gives. Bytes that are no UTF-8 become U+FFFD. Of endless ones comes more
    /// than a script may have.
    static func text(of path: String) -> Result<String, Problem> {
        do {
            return .success(String(decoding: try InputFile.contents(of: path, upTo: 2 << 20), as: UTF8.self))
        } catch {
            return .failure(Problem(text: "\(error)"))
        }
    }

    private static func below(_ folder: String) -> [String] {
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
        let base = folder.hasSuffix("/") ? folder : folder + "/"
        return paths.filter { $0.hasSuffix(".pkt") }.sorted().map { base + $0 }
    }
}
