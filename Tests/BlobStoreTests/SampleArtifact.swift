import Basics
import BlobStore
import Foundation
import TestSupport
import Volumes

/// A store in a temporary directory of its own.
struct TemporaryStore {
    let directory: TemporaryDirectory
    let store: BlobStore

    init(probe: (@Sendable (StorePoint) throws -> Void)? = nil) throws {
        directory = try TemporaryDirectory()
        store = try BlobStore(directory: directory.file("blobs"), probe: probe)
    }

    /// What is in `staging/`.
    var stagingNames: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: "\(store.directory)/staging") }
    }
}

extension BlobStore {
    /// Stages and commits.
    func put(kind: String = "test", _ write: (ArtifactWriter) throws -> Void) throws -> Digest {
        let staged = try stage(kind: kind, write)
        try commit([staged])
        return staged.digest
    }
}

/// An artifact of two datasets and one attribute of each type, of which a test changes one thing at a time.
struct SampleArtifact {
    var kind = "test"
    var name = "values"
    var shape = [3, 4, 5]
    var values = (0..<60).map { Float($0) / 7 }
    var chunk: [Int]?
    var compression = 1
    var attributes: [(String, AttributeValue)] = [
        ("text", "Größe"), ("integer", -7), ("real", 0.1), ("reals", [1, 2.5, -3]), ("empty", ""), ("none", []),
    ]
    var datasetAttributes: [String: AttributeValue] = ["unit": "Å"]
    var isReversed = false

    func write(_ artifact: ArtifactWriter) throws {
        let parts: [() throws -> Void] = [
            {
                try artifact.write(
                    name, shape: shape, values: values, chunk: chunk, compression: compression, attributes: datasetAttributes)
            },
            { try artifact.write("counts", shape: [4], values: [1, 2, 3, 4] as [Int32], compression: compression) },
            { for (name, value) in attributes { try artifact.setAttribute(name, value) } },
        ]
        for part in isReversed ? parts.reversed() : parts { try part() }
    }

    /// The digest alone.
    func digest(in store: BlobStore) throws -> Digest {
        let staged = try store.stage(kind: kind, write)
        store.discard(staged)
        return staged.digest
    }
}
