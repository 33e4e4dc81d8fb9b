import Basics
import Foundation
import TestSupport
import Testing

@testable import Volumes

/// The stores that `Golden/make_zarr_golden.py` wrote with zarr-python and numcodecs.
enum ZarrGolden {
    /// The files of all stores, by their paths.
    static func files() throws -> [(path: String, bytes: [UInt8])] {
        let bytes = try GoldenFile("zarr.bin", in: .module).bytes()
        let end = try #require(bytes.firstIndex(of: UInt8(ascii: "\n")))
        let table = try #require(try JSONSerialization.jsonObject(with: Data(bytes[..<end])) as? [[Any]])
        var start = end + 1
        return try table.map { row in
            let (path, size) = (try #require(row[0] as? String), try #require(row[1] as? Int))
            defer { start += size }
            return (path, Array(bytes[start..<start + size]))
        }
    }

    /// The names of all stores.
    static func names() throws -> [String] {
        Set(try files().map { String($0.path.prefix { $0 != "/" }) }).sorted()
    }

    /// Writes the stores whose names have a prefix.
    static func write(_ prefix: String, to directory: TemporaryDirectory) throws {
        for file in try files() where file.path.hasPrefix(prefix) { try directory.write(file.path, file.bytes) }
    }

    /// The voxel with a number, from the first on, as bytes of a type.
    static func voxel(_ number: Int, _ type: ScalarType, isBoolean: Bool) -> [UInt8] {
        func bytes<Value>(_ value: Value) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
        if isBoolean { return [UInt8(number % 2)] }
        return switch type {
        case .uint8: bytes(UInt8(number))
        case .int8: bytes(Int8(number))
        case .uint16: bytes(UInt16(number))
        case .int16: bytes(Int16(number))
        case .uint32: bytes(UInt32(number))
        case .int32: bytes(Int32(number))
        case .uint64: bytes(UInt64(number))
        case .int64: bytes(Int64(number))
        case .float16: bytes(Float16(number))
        case .float32: bytes(Float(number))
        case .float64: bytes(Double(number))
        }
    }
}

@Suite("Zarr stores that zarr-python wrote")
struct ZarrGoldenTests {
    @Test("each codec, shuffle, type, order and shard gives the voxels that were written")
    func stores() throws {
        let directory = try TemporaryDirectory()
        try ZarrGolden.write("", to: directory)
        let names = try ZarrGolden.names()
        #expect(names.count > 60)
        for name in names {
            let volume = try ZarrVolume(path: directory.file(name), array: nil)
            #expect(volume.shape == VolumeShape(z: 3, y: 5, x: 7), "\(name)")
            let isBoolean = name.contains("bool") || name.contains("b1")
            let expected = (0..<105).flatMap { ZarrGolden.voxel($0, volume.scalarType, isBoolean: isBoolean) }
            #expect(try volume.read(volume.shape.box).bytes == expected, "\(name)")
            let box = try #require(Box(z: 1..<3, y: 2..<4, x: 3..<6))
            let inside = (1..<3).flatMap { z in (2..<4).flatMap { y in (3..<6).map { z * 35 + y * 7 + $0 } } }
            #expect(
                try volume.read(box).bytes
                    == inside.flatMap { ZarrGolden.voxel($0, volume.scalarType, isBoolean: isBoolean) }, "\(name)")
            let stored = try #require(try volume.storedChunks())
            #expect(
                stored.isComplete
                    && stored.total
                        == (volume.chunkShape == volume.shape || name.hasPrefix("3-shard-s") || name.hasPrefix("3-shard-e")
                            || name.hasPrefix("3-shard-t") || name.hasPrefix("3-shard-c") ? 1 : 8),
                "\(name)")
        }
    }

    @Test("the types of version 3 are those of the same names")
    func types() throws {
        let directory = try TemporaryDirectory()
        try ZarrGolden.write("3-type-", to: directory)
        for name in try ZarrGolden.names() where name.hasPrefix("3-type-") {
            let type = name.dropFirst("3-type-".count)
            let volume = try ZarrVolume(path: directory.file(name), array: nil)
            #expect("\(volume.scalarType)" == (type == "bool" ? "uint8" : type))
        }
    }

    @Test("the values of checksums are those of the standards")
    func checksums() {
        let digits = Array("123456789".utf8)
        func value(_ checksum: Checksum32, _ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum.value(of: $0) } }
        #expect(value(.castagnoli, digits) == 0xe306_9283)
        #expect(value(.gzip, digits) == 0xcbf4_3926)
        // RFC 3720, appendix B.4.
        #expect(value(.castagnoli, Array(repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(value(.castagnoli, Array(0..<32)) == 0x46dd_794e)
        #expect(value(.castagnoli, []) == 0)
    }

    @Test("one changed bit of a chunk with a checksum is noticed, and so is one of an index of a shard")
    func damage() throws {
        let directory = try TemporaryDirectory()
        for (store, place) in [
            ("2-crc32", 9), ("3-crc32c", 40), ("3-shard-copick", 30), ("3-shard-end", -9), ("3-shard-start", 9),
        ] {
            try ZarrGolden.write("\(store)/", to: directory)
            let files = try ZarrGolden.files().filter {
                $0.path.hasPrefix("\(store)/") && $0.bytes.count > 40 && $0.path.last != "n"
            }
            let chunk = try #require(files.last { !$0.path.hasSuffix("y") })
            var bytes = chunk.bytes
            bytes[place < 0 ? bytes.count + place : place] ^= 4
            try directory.write(chunk.path, bytes)
            let volume = try ZarrVolume(path: directory.file(store), array: nil)
            #expect { try volume.read(volume.shape.box) } throws: { ($0 as? VolumeError)?.code == .malformed }
        }
    }

    @Test("a shard that is cut off, or names bytes that it does not have, is refused")
    func damagedShards() throws {
        let directory = try TemporaryDirectory()
        try ZarrGolden.write("3-shard-plain/", to: directory)
        let path = "3-shard-plain/c/0/0/0"
        let sound = try #require(try ZarrGolden.files().first { $0.path == path }?.bytes)
        func failure(_ bytes: [UInt8]) throws -> VolumeErrorCode? {
            try directory.write(path, bytes)
            let volume = try ZarrVolume(path: directory.file("3-shard-plain"), array: nil)
            do throws(VolumeError) { _ = try volume.read(volume.shape.box) } catch { return error.code }
            return nil
        }
        #expect(try failure(sound) == nil)
        #expect(try failure(Array(sound.suffix(50))) == .truncated)
        // Its index, of four chunks without a checksum, is at the end.
        func changed(_ offset: Int, _ value: UInt64) -> [UInt8] {
            var bytes = sound
            let start = bytes.count - 64 + offset
            bytes.replaceSubrange(start..<start + 8, with: withUnsafeBytes(of: value) { Array($0) })
            return bytes
        }
        #expect(try failure(changed(0, 1 << 40)) == .malformed)
        #expect(try failure(changed(0, .max)) == .malformed)
        #expect(try failure(changed(8, .max - 3)) == .malformed)
        #expect(try failure(changed(8, 25)) == .tooLarge)
        #expect(try failure(changed(8, 23)) == .truncated)
    }

    @Test("a chunk that a shard does not have, and a shard that is not there, hold the fill value")
    func missing() throws {
        let directory = try TemporaryDirectory()
        try ZarrGolden.write("3-shard-plain/", to: directory)
        let path = "3-shard-plain/c/0/0/0"
        var bytes = try #require(try ZarrGolden.files().first { $0.path == path }?.bytes)
        bytes.replaceSubrange(bytes.count - 64..<bytes.count - 48, with: Array(repeating: 0xff, count: 16))
        try directory.write(path, bytes)
        try FileManager.default.removeItem(atPath: directory.file("3-shard-plain/c/1/1/1"))
        let volume = try ZarrVolume(path: directory.file("3-shard-plain"), array: nil)
        let voxels = try #require(try volume.read(volume.shape.box).withValues(as: Float.self) { Array($0) })
        for (number, voxel) in voxels.enumerated() {
            let (z, y, x) = (number / 35, number / 7 % 5, number % 7)
            let isMissing = (z == 0 && y < 3 && x < 2) || (z >= 2 && y >= 3 && x >= 4)
            #expect(voxel == (isMissing ? 0 : Float(number)))
        }
        #expect(try volume.storedChunks() == StoredChunks(stored: 7, total: 8))
    }
}
