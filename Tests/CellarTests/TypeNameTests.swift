import Foundation
import Testing

/// One name, one type: a reader who searches for a type finds one.
@Suite struct TypeNameTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized

    /// The types that stand at the top level of the files in a folder.
    private static func types(in folder: URL) throws -> Set<String> {
        // Text, as imports do not tell where a type is declared.
        let declaration =
            #/^(?:@\w+(?:\([^)]*\))? )*(?:(?:public|package|internal|final|indirect) )*(?:struct|class|enum|actor|protocol|typealias) (\w+)/#
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        return try files.filter { $0.pathExtension == "swift" }.reduce(into: []) { names, file in
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                if let match = try declaration.prefixMatch(in: line) { names.insert(String(match.1)) }
            }
        }
    }

    @Test("no two targets have a type of one name")
    func unique() throws {
        let sources = try FileManager.default.contentsOfDirectory(
            at: Self.root.appending(path: "Sources"), includingPropertiesForKeys: nil)
        var owners: [String: [String]] = [:]
        for folder in sources + [Self.root.appending(path: "Schema"), Self.root.appending(path: "Migrations")] {
            for name in try Self.types(in: folder) { owners[name, default: []].append(folder.lastPathComponent) }
        }
        #expect(owners.count > 300)
        let shared = owners.filter { $0.value.count > 1 }.map { "\($0.key): \($0.value.sorted().joined(separator: ", "))" }
        #expect(shared.isEmpty, "\(shared.sorted())")
    }
}
