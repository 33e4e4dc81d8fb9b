public import BlobStore

/// A text as an artifact.
public enum ToyText {
    static func write(_ text: String, to artifact: ArtifactWriter) throws {
        try artifact.write("text", shape: [text.utf8.count], values: Array(text.utf8))
    }

    public static func read(_ artifact: Artifact) throws -> String {
        String(decoding: try artifact.read("text", as: UInt8.self), as: UTF8.self)
    }
}

public struct ToyError: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}
