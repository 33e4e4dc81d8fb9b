import Basics
import BlobStore
import TestSupport
import Testing
import Volumes

@Suite("What cannot be an artifact is refused, and leaves nothing behind")
struct WriterRefusalTests {
    private func expectRefusal(
        _ message: String, kind: String = "test", sourceLocation: SourceLocation = #_sourceLocation,
        _ write: (ArtifactWriter) throws -> Void
    ) throws {
        let temporary = try TemporaryStore()
        let error = #expect(throws: BlobError.self, sourceLocation: sourceLocation) {
            try temporary.store.stage(kind: kind, write)
        }
        #expect(error?.code == .invalid, sourceLocation: sourceLocation)
        #expect(error?.message == "\(message); \(reportMistake)", sourceLocation: sourceLocation)
        #expect(try temporary.stagingNames.isEmpty, sourceLocation: sourceLocation)
    }

    @Test("names that are no names")
    func names() throws {
        try expectRefusal("'../x' cannot name a kind of artifact", kind: "../x") { _ in }
        try expectRefusal("'a/b' cannot name a dataset") { try $0.write("a/b", shape: [1], values: [1.0]) }
        try expectRefusal("'' cannot name a dataset") { try $0.write("", shape: [1], values: [1.0]) }
        try expectRefusal("'cellar_kind' cannot name an attribute") { try $0.setAttribute("cellar_kind", "x") }
        try expectRefusal("there are two datasets 'a'") {
            try $0.write("a", shape: [1], values: [1.0])
            try $0.write("a", shape: [1], values: [1.0])
        }
    }

    @Test("attributes that do not fit or would not come back")
    func attributes() throws {
        try expectRefusal("the attribute 'a' is too long: keep it in a dataset") {
            try $0.setAttribute("a", .string(String(repeating: "x", count: 60_001)))
        }
        try expectRefusal("the attribute 'a' is too long: keep it in a dataset") {
            try $0.setAttribute("a", .reals([Double](repeating: 0, count: 7_501)))
        }
        try expectRefusal("the attribute 'a' holds a zero byte") { try $0.setAttribute("a", "x\0y") }
    }

    @Test("attributes of the greatest size, and many of them, are kept")
    func largeAttributes() throws {
        let temporary = try TemporaryStore()
        let digest = try temporary.store.put { artifact in
            try artifact.setAttribute("text", .string(String(repeating: "x", count: 60_000)))
            try artifact.setAttribute("reals", .reals([Double](repeating: 0.5, count: 7_500)))
            let many = Dictionary(uniqueKeysWithValues: (0..<500).map { ("n\($0)", AttributeValue.integer($0)) })
            try artifact.write("d", shape: [1], values: [1.0], attributes: many)
        }
        try temporary.store.verify(digest, deep: true)
        #expect(try temporary.store.open(digest).description(of: "d").attributes.count == 500)
    }

    @Test("shapes, chunks and levels out of bounds")
    func shapes() throws {
        try expectRefusal("no dataset can have the shape []") { _ = try $0.createDataset("a", shape: [], scalarType: .uint8) }
        try expectRefusal("no dataset can have the shape [-1, -1]") {
            _ = try $0.createDataset("a", shape: [-1, -1], scalarType: .uint8)
        }
        let huge = [Int.max, 2]
        try expectRefusal("no dataset can have the shape \(huge)") {
            _ = try $0.createDataset("a", shape: huge, scalarType: .float64)
        }
        try expectRefusal("a dataset of shape [4] cannot have chunks of [0]") {
            try $0.write("a", shape: [4], values: [1, 2, 3, 4] as [Float], chunk: [0])
        }
        try expectRefusal("a dataset of shape [4] cannot have chunks of [2, 2]") {
            try $0.write("a", shape: [4], values: [1, 2, 3, 4] as [Float], chunk: [2, 2])
        }
        try expectRefusal("there is no compression level 9, only 0 to 4") {
            try $0.write("a", shape: [1], values: [1.0], compression: 9)
        }
        try expectRefusal("the dataset 'a' of shape [2] got 3 values") { try $0.write("a", shape: [2], values: [1.0, 2, 3]) }
    }

    @Test("a dataset that got too little, too much, or another type")
    func appends() throws {
        try expectRefusal("the dataset 'a' of shape [2, 2] got 24 of its 32 bytes") {
            try $0.createDataset("a", shape: [2, 2], scalarType: .float64).append([1.0, 2, 3])
        }
        try expectRefusal("the dataset 'a' of shape [2] has no room for what is appended") {
            let writer = try $0.createDataset("a", shape: [2], scalarType: .float64)
            // Also where the closure does not mind.
            _ = try? writer.append([1.0, 2, 3])
        }
        try expectRefusal("the dataset 'a' holds float64, not float32") {
            try $0.createDataset("a", shape: [2], scalarType: .float64).append([1, 2] as [Float])
        }
    }

    @Test("a closure's own error is passed on")
    func ownErrors() throws {
        struct Own: Error {}
        let temporary = try TemporaryStore()
        #expect(throws: Own.self) {
            try temporary.store.stage(kind: "test") { artifact in
                try artifact.write("a", shape: [1], values: [1.0])
                throw Own()
            }
        }
        #expect(try temporary.stagingNames.isEmpty)
    }

    @Test("writers that outlive the closure are of no use")
    func escapes() throws {
        let temporary = try TemporaryStore()
        var escaped: (ArtifactWriter, DatasetWriter)?
        let digest = try temporary.store.put { artifact in
            let writer = try artifact.createDataset("a", shape: [1], scalarType: .float64)
            try writer.append([1.0])
            escaped = (artifact, writer)
        }
        let (artifact, writer) = try #require(escaped)
        #expect(throws: BlobError.self) { try artifact.write("b", shape: [1], values: [1.0]) }
        #expect(throws: BlobError.self) { try writer.append([1.0]) }
        try temporary.store.verify(digest, deep: true)
    }
}
