import Foundation

/// A new, empty directory that is removed when the last reference to it goes away: one for each test.
public final class TemporaryDirectory: Sendable {
    public let path: String

    /// - Throws: what the file manager throws where the directory cannot be made.
    public init() throws {
        let parent = URL(fileURLWithPath: NSTemporaryDirectory(), isDirectory: true)
        path = parent.appending(path: "cellar-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a file inside.
    public func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file inside, making folders on the way, and returns its path.
    @discardableResult
    public func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let url = URL(fileURLWithPath: file(name))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
        return url.path
    }
}
