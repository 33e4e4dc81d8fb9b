import Basics
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Volumes

@Suite("chunks that are kept")
struct ZarrChunkCacheTests {
    /// A store of 5 × 6 × 7 chunks of 4 × 8 × 8 float32, 1 KiB each: a layer has 42 KiB.
    private static let chunks = (z: 5, y: 6, x: 7)

    private static func chunk(_ place: ZarrChunkCache.Place) throws -> ZarrChunk {
        let shape = try #require(VolumeShape(z: 4, y: 8, x: 8))
        let number = 1000 * (100 * place.z + 10 * place.y + place.x)
        var values: [UInt8] = []
        for voxel in 0..<256 { withUnsafeBytes(of: Float(number + voxel)) { values += Array($0) } }
        return ZarrChunk(
            decoded: values, shape: shape, strides: (64, 8, 1), dataType: try #require(ZarrDataType(code: "<f4")))
    }

    /// Reads every slice of every chunk through a cache, layer after layer, and counts the chunks that were decoded.
    private func pass(_ cache: ZarrChunkCache, version: ZarrChunkCache.Version) throws -> Int {
        let before = cache.decodedChunkCount
        for z in 0..<Self.chunks.z * 4 {
            for y in 0..<Self.chunks.y {
                for x in 0..<Self.chunks.x {
                    let place = ZarrChunkCache.Place(z: z / 4, y: y, x: x)
                    let made = try Self.chunk(place)
                    let kept = try #require(try cache.chunk(at: place, version: version) { made })
                    var row: [UInt8] = []
                    #expect(kept.withRows(2..<5, ofSlice: z % 4, voxelSize: 4) { row = Array($0) })
                    let first = (z % 4 * 8 + 2) * 32
                    #expect(row == Array(made.bytes[first..<first + 96]))
                }
            }
        }
        return cache.decodedChunkCount - before
    }

    private func version(in directory: TemporaryDirectory) throws -> ZarrChunkCache.Version {
        ZarrChunkCache.Version(try FileStatus(of: try directory.write("chunk", [1])))
    }

    @Test(
        "a pass over all slices decodes each chunk once, wherever the layer finds room",
        arguments: [1 << 20, 50 << 10, 9 << 10, 0])
    func onePass(memory: Int) throws {
        let cache = ZarrChunkCache(chunkBytes: 1024, limits: .init(memory: memory, scratch: 64 << 10))
        #expect(try pass(cache, version: version(in: TemporaryDirectory())) == 5 * 6 * 7)
    }

    @Test("a layer that finds no room keeps a part, and is read right")
    func noRoom() throws {
        let cache = ZarrChunkCache(chunkBytes: 1024, limits: .init(memory: 10 << 10, scratch: 20 << 10))
        // Of the 42 chunks of a layer, 30 are kept and 12 are decoded for each of the four slices.
        #expect(try pass(cache, version: version(in: TemporaryDirectory())) == 5 * (30 + 12 * 4))
        let without = ZarrChunkCache(chunkBytes: 1024, limits: .init(memory: 0, scratch: 0))
        #expect(try pass(without, version: version(in: TemporaryDirectory())) == 5 * 42 * 4)
    }

    @Test("blocks that overlap in two layers decode each chunk once")
    func blocks() throws {
        let cache = ZarrChunkCache(chunkBytes: 1024, limits: .init(memory: 9 << 10, scratch: 100 << 10))
        let version = try version(in: TemporaryDirectory())
        for first in 0..<Self.chunks.z - 1 {
            for y in 0..<Self.chunks.y {
                for x in 0..<Self.chunks.x {
                    for z in first...first + 1 {
                        let place = ZarrChunkCache.Place(z: z, y: y, x: x)
                        let made = try Self.chunk(place)
                        _ = try cache.chunk(at: place, version: version) { made }
                    }
                }
            }
        }
        #expect(cache.decodedChunkCount == 5 * 42)
    }

    @Test("a chunk whose file has changed is decoded again")
    func changedFile() throws {
        let directory = try TemporaryDirectory()
        let cache = ZarrChunkCache(chunkBytes: 1024)
        let place = ZarrChunkCache.Place(z: 0, y: 0, x: 0)
        let made = try Self.chunk(place)
        for length in 1...3 {
            let path = try directory.write("chunk", Array(repeating: 1, count: length))
            let version = ZarrChunkCache.Version(try FileStatus(of: path))
            for _ in 0..<2 { _ = try cache.chunk(at: place, version: version) { made } }
            #expect(cache.decodedChunkCount == length)
        }
    }

    @Test("threads that want the same chunk wait for one of them")
    func threads() throws {
        let cache = ZarrChunkCache(chunkBytes: 1024)
        let version = try version(in: TemporaryDirectory())
        let made = try Self.chunk(.init(z: 0, y: 0, x: 0))
        let wrong = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 16) { index in
            for step in 0..<20 {
                let place = ZarrChunkCache.Place(z: 0, y: step, x: (index + step) % 2)
                let chunk = try? cache.chunk(at: place, version: version) { made }
                if chunk?.shape != made.shape { wrong.withLock { $0 += 1 } }
            }
        }
        #expect(wrong.withLock { $0 } == 0)
        #expect(cache.decodedChunkCount == 40)
    }

    @Test("a volume that is opened again for each slice decodes each chunk once, and sees a chunk that was written anew")
    func openedAgain() throws {
        let directory = try TemporaryDirectory()
        let fixture = ZarrFixture(
            shape: [10, 12, 9], chunks: [4, 5, 6], dtype: "<f4", compressor: "{\"id\": \"zlib\", \"level\": 1}", separator: "/")
        func write(_ factor: Float) throws -> String {
            try fixture.write(to: "a.zarr", in: directory, size: 4) { place in
                withUnsafeBytes(of: factor * Float(place[0] * 200 + place[1] * 10 + place[2])) { Array($0) }
            }
        }
        func read(_ path: String) throws -> [Float] {
            try (0..<10).flatMap { try ZarrVolume(path: path, array: nil).readSlice(z: $0).floats() }
        }
        func expected(_ factor: Float) -> [Float] {
            var values: [Float] = []
            for z in 0..<10 { for y in 0..<12 { for x in 0..<9 { values.append(factor * Float(200 * z + 10 * y + x)) } } }
            return values
        }
        let path = try write(1)
        #expect(try read(path) == expected(1))
        #expect(try ZarrVolume(path: path, array: nil).decodedChunkCount == 3 * 3 * 2)
        _ = try write(-3)
        #expect(try read(path) == expected(-3))
    }

    @Test("room in the file is used again, and no more than its limit")
    func scratchFile() throws {
        let directory = try TemporaryDirectory()
        let file = try #require(ScratchFile(blockLimit: 100, byteLimit: 350, folder: directory.path))
        func block(_ value: UInt8) -> ScratchFile.Block? {
            [UInt8](repeating: value, count: 90).withUnsafeBytes { file.store($0) }
        }
        var blocks = (1...3).compactMap { block($0) }
        #expect(blocks.count == 3)
        #expect(block(4) == nil)
        blocks.remove(at: 1)
        let next = try #require(block(5))
        var bytes = [UInt8](repeating: 0, count: 90)
        #expect(bytes.withUnsafeMutableBytes { next.read(at: 0, into: $0) } && bytes.allSatisfy { $0 == 5 })
        #expect(bytes.withUnsafeMutableBytes { blocks[1].read(at: 0, into: $0) } && bytes.allSatisfy { $0 == 3 })
        #expect(!bytes.withUnsafeMutableBytes { blocks[1].read(at: 1, into: $0) })
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
        #expect([UInt8](repeating: 0, count: 101).withUnsafeBytes { file.store($0) } == nil)
        #expect(ScratchFile(blockLimit: 100, byteLimit: 350, folder: directory.file("nowhere")) == nil)
    }
}
