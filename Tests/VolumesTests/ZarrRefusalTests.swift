import Basics
import Foundation
import TestSupport
import Testing
import Volumes

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
        blosc.compressor = "{\"id\": \"blosc\", \"cname\": \"lz4\", \"clevel\": 5, \"shuffle\": 1}"
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
        #expect(message.hasPrefix("codec not supported: blosc (lz4)") && message.contains("zlib"))
        #expect(Self.failure(directory.file("delta"))?.message.hasPrefix("codec not supported: filter delta") == true)

        try directory.write("v3/zarr.json", Array("{\"zarr_format\": 3}".utf8))
        #expect(Self.failure(directory.file("v3"))?.code == .unsupported)
        #expect(Self.failure(directory.file("v3"))?.message.contains("version 3") == true)
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

    @Test(
        "real stores: the portal's and neuroglancer's are refused for their codec and version",
        .enabled(if: SharedData.isPresent, SharedData.absence))
    func realStores() throws {
        let portal = SharedData.file(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/sample_tomos/input_omezarr.zarr")
        #expect(Self.failure(portal)?.message.hasPrefix("codec not supported: blosc (lz4)") == true)
        let zarr = SharedData.file("google+neuroglancer/testdata/datasource/zarr")
        #expect(Self.failure("\(zarr)/ome_zarr/simple_0.4")?.message.hasPrefix("codec not supported: blosc (lz4)") == true)
        #expect(Self.failure("\(zarr)/ome_zarr/simple_0.5")?.message.contains("version 3") == true)
        let arrays = "\(zarr)/zarr_v2/from_zarr-python/data.zarr"
        #expect(
            Self.failure(arrays)?.message.contains("2d.chunked.i2") == true
                || Self.failure(arrays)?.message.contains("1d.chunked.i2") == true)
        #expect(Self.failure(arrays, array: "1d.contiguous.zlib.i2")?.message.contains("1 axes") == true)
        #expect(Self.failure(arrays, array: "3d.chunked.O")?.message.contains("type |O") == true)
        #expect(Self.failure("\(zarr)/zarr_v3/from_zarrita/data.zarr/3d.chunked.i2")?.code == .unsupported)
    }
}
