import Basics
import BlobStore
import Foundation
import TestSupport
import Testing
import Volumes

@Suite("What was written comes back")
struct RoundTripTests {
    /// Random bit patterns of a type, NaN and all.
    private func noise<Value: VoxelScalar>(_ count: Int, as type: Value.Type, seed: UInt64) -> [Value] {
        var generator = RandomStream(state: seed)
        return (0..<count).map { _ in
            withUnsafeBytes(of: generator.next()) { $0.loadUnaligned(as: Value.self) }
        }
    }

    private func expectRoundTrip<Value: VoxelScalar>(of type: Value.Type) throws {
        let temporary = try TemporaryStore()
        for (shape, chunk) in [
            ([1], nil), ([7, 5, 3], nil), ([7, 5, 3], [2, 5, 3]), ([7, 5, 3], [3, 2, 2]), ([3, 1000], [1, 300]),
            ([2, 3, 2, 3], [2, 1, 1, 2]),
        ] as [([Int], [Int]?)] {
            for compression in ArtifactWriter.compressionLevels {
                let values = noise(shape.reduce(1, *), as: type, seed: UInt64(shape.count))
                let digest = try temporary.store.put {
                    try $0.write("a", shape: shape, values: values, chunk: chunk, compression: compression)
                }
                let artifact = try temporary.store.open(digest)
                let bytes = { (values: [Value]) in values.withUnsafeBytes { Array($0) } }
                #expect(bytes(try artifact.read("a", shape: shape)) == bytes(values))
                let rowCount = values.count / shape[0]
                let last = shape[0] - 1
                #expect(bytes(try artifact.readRows("a", last..<shape[0])) == bytes(Array(values.suffix(rowCount))))
                try temporary.store.verify(digest, deep: true)
                try temporary.store.remove(digest)
            }
        }
    }

    @Test("every scalar type, chunk shape and compression level")
    func types() throws {
        try expectRoundTrip(of: UInt8.self)
        try expectRoundTrip(of: Int8.self)
        try expectRoundTrip(of: UInt16.self)
        try expectRoundTrip(of: Int16.self)
        try expectRoundTrip(of: UInt32.self)
        try expectRoundTrip(of: Int32.self)
        try expectRoundTrip(of: UInt64.self)
        try expectRoundTrip(of: Int64.self)
        try expectRoundTrip(of: Float16.self)
        try expectRoundTrip(of: Float.self)
        try expectRoundTrip(of: Double.self)
    }

    @Test("kind, attributes and descriptions")
    func descriptions() throws {
        let temporary = try TemporaryStore()
        let sample = SampleArtifact()
        let artifact = try temporary.store.open(try temporary.store.put(kind: "sample-kind", sample.write))
        #expect(artifact.kind == "sample-kind")
        #expect(artifact.attributes == Dictionary(uniqueKeysWithValues: sample.attributes))
        #expect(artifact.datasets.map(\.name) == ["counts", "values"])
        let values = try artifact.description(of: "values")
        #expect(values.shape == [3, 4, 5])
        #expect(values.scalarType == .float32)
        #expect(values.attributes == ["unit": "Å"])
        #expect(values.payloadDigest == sample.values.withUnsafeBytes { Digest(of: Array($0)) })
    }

    @Test("an empty dataset, and an artifact with nothing in it")
    func emptiness() throws {
        let temporary = try TemporaryStore()
        let digest = try temporary.store.put { try $0.write("none", shape: [0, 3], values: [Float]()) }
        let artifact = try temporary.store.open(digest)
        #expect(try artifact.read("none", as: Float.self, shape: [0, 3]) == [])
        #expect(try artifact.readFloats("none") == [])
        let bare = try temporary.store.put { _ in }
        #expect(try temporary.store.open(bare).datasets.isEmpty)
        for digest in [digest, bare] { try temporary.store.verify(digest, deep: true) }
    }

    @Test("a dataset appended in uneven pieces, larger than a batch, next to another")
    func streaming() throws {
        let temporary = try TemporaryStore()
        let shape = [37, 512, 600]
        let values = noise(shape.reduce(1, *), as: UInt16.self, seed: 3)
        var generator = RandomStream(state: 4)
        let digest = try temporary.store.put { artifact in
            let stream = try artifact.createDataset("stream", shape: shape, scalarType: .uint16, compression: 0)
            let other = try artifact.createDataset("other", shape: [2, 2], scalarType: .int8)
            try values.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let piece = rest.prefix(Int.random(in: 1...5_000_000, using: &generator))
                    try stream.append(UnsafeRawBufferPointer(rebasing: piece))
                    rest = rest.dropFirst(piece.count)
                }
            }
            try other.append([1, 2, 3, 4] as [Int8])
        }
        let whole = try temporary.store.put {
            try $0.write("stream", shape: shape, values: values)
            try $0.write("other", shape: [2, 2], values: [1, 2, 3, 4] as [Int8])
        }
        #expect(whole == digest)
        let artifact = try temporary.store.open(digest)
        #expect(try artifact.read("stream") == values)
        #expect(try artifact.readRows("stream", 5..<9) == Array(values[5 * 512 * 600..<9 * 512 * 600]))
        try temporary.store.verify(digest, deep: true)
    }

    @Test("every float16 becomes the float32 of the same value")
    func halves() throws {
        let temporary = try TemporaryStore()
        let patterns = (0...UInt16.max).map { Float16(bitPattern: $0) }
        let digest = try temporary.store.put { try $0.write("h", shape: [65537], values: patterns + [1]) }
        let floats = try temporary.store.open(digest).readFloats("h")
        let isEqual = zip(floats, patterns).allSatisfy { $0 == Float($1) || ($0.isNaN && $1.isNaN) }
        #expect(isEqual)
        #expect(floats.count == 65537)
        let signs = zip(floats, patterns).allSatisfy { $0.sign == Float($1).sign }
        #expect(signs)
    }

    @Test("integers and doubles as float32, by rows")
    func floats() throws {
        let temporary = try TemporaryStore()
        let digest = try temporary.store.put {
            try $0.write("i", shape: [4, 2], values: [-1, 2, -3, 4, 5, -6, 7, 8] as [Int16], chunk: [3, 1])
            try $0.write("d", shape: [2], values: [0.1, -1e300])
        }
        let artifact = try temporary.store.open(digest)
        #expect(try artifact.readFloats("i", rows: 1..<3) == [-3, 4, 5, -6])
        #expect(try artifact.readFloats("d") == [0.1, -.infinity])
    }

    @Test("voxels go in and out as a buffer")
    func voxels() throws {
        let temporary = try TemporaryStore()
        let shape = try #require(VolumeShape(z: 2, y: 3, x: 4))
        let voxels = try #require(VoxelBuffer(shape: shape, values: (0..<24).map { UInt8($0) }))
        let digest = try temporary.store.put {
            try $0.write("volume", voxels)
            try $0.write("image", shape: [3, 4], values: [Float](repeating: 2, count: 12))
        }
        let artifact = try temporary.store.open(digest)
        #expect(try artifact.readVoxels("volume") == voxels)
        #expect(try artifact.readVoxels("image").shape == VolumeShape(z: 1, y: 3, x: 4))
    }

    @Test("what is not there, or not of that type or shape, is refused by name")
    func wrongRequests() throws {
        let temporary = try TemporaryStore()
        let artifact = try temporary.store.open(try temporary.store.put(SampleArtifact().write))
        let missing = #expect(throws: BlobError.self) { try artifact.read("nothing", as: Float.self) }
        #expect(missing?.code == .missing)
        #expect(
            missing?.message
                == "the artifact has no dataset 'nothing', only 'counts', 'values'; `cellar verify --deep` looks for damage"
        )
        let type = #expect(throws: BlobError.self) { try artifact.read("values", as: Double.self) }
        #expect(type?.message == "the dataset 'values' holds float32, not float64; \(reportMistake)")
        let shape = #expect(throws: BlobError.self) { try artifact.read("values", as: Float.self, shape: [60]) }
        #expect(shape?.message == "the dataset 'values' has the shape [3, 4, 5], not [60]; \(reportMistake)")
        for rows in [-1..<1, 2..<4, 3..<5] {
            let error = #expect(throws: BlobError.self) { try artifact.readRows("values", rows, as: Float.self) }
            #expect(error?.code == .invalid)
        }
        #expect(try artifact.readRows("values", 3..<3, as: Float.self) == [])
        var small = [UInt8](repeating: 0, count: 3)
        #expect(throws: BlobError.self) { try small.withUnsafeMutableBytes { try artifact.readRows("values", 0..<1, into: $0) } }
    }
}
