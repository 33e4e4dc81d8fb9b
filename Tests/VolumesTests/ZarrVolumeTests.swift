import Basics
import Foundation
import TestSupport
import Testing
import Volumes

@Suite("OME-Zarr volumes")
struct ZarrVolumeTests {
    /// A value that tells its place: z, y and x in one number.
    private static func value(_ z: Int, _ y: Int, _ x: Int) -> Int { z * 49 + y * 7 + x }

    private static func littleEndian<Value>(_ value: Value) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

    /// The little-endian bytes of a number as an element of a type.
    private static func bytes(_ number: Int, _ type: ScalarType) -> [UInt8] {
        switch type {
        case .uint8: littleEndian(UInt8(truncatingIfNeeded: number))
        case .int8: littleEndian(Int8(truncatingIfNeeded: number))
        case .uint16: littleEndian(UInt16(truncatingIfNeeded: number * 263))
        case .int16: littleEndian(Int16(truncatingIfNeeded: number * -263))
        case .uint32: littleEndian(UInt32(truncatingIfNeeded: number * 70_001))
        case .int32: littleEndian(Int32(truncatingIfNeeded: number * -70_001))
        case .uint64: littleEndian(UInt64(truncatingIfNeeded: number * 70_001_000_003))
        case .int64: littleEndian(Int64(truncatingIfNeeded: number * -70_001_000_003))
        case .float16: littleEndian(Float16(number) / 4)
        case .float32: littleEndian(Float(number) / 3)
        case .float64: littleEndian(Double(number) / 3)
        }
    }

    private static let codes: [(code: String, type: ScalarType)] = [
        ("u1", .uint8), ("i1", .int8), ("u2", .uint16), ("i2", .int16), ("u4", .uint32), ("i4", .int32), ("u8", .uint64),
        ("i8", .int64),
        ("f2", .float16), ("f4", .float32), ("f8", .float64),
    ]

    @Test("every type, byte order, storage order, separator and codec reads back what was written", arguments: 0..<60)
    func roundTrip(seed: Int) throws {
        var random = RandomStream(state: UInt64(seed))
        let directory = try TemporaryDirectory()
        let (code, type) = Self.codes[seed % Self.codes.count]
        let isBigEndian = Bool.random(using: &random)
        let order = type.size == 1 ? "|" : isBigEndian ? ">" : "<"
        let spatial = (0..<3).map { _ in Int.random(in: 1...9, using: &random) }
        let leading = Int.random(in: 0...2, using: &random)
        let fixture = ZarrFixture(
            shape: Array(repeating: 1, count: leading) + spatial,
            chunks: Array(repeating: 1, count: leading) + spatial.map { Int.random(in: 1...$0 + 2, using: &random) },
            dtype: order + code,
            compressor: ["null", "{\"id\": \"zlib\", \"level\": 1}", "{\"id\": \"gzip\", \"level\": 5}"].randomElement(
                using: &random) ?? "null",
            order: Bool.random(using: &random) ? "C" : "F",
            separator: [".", "/", nil].randomElement(using: &random) ?? ".")
        let path = try fixture.write(to: "a.zarr", in: directory, size: type.size) { place in
            let bytes = Self.bytes(Self.value(place[leading], place[leading + 1], place[leading + 2]), type)
            return isBigEndian ? bytes.reversed() : bytes
        }
        let volume = try ZarrVolume(path: path, array: nil)
        #expect(volume.shape == VolumeShape(z: spatial[0], y: spatial[1], x: spatial[2]))
        #expect(volume.scalarType == type)
        #expect(volume.header.format == "Zarr")
        for _ in 0..<6 {
            let ranges = spatial.map { count in
                let first = Int.random(in: 0..<count, using: &random)
                return first..<Int.random(in: first + 1...count, using: &random)
            }
            let box = try #require(Box(z: ranges[0], y: ranges[1], x: ranges[2]))
            let expected = ranges[0].flatMap { z in
                ranges[1].flatMap { y in ranges[2].flatMap { Self.bytes(Self.value(z, y, $0), type) } }
            }
            #expect(try volume.read(box).bytes == expected)
        }
    }

    @Test(
        "axis names decide which axis is z, y and x",
        arguments: [["z", "y", "x"], ["x", "y", "z"], ["y", "z", "x"], ["Z", "X", "Y"]])
    func namedAxes(names: [String]) throws {
        let directory = try TemporaryDirectory()
        let lengths = ["z": 2, "y": 3, "x": 5]
        let axes =
            "[" + names.map { "{\"name\": \"\($0)\", \"type\": \"space\", \"unit\": \"nanometer\"}" }.joined(separator: ", ")
            + "]"
        let scales = ["z": 3, "y": 2, "x": 1]
        let scale = "\(names.map { scales[$0.lowercased()] ?? 0 })"
        try directory.write("t.zarr/.zattrs", ZarrFixture.attributes(axes: axes, scales: [scale]))
        let shape = names.map { lengths[$0.lowercased()] ?? 0 }
        let fixture = ZarrFixture(shape: shape, chunks: [2, 2, 2], dtype: "|u1")
        try fixture.write(to: "t.zarr/0", in: directory, size: 1) { place in
            let at = Dictionary(uniqueKeysWithValues: zip(names.map { $0.lowercased() }, place))
            return [UInt8(Self.value(at["z"] ?? 0, at["y"] ?? 0, at["x"] ?? 0))]
        }
        let volume = try ZarrVolume(path: directory.file("t.zarr"), array: nil)
        #expect(volume.shape == VolumeShape(z: 2, y: 3, x: 5))
        #expect(volume.header.format == "OME-Zarr")
        #expect(volume.header.voxelSize == VoxelSize(xInAngstroms: 10, yInAngstroms: 20, zInAngstroms: 30))
        #expect(volume.header.notes.isEmpty == (names == ["z", "y", "x"]))
        let expected = (0..<2).flatMap { z in (0..<3).flatMap { y in (0..<5).map { x in UInt8(Self.value(z, y, x)) } } }
        #expect(try volume.read(volume.shape.box).bytes == expected)
    }

    @Test("a 2-D array is one slice, and axes without the names x and y are taken by position")
    func oneSlice() throws {
        let directory = try TemporaryDirectory()
        try directory.write("t.zarr/.zattrs", ZarrFixture.attributes(axes: #"["dim_0", "dim_1"]"#, scales: ["[4, 4]"]))
        try ZarrFixture(shape: [2, 3], chunks: [1, 2], dtype: "|u1").write(to: "t.zarr/0", in: directory, size: 1) {
            [UInt8($0[0] * 10 + $0[1])]
        }
        let volume = try ZarrVolume(path: directory.file("t.zarr"), array: nil)
        #expect(volume.shape == VolumeShape(z: 1, y: 2, x: 3))
        #expect(volume.chunkShape == VolumeShape(z: 1, y: 1, x: 2))
        #expect(try volume.readSlice(z: 0).bytes == [0, 1, 2, 10, 11, 12])
        #expect(volume.header.voxelSize == VoxelSize(cubicInAngstroms: 4))
        #expect(volume.header.notes.contains { $0.contains("dim_0") })
        #expect(volume.header.notes.contains { $0.contains("no unit") })
    }

    @Test(
        "the voxel size follows the unit, and is absent where the metadata say nothing",
        arguments: [
            ("angstrom", "[7, 7, 7]", 7.0), ("nanometer", "[0.5, 0.5, 0.5]", 5.0), ("micrometer", "[0.001, 0.001, 0.001]", 10.0),
            (nil, "[13.48, 13.48, 13.48]", 13.48), (nil, "[1, 1, 1]", nil), ("angstrom", "[1, 1, 1]", 1.0),
            ("parsec", "[1, 2, 3]", nil),
            ("meter", "[1, 1, 1]", nil), ("angstrom", "[0, 7, 7]", nil), ("angstrom", "[7, 7]", nil),
        ] as [(String?, String, Double?)])
    func voxelSizes(unit: String?, scale: String, expected: Double?) throws {
        let directory = try TemporaryDirectory()
        let unit = unit.map { ", \"unit\": \"\($0)\"" } ?? ""
        let axes = "[" + ["z", "y", "x"].map { "{\"name\": \"\($0)\"\(unit)}" }.joined(separator: ", ") + "]"
        try directory.write("t.zarr/.zattrs", ZarrFixture.attributes(axes: axes, scales: [scale]))
        try ZarrFixture(shape: [1, 1, 1], chunks: [1, 1, 1], dtype: "|u1").write(to: "t.zarr/0", in: directory, size: 1) { _ in
            [0]
        }
        let volume = try ZarrVolume(path: directory.file("t.zarr"), array: nil)
        #expect(volume.header.voxelSize == expected.flatMap { VoxelSize(cubicInAngstroms: $0) })
    }

    @Test("a named array has its own voxel size, further scaled by the image's, and images nest")
    func levels() throws {
        let directory = try TemporaryDirectory()
        let space = ["z", "y", "x"].map { "{\"name\": \"\($0)\", \"unit\": \"angstrom\"}" }.joined(separator: ", ")
        let axes = "[{\"name\": \"c\"}, \(space)]"
        let other = #", "name": "tomogram", "coordinateTransformations": [{"type": "scale", "scale": [1, 2, 2, 2]}]"#
        let attributes = ZarrFixture.attributes(
            axes: axes, paths: ["s0/image", "s1/image"], scales: ["[1, 5, 5, 5]", "[1, 10, 10, 10]"], other: other)
        for group in ["t.zarr", "t.zarr/labels/membrane"] {
            try directory.write("\(group)/.zattrs", attributes)
            for level in 0..<2 {
                let fixture = ZarrFixture(
                    shape: [1, 4, 4, 4].map { $0 == 1 ? 1 : $0 >> level }, chunks: [1, 2, 2, 2], dtype: "|u1")
                try fixture.write(to: "\(group)/s\(level)/image", in: directory, size: 1) { _ in [UInt8(level)] }
            }
        }
        let path = directory.file("t.zarr")
        let finest = try ZarrVolume(path: path, array: nil)
        #expect(finest.shape == VolumeShape(z: 4, y: 4, x: 4))
        #expect(finest.header.voxelSize == VoxelSize(cubicInAngstroms: 10))
        #expect(finest.header.labels == ["tomogram"])
        for name in ["s1/image", "/s1/image/", "./s1//image", "labels/membrane/s1/image"] {
            let coarse = try ZarrVolume(path: path, array: name)
            #expect(coarse.shape == VolumeShape(z: 2, y: 2, x: 2))
            #expect(coarse.header.voxelSize == VoxelSize(cubicInAngstroms: 20))
            #expect(try coarse.read(coarse.shape.box).bytes.allSatisfy { $0 == 1 })
        }
        #expect(try ZarrVolume(path: path, array: "labels/membrane").shape == VolumeShape(z: 4, y: 4, x: 4))
    }

    @Test(
        "chunks that were never written hold the fill value",
        arguments: [
            ("<i2", "-3", littleEndian(Int16(-3))), ("<f4", "\"NaN\"", littleEndian(Float.nan)),
            ("<f8", "NaN", littleEndian(Double.nan)),
            ("<f4", "\"-Infinity\"", littleEndian(-Float.infinity)), (">f4", "1.5", littleEndian(Float(1.5))),
            ("<u2", "null", [0, 0]),
            ("<u8", "18446744073709551615", littleEndian(UInt64.max)), ("|b1", "true", [1]),
            ("<i4", "7.0", littleEndian(Int32(7))),
        ])
    func fillValues(dtype: String, fill: String, expected: [UInt8]) throws {
        let directory = try TemporaryDirectory()
        var fixture = ZarrFixture(shape: [3, 3, 3], chunks: [2, 2, 2], dtype: dtype, separator: "/", fill: fill)
        fixture.missing = Set(ZarrFixture.places(in: [2, 2, 2]).map { $0.map(String.init).joined(separator: "/") }).subtracting([
            "0/0/0"
        ])
        let path = try fixture.write(to: "a.zarr", in: directory, size: expected.count) { _ in
            Array(repeating: 9, count: expected.count)
        }
        let volume = try ZarrVolume(path: path, array: nil)
        let voxels = try volume.read(volume.shape.box).bytes
        for (index, place) in ZarrFixture.places(in: [3, 3, 3]).enumerated() {
            let voxel = Array(voxels[index * expected.count..<(index + 1) * expected.count])
            #expect(voxel == (place.allSatisfy { $0 < 2 } ? Array(repeating: 9, count: expected.count) : expected))
        }
    }

    @Test("slices read from several threads at once are right")
    func concurrentReads() async throws {
        let directory = try TemporaryDirectory()
        let fixture = ZarrFixture(
            shape: [12, 16, 16], chunks: [4, 8, 8], dtype: "<u2", compressor: "{\"id\": \"zlib\", \"level\": 1}")
        let path = try fixture.write(to: "a.zarr", in: directory, size: 2) {
            Self.littleEndian(UInt16($0[0] * 256 + $0[1] * 16 + $0[2]))
        }
        let volume = try ZarrVolume(path: path, array: nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for z in (0..<12).shuffled() + (0..<12) {
                group.addTask {
                    let slice = try volume.readSlice(z: z).withValues(as: UInt16.self) { Array($0) }
                    #expect(slice == (0..<256).map { UInt16(z * 256 + $0) })
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("a box or a buffer that does not fit is refused")
    func misfits() throws {
        let directory = try TemporaryDirectory()
        let path = try ZarrFixture(shape: [2, 2, 2], chunks: [2, 2, 2], dtype: "|u1").write(to: "a", in: directory, size: 1) {
            _ in [0]
        }
        let volume = try ZarrVolume(path: path, array: nil)
        let box = try #require(Box(z: 0..<1, y: 0..<1, x: 0..<3))
        #expect(throws: VolumeError.self) { try volume.read(box) }
        var small: [UInt8] = [0]
        #expect(throws: VolumeError.self) { try small.withUnsafeMutableBytes { try volume.read(volume.shape.box, into: $0) } }
    }
}
