import Basics
import Foundation
import TestSupport
import Testing

@testable import Volumes

private let python = PythonProgram(running: "import numpy, zarr, numcodecs")

@Suite("An OME-Zarr image that is written")
struct OMEZarrWriterTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A volume in memory that notes which boxes were read, and may fail at the last slice.
    final class MemoryVolume: Volume, @unchecked Sendable {
        let buffer: VoxelBuffer
        let header: VolumeHeader
        let chunkShape: VolumeShape
        let failsAtEnd: Bool
        /// Written by the one thread of the test.
        var voxelsRead = 0

        init(_ buffer: VoxelBuffer, wholeSlices: Bool = false, failsAtEnd: Bool = false) throws {
            (self.buffer, self.failsAtEnd) = (buffer, failsAtEnd)
            header = VolumeHeader(path: "memory", format: "memory")
            let rows = wholeSlices ? buffer.shape.y : 1
            chunkShape = try #require(VolumeShape(z: 1, y: rows, x: buffer.shape.x))
        }

        var shape: VolumeShape { buffer.shape }
        var scalarType: ScalarType { buffer.scalarType }

        func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
            if failsAtEnd, box.z.upperBound == shape.z { throw VolumeError(.truncated, "ends early", path: "memory") }
            voxelsRead += box.shape.count
            let size = scalarType.size
            var target = 0
            for z in box.z {
                for y in box.y {
                    let row = ((z * shape.y + y) * shape.x + box.x.lowerBound) * size
                    destination[target..<target + box.x.count * size].copyBytes(
                        from: buffer.bytes[row..<row + box.x.count * size])
                    target += box.x.count * size
                }
            }
        }
    }

    private static func buffer<Value: VoxelScalar>(_ z: Int, _ y: Int, _ x: Int, _ value: (Int) -> Value) throws -> VoxelBuffer {
        let shape = try #require(VolumeShape(z: z, y: y, x: x))
        return try #require(VoxelBuffer(shape: shape, values: (0..<shape.count).map(value)))
    }

    private func write(
        _ volume: any Volume, name: String = "a.zarr", replacing: Bool = false, voxelSize: Double? = 13.48,
        _ reduction: OMEZarrWriter.Reduction, chunkLength: Int = 4, layerLimit: Int? = nil
    ) throws -> String {
        let path = directory.file(name)
        try OMEZarrWriter.write(
            volume, to: OutputFolder(path, replacing: replacing, protecting: .none), name: "t",
            voxelSize: voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) }, reduction: reduction, chunkLength: chunkLength,
            layerLimit: layerLimit)
        return path
    }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() }
    }

    // MARK: Python

    @Test(
        "is read by zarr, ome-zarr and tensorstore: voxels, resolutions and metadata",
        .enabled(if: python != nil, PythonProgram.absence))
    func readByPython() throws {
        var arguments = [Repository.file("Tests/VolumesTests/check_written_zarr.py")]
        var count = 0
        func add(_ buffer: VoxelBuffer, _ code: String, _ reduction: OMEZarrWriter.Reduction, _ size: Double?) throws {
            // With a layer of one byte, chunks are two slices deep.
            for (wholeSlices, layerLimit) in [(false, nil), (true, nil), (false, 1), (true, 1)] as [(Bool, Int?)] {
                count += 1
                let path = try write(
                    MemoryVolume(buffer, wholeSlices: wholeSlices), name: "\(count).zarr", voxelSize: size, reduction,
                    chunkLength: 6, layerLimit: layerLimit)
                let raw = try directory.write("\(count).raw", buffer.bytes)
                let shape = buffer.shape
                arguments += [path, raw, code, "\(shape.z)", "\(shape.y)", "\(shape.x)", "\(size ?? 0)", "\(reduction)"]
            }
        }
        var random = RandomStream(state: 5)
        for (z, y, x) in [(13, 29, 31), (1, 1, 1), (24, 12, 7), (3, 25, 2)] {
            try add(Self.buffer(z, y, x) { _ in Float.random(in: -3...3, using: &random) }, "<f4", .mean, 13.48)
            try add(Self.buffer(z, y, x) { _ in Int8.random(in: -128...127, using: &random) }, "|i1", .mean, 10)
            try add(Self.buffer(z, y, x) { _ in UInt8.random(in: 0...3, using: &random) }, "|u1", .first, 7.84)
            try add(Self.buffer(z, y, x) { UInt16($0) }, "<u2", .first, nil)
            try add(Self.buffer(z, y, x) { Int16($0) - 3000 }, "<i2", .mean, 10)
            try add(Self.buffer(z, y, x) { Int32($0) * 70000 }, "<i4", .first, 2.62)
        }
        let output = try #require(python).run(arguments)
        let compressor = CodecLibrary.blosc.version == nil ? "zlib" : "blosc"
        #expect(output.split(separator: "\n").count { $0.hasPrefix("ok \(compressor) zarr") } == count, "\(output)")
    }

    // MARK: Without Python

    /// The voxels of a resolution that is stored by zlib or blosc.
    private func level(_ path: String, _ level: Int, as type: ScalarType) throws -> [Double]? {
        guard CodecLibrary.blosc.version == nil else { return nil }
        let volume = try ZarrVolume(path: path, array: "\(level)")
        #expect(volume.scalarType == type)
        return try volume.read(volume.shape.box).doubles()
    }

    @Test("has metadata and chunks where programs look for them")
    func files() throws {
        let path = try write(MemoryVolume(Self.buffer(5, 9, 3) { Float($0) }), .mean)
        func json(_ key: String) throws -> NSDictionary {
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(key)"))
            let object = try JSONSerialization.jsonObject(with: data)
            return try #require(object as? NSDictionary)
        }
        #expect(try json(".zgroup") == ["zarr_format": 2])
        let image = try #require((json(".zattrs")["multiscales"] as? [NSDictionary])?.first)
        #expect(image["version"] as? String == "0.4" && image["name"] as? String == "t")
        #expect(
            image["axes"] as? [NSDictionary]
                == ["z", "y", "x"].map { ["name": $0, "type": "space", "unit": "angstrom"] as NSDictionary })
        let datasets = try #require(image["datasets"] as? [NSDictionary])
        let scales = datasets.map { (($0["coordinateTransformations"] as? [NSDictionary])?.first?["scale"] as? [Double]) ?? [] }
        #expect(scales == [13.48, 26.96, 53.92].map { [$0, $0, $0] })
        for (level, shape, chunks) in [(0, [5, 9, 3], [4, 4, 3]), (1, [3, 5, 2], [3, 4, 2]), (2, [2, 3, 1], [2, 3, 1])] {
            let array = try json("\(level)/.zarray")
            #expect(array["shape"] as? [Int] == shape && array["chunks"] as? [Int] == chunks, "\(level)")
            #expect(array["dtype"] as? String == "<f4" && array["dimension_separator"] as? String == "/")
            #expect(array["filters"] is NSNull)
        }
        for key in ["0/0/0/0", "0/1/2/0", "1/0/1/0", "2/0/0/0"] {
            #expect(FileManager.default.fileExists(atPath: "\(path)/\(key)"), "\(key)")
        }
        #expect(try names == ["a.zarr"])
    }

    @Test("has chunks that are less deep where a layer of them would take too much memory")
    func depth() throws {
        func depth(_ side: Int, bytes: Int) throws -> Int {
            NewImage(
                name: "", remarks: [], voxelSize: nil, areLabels: false,
                shape: try #require(VolumeShape(z: 500, y: side, x: side)),
                chunkLength: 256, layerLimit: (256 << 20) / bytes
            ).chunkDepth
        }
        #expect(try depth(512, bytes: 4) == 256 && depth(1024, bytes: 1) == 256)
        #expect(try depth(1024, bytes: 4) == 64 && depth(4096, bytes: 4) == 4 && depth(100_000, bytes: 4) == 2)
    }

    @Test("has block means of what is there, or the first of each block", arguments: [false, true])
    func reductions(wholeSlices: Bool) throws {
        let image = NewImage(
            name: "", remarks: [], voxelSize: nil, areLabels: false, shape: try #require(VolumeShape(z: 3, y: 2, x: 600)),
            chunkLength: 255, layerLimit: 256 * 600 * 2)
        #expect(image.levels.map(\.x) == [600, 300, 150] && image.levels.map(\.z) == [3, 2, 1])
        #expect(image.chunkShape(0).x == 256 && image.chunkShape(2).x == 150)

        let buffer = try Self.buffer(3, 3, 9) { UInt8($0) }
        let volume = try MemoryVolume(buffer, wholeSlices: wholeSlices)
        let path = try write(volume, .mean)
        // Each voxel is read once.
        #expect(volume.voxelsRead == buffer.shape.count)
        // The first block: 0, 1, 9, 10, 27, 28, 36, 37: mean 18.5, rounded away from zero. The last one: 80.
        if let values = try level(path, 1, as: .uint8) { #expect(values.first == 19 && values.last == 80 && values.count == 20) }
        if let first = try level(write(volume, replacing: true, .first), 1, as: .uint8) {
            let corners = [0, 18, 54, 72]
            let expected: [Double] = corners.flatMap { corner in (0..<5).map { Double(corner + 2 * $0) } }
            #expect(first == expected)
        }
    }

    @Test("stores float16 and float64 as float32")
    func conversions() throws {
        for buffer in try [Self.buffer(2, 2, 2) { Float16($0) / 4 }, Self.buffer(2, 2, 2) { Double($0) / 4 }] {
            let path = try write(MemoryVolume(buffer), replacing: true, voxelSize: nil, .mean)
            let array = try ZarrStore(path: path).document([String: AnyJSON].self, at: "0/.zarray")
            #expect(array?["dtype"]?.text == "<f4")
            if let values = try level(path, 0, as: .float32) { #expect(values == (0..<8).map { Double($0) / 4 }) }
        }
    }

    private struct AnyJSON: Decodable {
        let text: String?
        init(from decoder: any Decoder) throws { text = try? decoder.singleValueContainer().decode(String.self) }
    }

    @Test("that fails leaves nothing, and what was there stays")
    func failure() throws {
        let good = try Self.buffer(9, 4, 4) { UInt8($0) }
        #expect(throws: VolumeError.self) { try write(MemoryVolume(good, failsAtEnd: true), .first) }
        #expect(try names == [])
        let path = try write(MemoryVolume(good), .first)
        let before = try Data(contentsOf: URL(fileURLWithPath: "\(path)/0/0/0/0"))
        #expect(throws: VolumeError.self) {
            try write(MemoryVolume(Self.buffer(9, 4, 4) { _ in UInt8(7) }, failsAtEnd: true), replacing: true, .first)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(path)/0/0/0/0")) == before)
        #expect(try names == ["a.zarr"])
        // Replaced as a whole: the smaller one has no chunk of the larger.
        _ = try write(MemoryVolume(Self.buffer(2, 4, 4) { _ in UInt8(7) }), replacing: true, .first)
        #expect(!FileManager.default.fileExists(atPath: "\(path)/0/1"))
        #expect(try names == ["a.zarr"])
    }
}
