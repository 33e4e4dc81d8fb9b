import Basics
import Foundation
import TestSupport
import Testing

@testable import Volumes

@Suite("What zarr stores have and lack")
struct ZarrStoreTests {
    @Test("stored chunks are counted by listing folders; what is no chunk of the grid is not counted", arguments: [".", "/"])
    func storedChunks(separator: String) throws {
        let directory = try TemporaryDirectory()
        var fixture = ZarrFixture(shape: [8, 8, 8], chunks: [4, 4, 4], dtype: "|u1", separator: separator)
        fixture.missing = [["1", "0", "1"].joined(separator: separator)]
        let path = try fixture.write(to: "missing.zarr", in: directory, size: 1) { _ in [1] }
        let volume = try ZarrVolume(path: path, array: nil)
        #expect(try volume.storedChunks() == StoredChunks(stored: 7, total: 8))
        for name in [["2", "0", "0"], ["0", "0", "01"], ["0", "0", "-1"], ["0", "0", "1.part"]] {
            try directory.write("missing.zarr/\(name.joined(separator: separator))", [1])
        }
        #expect(try volume.storedChunks() == StoredChunks(stored: 7, total: 8))
        let voxels = try volume.read(volume.shape.box).bytes
        #expect(voxels.count { $0 == 1 } == 7 * 64 && voxels.count { $0 == 0 } == 64)
    }

    @Test("an array of which nothing was written has no stored chunks")
    func nothingStored() throws {
        let directory = try TemporaryDirectory()
        let fixture = ZarrFixture(shape: [8, 8, 8], chunks: [4, 4, 4], dtype: "|u1", separator: "/")
        try directory.write("a/.zarray", Array(fixture.metadata.utf8))
        #expect(try ZarrVolume(path: directory.file("a"), array: nil).storedChunks() == StoredChunks(stored: 0, total: 8))
        #expect(StoredChunks(stored: 0, total: 8).isComplete == false)
    }

    @Test("a folder of chunks that leads out of the store is not listed")
    func outside() throws {
        let directory = try TemporaryDirectory()
        let fixture = ZarrFixture(shape: [8, 8, 8], chunks: [4, 4, 4], dtype: "|u1", separator: "/")
        let path = try fixture.write(to: "a", in: directory, size: 1) { _ in [1] }
        try FileManager.default.moveItem(atPath: "\(path)/1", toPath: directory.file("elsewhere"))
        try FileManager.default.createSymbolicLink(atPath: "\(path)/1", withDestinationPath: directory.file("elsewhere"))
        let volume = try ZarrVolume(path: path, array: nil)
        #expect { try volume.storedChunks() } throws: { ($0 as? VolumeError)?.code == .unreadable }
    }

    @Test("a chunk as the portal writes it, 256 x 256 x 256 under a smaller volume", .enabled(if: BloscLibrary.shared != nil))
    func portal() throws {
        let directory = try TemporaryDirectory()
        var fixture = ZarrFixture(shape: [3, 5, 7], chunks: [256, 256, 256], dtype: "<f4", separator: "/")
        fixture.compressor = #"{"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}"#
        try directory.write("portal.zarr/0/.zarray", Array(fixture.metadata.utf8))
        let axes = #"[{"name": "z", "unit": "angstrom"}, {"name": "y", "unit": "angstrom"}, {"name": "x", "unit": "angstrom"}]"#
        try directory.write("portal.zarr/.zattrs", ZarrFixture.attributes(axes: axes, scales: ["[10, 10, 10]"]))
        var chunk = [Float](repeating: 0, count: 1 << 24)
        for place in ZarrFixture.places(in: [3, 5, 7]) {
            chunk[(place[0] * 256 + place[1]) * 256 + place[2]] = Float(place[0] * 35 + place[1] * 7 + place[2])
        }
        let frame = try #require(chunk.withUnsafeBytes { BloscLibrary.shared?.encode($0, elementSize: 4, level: 5, threads: 1) })
        try directory.write("portal.zarr/0/0/0/0", frame)
        for text in [directory.file("portal.zarr"), directory.file("portal.zarr:0"), directory.file("portal.zarr:/0")] {
            let volume = try VolumeLocation(parsing: text).open()
            #expect(volume.header.voxelSize == VoxelSize(cubicInAngstroms: 10))
            #expect(try volume.read(volume.shape.box).floats() == (0..<105).map { Float($0) })
        }
        // Cut off, as a full disk leaves it.
        try directory.write("portal.zarr/0/0/0/0", frame.prefix(frame.count / 2))
        let volume = try ZarrVolume(path: directory.file("portal.zarr"), array: nil)
        #expect { try volume.readSlice(z: 0) } throws: { ($0 as? VolumeError)?.code == .malformed }
    }

    @Test("the names of the dimensions of a plain array of version 3 decide which axis is which")
    func dimensionNames() throws {
        let directory = try TemporaryDirectory()
        let json = """
            {"zarr_format": 3, "node_type": "array", "shape": [2, 3], "data_type": "uint8", "fill_value": 0, "codecs": ["bytes"],
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 3]}}, "chunk_key_encoding": "default",
            "dimension_names": NAMES}
            """
        try directory.write("a/c/0/0", Array(0..<6))
        for (names, voxels) in [
            (#"["y", "x"]"#, [0, 1, 2, 3, 4, 5]), (#"["x", "y"]"#, [0, 3, 1, 4, 2, 5]), ("[null, \"y\"]", Array(0..<6)),
        ] {
            try directory.write("a/zarr.json", Array(json.replacing("NAMES", with: names).utf8))
            let volume = try ZarrVolume(path: directory.file("a"), array: nil)
            #expect(try volume.read(volume.shape.box).bytes == voxels.map { UInt8($0) })
        }
    }

    @Test(
        "fill values of version 3: by their bits, or by name",
        arguments: [
            ("float16", "\"0x7e01\"", [0x01, 0x7e]), ("float32", "\"0x7fc00001\"", [1, 0, 0xc0, 0x7f]),
            ("float64", "\"0xfff0000000000000\"", [0, 0, 0, 0, 0, 0, 0xf0, 0xff]),
            ("float32", "\"-Infinity\"", [0, 0, 0x80, 0xff]),
            ("float32", "-1.5", [0, 0, 0xc0, 0xbf]), ("bool", "true", [1]), ("int16", "-2", [0xfe, 0xff]),
        ] as [(String, String, [UInt8])])
    func fillValues(type: String, fill: String, expected: [UInt8]) throws {
        let directory = try TemporaryDirectory()
        let json = """
            {"zarr_format": 3, "node_type": "array", "shape": [1, 2], "data_type": "\(type)", "fill_value": \(fill),
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 2]}}, "chunk_key_encoding": "default",
            "codecs": ["bytes"]}
            """
        try directory.write("a/zarr.json", Array(json.utf8))
        let volume = try ZarrVolume(path: directory.file("a"), array: nil)
        #expect(try volume.read(volume.shape.box).bytes == expected + expected)
    }
}
