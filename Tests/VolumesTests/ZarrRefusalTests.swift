import Basics
import Foundation
import TestSupport
import Testing

@testable import Volumes

@Suite("OME-Zarr stores that are refused")
struct ZarrRefusalTests {
    private static let zlib = "{\"id\": \"zlib\", \"level\": 1}"

    private static func failure(_ path: String, array: String? = nil, reading: Bool = false) -> VolumeError? {
        do throws(VolumeError) {
            let volume = try ZarrVolume(path: path, array: array)
            if reading { _ = try volume.read(volume.shape.box) }
            return nil
        } catch {
            return error
        }
    }

    @Test("codecs, filters, types and versions that are not read are named, with what to do")
    func unsupported() throws {
        let directory = try TemporaryDirectory()
        var blosc = ZarrFixture(shape: [1, 1, 1], chunks: [1, 1, 1], dtype: "<f4")
        blosc.compressor = "{\"id\": \"blosc\", \"cname\": \"lzo\", \"clevel\": 5, \"shuffle\": 1}"
        var filtered = blosc
        filtered.compressor = "null"
        filtered.filters = "[{\"id\": \"delta\", \"dtype\": \"<f4\"}]"
        let other = [
            "c8": ZarrFixture(shape: [1, 1, 1], chunks: [1, 1, 1], dtype: "<c8"),
            "native": ZarrFixture(shape: [1, 1, 1], chunks: [1, 1, 1], dtype: "|i2"),
            "axes": ZarrFixture(shape: [4], chunks: [1], dtype: "<i2"),
            "channels": ZarrFixture(shape: [2, 1, 1, 1], chunks: [1, 1, 1, 1], dtype: "<i2"),
        ]
        for (name, fixture) in other.merging(["blosc": blosc, "delta": filtered], uniquingKeysWith: { $1 }) {
            try directory.write("\(name)/.zarray", Array(fixture.metadata.utf8))
            #expect(Self.failure(directory.file(name))?.code == .unsupported)
        }
        let message = try #require(Self.failure(directory.file("blosc"))?.message)
        #expect(message.hasPrefix("codec not supported: blosc (lzo)") && message.contains("zlib"))
        #expect(Self.failure(directory.file("delta"))?.message.hasPrefix("codec not supported: delta") == true)
    }

    @Test(
        "metadata that contradict themselves are refused",
        arguments: [
            ("shape", "[1, 1, 0]"), ("shape", "[1, 1, 1e99]"), ("shape", "1"), ("chunks", "[1, 1]"), ("chunks", "[1, 1, -1]"),
            ("fill_value", "256"), ("fill_value", "\"NaN\""), ("fill_value", "\"cat\""), ("order", "\"K\""), ("order", "null"),
            ("dimension_separator", "\"..\""),
        ])
    func contradictions(key: String, value: String) throws {
        let directory = try TemporaryDirectory()
        var fixture = ZarrFixture(shape: [1, 1, 1], chunks: [1, 1, 1], dtype: "|u1")
        try directory.write("sound/.zarray", Array(fixture.metadata.utf8))
        #expect(Self.failure(directory.file("sound")) == nil)
        fixture.overrides = [key: value]
        try directory.write("a/.zarray", Array(fixture.metadata.utf8))
        #expect(Self.failure(directory.file("a"))?.code == .malformed)
    }

    @Test(
        "what is no JSON object is refused",
        arguments: ["", "[]", "{", "{\"zarr_format\": 2}", String(repeating: "[", count: 100_000)])
    func malformedMetadata(json: String) throws {
        let directory = try TemporaryDirectory()
        try directory.write("a/.zarray", Array(json.utf8))
        #expect(Self.failure(directory.file("a"))?.code == .malformed)
        try directory.write("b/.zattrs", Array(json.utf8))
        #expect(Self.failure(directory.file("b"))?.code == .malformed)
    }

    @Test("sizes that no file could hold are refused before memory is taken")
    func hugeDeclarations() throws {
        let directory = try TemporaryDirectory()
        let huge = ZarrFixture(shape: [2_000_000_000, 2_000_000_000, 2_000_000_000], chunks: [1, 1, 1], dtype: "<f8")
        try directory.write("volume/.zarray", Array(huge.metadata.utf8))
        #expect(Self.failure(directory.file("volume"))?.code == .tooLarge)

        let chunk = ZarrFixture(shape: [8, 8, 8], chunks: [2_000_000_000, 2_000_000_000, 2_000_000_000], dtype: "<f8")
        try directory.write("chunk/.zarray", Array(chunk.metadata.utf8))
        #expect(Self.failure(directory.file("chunk"))?.code == .tooLarge)

        let bomb = ZarrFixture(shape: [8, 8, 8], chunks: [512, 512, 512], dtype: "<f4", compressor: Self.zlib)
        try directory.write("bomb/.zarray", Array(bomb.metadata.utf8))
        try directory.write("bomb/0.0.0", GzipFixture.deflated([1, 2, 3]))
        #expect(Self.failure(directory.file("bomb"), reading: true)?.code == .tooLarge)

        try directory.write("metadata/.zarray", Array(repeating: UInt8(ascii: " "), count: 1 << 20 + 1))
        #expect(Self.failure(directory.file("metadata"))?.code == .tooLarge)
    }

    @Test("damaged metadata are read or refused, and never end the program")
    func damagedMetadata() throws {
        let directory = try TemporaryDirectory()
        let fixture = ZarrFixture(shape: [1, 3, 4, 5], chunks: [1, 2, 2, 2], dtype: "<u2", compressor: Self.zlib)
        try fixture.write(to: "t.zarr/0", in: directory, size: 2) { [UInt8($0[3]), 0] }
        let axes = #"[{"name": "c"}, {"name": "z"}, {"name": "y"}, {"name": "x", "unit": "angstrom"}]"#
        let attributes = ZarrFixture.attributes(axes: axes, scales: ["[1, 5, 5, 5]"])
        var random = RandomStream(state: 3)
        let letters = Array("0123456789-.\"[]{},:eNz".utf8)
        func damaged(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = letters.randomElement(using: &random) ?? 0
            }
            return bytes
        }
        for _ in 0..<400 {
            try directory.write("t.zarr/0/.zarray", damaged(Array(fixture.metadata.utf8)))
            try directory.write("t.zarr/.zattrs", damaged(attributes))
            if let volume = try? ZarrVolume(path: directory.file("t.zarr"), array: nil), volume.shape.count < 2_000 {
                #expect((try? volume.read(volume.shape.box)).map { $0.shape == volume.shape } ?? true)
            }
        }
    }

    @Test("damaged chunks are refused: too short, too long, cut off, not compressed, followed by more")
    func damagedChunks() throws {
        let directory = try TemporaryDirectory()
        func failure(_ name: String, compressor: String, chunk: [UInt8]) throws -> VolumeError? {
            let fixture = ZarrFixture(shape: [4, 4, 4], chunks: [4, 4, 4], dtype: "<u2", compressor: compressor)
            try directory.write("\(name)/.zarray", Array(fixture.metadata.utf8))
            try directory.write("\(name)/0.0.0", chunk)
            return Self.failure(directory.file(name), reading: true)
        }
        func noise(_ count: Int) -> [UInt8] {
            var random = RandomStream(state: 1)
            return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
        func compressed(_ count: Int) -> [UInt8] { GzipFixture.deflated(noise(count)) }
        #expect(try failure("whole", compressor: Self.zlib, chunk: compressed(128)) == nil)
        #expect(try failure("rawShort", compressor: "null", chunk: noise(127))?.code == .truncated)
        #expect(try failure("rawLong", compressor: "null", chunk: noise(129))?.code == .tooLarge)
        #expect(try failure("short", compressor: Self.zlib, chunk: compressed(127))?.code == .malformed)
        #expect(try failure("long", compressor: Self.zlib, chunk: compressed(129))?.code == .malformed)
        #expect(try failure("cut", compressor: Self.zlib, chunk: Array(compressed(128).prefix(80)))?.code == .truncated)
        #expect(try failure("empty", compressor: Self.zlib, chunk: [])?.code == .truncated)
        #expect(try failure("noise", compressor: Self.zlib, chunk: noise(100))?.code == .malformed)
        #expect(try failure("wrong", compressor: "{\"id\": \"gzip\"}", chunk: compressed(128))?.code == .malformed)
        #expect(try failure("more", compressor: Self.zlib, chunk: compressed(128) + [0])?.code == .malformed)
        var flipped = compressed(128)
        flipped[40] ^= 4
        #expect(try failure("flipped", compressor: Self.zlib, chunk: flipped)?.code == .malformed)
    }

    @Test("no name and no link leads out of the store")
    func escapes() throws {
        let directory = try TemporaryDirectory()
        let fixture = ZarrFixture(shape: [1, 1, 1], chunks: [1, 1, 1], dtype: "|u1")
        try fixture.write(to: "outside", in: directory, size: 1) { _ in [7] }
        try fixture.write(to: "t.zarr/0", in: directory, size: 1) { _ in [7] }
        let store = directory.file("t.zarr")
        #expect(Self.failure(store, array: "../outside")?.code == .unreadable)
        #expect(Self.failure(store, array: "0/../../outside")?.code == .unreadable)
        // A path is always meant from the store on.
        #expect(Self.failure(store, array: directory.file("outside"))?.code == .unreadable)
        try FileManager.default.createSymbolicLink(atPath: "\(store)/link", withDestinationPath: directory.file("outside"))
        #expect(Self.failure(store, array: "link")?.code == .unreadable)
        try directory.write("t.zarr/.zattrs", ZarrFixture.attributes(axes: #"["z","y","x"]"#, paths: ["../outside"]))
        #expect(Self.failure(store)?.code == .unreadable)

        try FileManager.default.removeItem(atPath: "\(store)/0/0.0.0")
        try FileManager.default.createSymbolicLink(
            atPath: "\(store)/0/0.0.0", withDestinationPath: directory.file("outside/0.0.0"))
        #expect(Self.failure(store, array: "0", reading: true)?.code == .unreadable)
    }

    @Test("a link whose target is missing is an error, not the fill value")
    func brokenLink() throws {
        let directory = try TemporaryDirectory()
        let path = try ZarrFixture(shape: [1, 1, 1], chunks: [1, 1, 1], dtype: "|u1").write(to: "a", in: directory, size: 1) {
            _ in [7]
        }
        try FileManager.default.removeItem(atPath: "\(path)/0.0.0")
        #expect(Self.failure(path, reading: true) == nil)
        try FileManager.default.createSymbolicLink(atPath: "\(path)/0.0.0", withDestinationPath: "annex/0.0.0")
        #expect(Self.failure(path, reading: true)?.code == .unreadable)
    }

    @Test("a folder that is no image names the arrays that it holds, and missing things are called missing")
    func plainGroup() throws {
        let directory = try TemporaryDirectory()
        try directory.write("g/.zgroup", Array("{\"zarr_format\": 2}".utf8))
        try ZarrFixture(shape: [1, 1, 1], chunks: [1, 1, 1], dtype: "|u1").write(to: "g/raw", in: directory, size: 1) { _ in [7] }
        #expect(Self.failure(directory.file("g"))?.message.contains("\(directory.file("g")):/raw") == true)
        #expect(Self.failure(directory.file("g"), array: "row")?.code == .unreadable)
        #expect(Self.failure(directory.file("nowhere"))?.code == .unreadable)
    }

    @Test("a store that a stopped program left says so: a group alone, or an image whose array is not there")
    func abandoned() throws {
        let directory = try TemporaryDirectory()
        try directory.write("claimed.zarr/.zgroup", Array("{\"zarr_format\": 2}".utf8))
        #expect(Self.failure(directory.file("claimed.zarr"))?.message.hasPrefix("holds no array: a program was stopped") == true)
        try directory.write("claimed3.zarr/zarr.json", Array(#"{"zarr_format": 3, "node_type": "group", "attributes": {}}"#.utf8))
        #expect(Self.failure(directory.file("claimed3.zarr"))?.message.hasPrefix("holds no array: a program was stopped") == true)
        try directory.write("early.zarr/.zattrs", ZarrFixture.attributes(axes: #"["z","y","x"]"#))
        #expect(Self.failure(directory.file("early.zarr"))?.message.contains("a program was stopped") == true)
        // A group of images names them.
        try directory.write("g/.zgroup", Array("{\"zarr_format\": 2}".utf8))
        try directory.write("g/0/.zgroup", Array("{\"zarr_format\": 2}".utf8))
        #expect(Self.failure(directory.file("g"))?.message.contains("\(directory.file("g")):/0") == true)
    }

    @Test("the sentence for a missing library says what to install")
    func missingLibrary() {
        let error = CodecLibrary.blosc.missing(path: "a.zarr/0/.zarray")
        #expect(error.code == .unsupported)
        #expect(error.message == "is compressed by blosc, and libblosc.so.1 is not installed: apt install libblosc1")
    }

    @Test(
        "version 3: metadata that contradict themselves, and what is not read",
        arguments: [
            ("shape", "[1, 1, 0]", .malformed), ("shape", "[1, 1]", .malformed), ("shape", "[1]", .unsupported),
            ("data_type", "\"complex64\"", .unsupported), ("data_type", #"{"name": "numpy.datetime64"}"#, .unsupported),
            ("chunk_grid", #"{"name": "rectilinear"}"#, .unsupported),
            ("chunk_grid", #"{"name": "regular", "configuration": {"chunk_shape": [1, 1]}}"#, .malformed),
            ("chunk_grid", #"{"name": "regular", "configuration": {"chunk_shape": [1024, 1024, 1024]}}"#, .tooLarge),
            ("chunk_key_encoding", #"{"name": "suffix"}"#, .unsupported),
            ("chunk_key_encoding", #"{"name": "v2", "configuration": {"separator": "-"}}"#, .malformed),
            ("fill_value", "256", .malformed), ("fill_value", "\"0x00000000\"", .malformed),
            ("fill_value", "\"0x0000000g\"", .malformed), ("zarr_format", "4", .unsupported),
            ("node_type", "\"leaf\"", .malformed),
            ("storage_transformers", #"[{"name": "indirect"}]"#, .unsupported), ("codecs", "[]", .unsupported),
            ("codecs", "[\"zstd\"]", .unsupported), ("codecs", "[\"bytes\", \"sharding_indexed\"]", .unsupported),
            ("codecs", #"["bytes", "numcodecs.delta"]"#, .unsupported),
            ("codecs", #"["bytes", {"name": "blosc", "configuration": {"cname": "brotli"}}]"#, .unsupported),
            ("codecs", #"[{"name": "bytes", "configuration": {"endian": "middle"}}]"#, .malformed),
            ("codecs", #"[{"name": "transpose", "configuration": {"order": [0, 1, 1]}}, "bytes"]"#, .malformed),
            ("codecs", #"[{"name": "transpose", "configuration": {"order": "K"}}, "bytes"]"#, .malformed),
            ("codecs", "[\"transpose\", \"bytes\"]", .malformed), ("codecs", "[\"sharding_indexed\"]", .malformed),
            ("codecs", shard(), nil), ("codecs", shard(shape: "[2, 1, 1]"), .malformed),
            ("codecs", shard(shape: "[1, 1]"), .malformed),
            ("codecs", shard(shape: "[0, 1, 1]"), .malformed), ("codecs", shard(index: "[\"bytes\", \"gzip\"]"), .unsupported),
            ("codecs", shard(index: "[]"), .unsupported), ("codecs", shard(location: "middle"), .malformed),
            ("codecs", shard(after: ", \"crc32c\""), .unsupported), ("codecs", shard(codecs: shard()), .unsupported),
        ] as [(String, String, VolumeErrorCode?)])
    func versionThree(key: String, value: String, code: VolumeErrorCode?) throws {
        let directory = try TemporaryDirectory()
        var values = [
            "zarr_format": "3", "node_type": "\"array\"", "shape": "[1, 1, 1]", "data_type": "\"uint8\"", "fill_value": "0",
            "chunk_grid": #"{"name": "regular", "configuration": {"chunk_shape": [1, 1, 1]}}"#,
            "chunk_key_encoding": "\"default\"", "codecs": "[\"bytes\"]",
        ]
        func write(_ name: String) throws -> String {
            let json = "{" + values.map { "\"\($0)\": \($1)" }.sorted().joined(separator: ", ") + "}"
            return try directory.write("\(name)/zarr.json", Array(json.utf8))
        }
        _ = try write("sound")
        #expect(Self.failure(directory.file("sound"), reading: true) == nil)
        values[key] = value
        _ = try write("a")
        #expect(Self.failure(directory.file("a"), reading: true)?.code == code)
    }

    /// A list of the codec `sharding_indexed`.
    private static func shard(
        shape: String = "[1, 1, 1]", codecs: String = "[\"bytes\"]", index: String = "[\"bytes\", \"crc32c\"]",
        location: String = "end",
        after: String = ""
    ) -> String {
        """
        [{"name": "sharding_indexed", "configuration": {"chunk_shape": \(shape), "codecs": \(codecs), "index_codecs": \(index),
        "index_location": "\(location)"}}\(after)]
        """
    }

    @Test("frames of Blosc whose header does not fit are refused, and so are damaged ones")
    func bloscFrames() throws {
        let directory = try TemporaryDirectory()
        var fixture = ZarrFixture(shape: [8, 8, 8], chunks: [8, 8, 8], dtype: "<f4")
        fixture.compressor = #"{"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}"#
        try directory.write("a/.zarray", Array(fixture.metadata.utf8))
        let voxels = [UInt8](repeating: 0, count: 2048)
        func frame(_ header: [UInt8] = [2, 1, 2, 4], count: UInt32 = 2048, block: UInt32 = 2048, size: UInt32 = 2064) -> [UInt8] {
            header + [count, block, size].flatMap { number in withUnsafeBytes(of: number) { Array($0) } } + voxels
        }
        func failure(_ bytes: [UInt8]) throws -> VolumeErrorCode? {
            try directory.write("a/0.0.0", bytes)
            return Self.failure(directory.file("a"), reading: true)?.code
        }
        #expect(try failure(frame()) == nil)
        #expect(try failure(frame([5, 1, 2, 4])) == .malformed)
        #expect(try failure(frame([2, 1, 2, 0])) == .malformed)
        #expect(try failure(frame([2, 1, 0x0a, 4])) == .malformed)
        #expect(try failure(frame([2, 1, 0xe2, 4])) == .unsupported)
        #expect(try failure(frame(count: 2047)) == .malformed)
        #expect(try failure(frame(count: .max)) == .malformed)
        #expect(try failure(frame(block: 0)) == .malformed)
        #expect(try failure(frame(block: 4096)) == .malformed)
        #expect(try failure(frame(size: 2063)) == .malformed)
        #expect(try failure(Array(frame().dropLast())) == .malformed)
        #expect(try failure(frame() + [0]) == .tooLarge)
        #expect(try failure(Array(frame().prefix(15))) == .malformed)
        #expect(try failure([]) == .malformed)
        // Not as it is, but compressed: zeros are no block of LZ4.
        #expect(try failure(frame([2, 1, 0x21, 4])) == .malformed)
    }
}
