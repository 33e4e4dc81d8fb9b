import Foundation

/// The checkout that the tests were built from: its sources and documents, read as text.
public enum Repository {
    public static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appending(path: "../..").standardized.path

    /// The path of a file, from the root of the repository on.
    public static func file(_ name: String) -> String { "\(path)/\(name)" }

    public static func text(of name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

    /// The Swift files below a folder, by their paths from the root on, sorted.
    public static func swiftFiles(in folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: file(folder))?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".swift") }.map { "\(folder)/\($0)" }.sorted()
    }
}
