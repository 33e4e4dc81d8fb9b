import Basics
import Foundation
import TestSupport
import Testing

@testable import Volumes

@Suite("A gzip file")
struct GzipSourceTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// Bytes that compress to about half: many deflate blocks, and matches that reach far back.
    private static let content: [UInt8] = {
        var generator = RandomStream(state: 1)
        return (0..<2_000_000).map { _ in UInt8.random(in: 0..<12, using: &generator) }
    }()

    private func source(_ bytes: [UInt8], spacing: Int = 100_000) throws -> GzipSource {
        GzipSource(file: try FileSource(path: directory.write("file.gz", bytes)), index: GzipIndex(spacing: spacing))
    }

    /// One member, or many that end anywhere, as bgzip writes them.
    private static func compressed(members: Int) -> [UInt8] {
        let size = (content.count + members - 1) / members
        return stride(from: 0, to: content.count, by: size).flatMap {
            GzipFixture.member(Array(content[$0..<min($0 + size, content.count)]), level: 1)
        }
    }

    @Test("is read at any offset, forward and back", arguments: [1, 2, 37])
    func randomAccess(members: Int) throws {
        let source = try source(Self.compressed(members: members))
        var generator = RandomStream(state: UInt64(members))
        for _ in 0..<300 {
            let offset = Int.random(in: 0..<Self.content.count, using: &generator)
            let count = Int.random(in: 0..<min(30_000, Self.content.count - offset + 1), using: &generator)
            #expect(try source.bytes(at: offset, count: count) == Array(Self.content[offset..<offset + count]))
        }
        #expect(try source.bytes(at: 0, count: Self.content.count + 1000) == Self.content)
        #expect(try source.bytes(at: Self.content.count, count: 10).isEmpty)
        #expect(try source.bytes(at: Int.max, count: 10).isEmpty)
    }

    @Test("is read by several threads at once")
    func threads() throws {
        let source = try source(Self.compressed(members: 1))
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            var generator = RandomStream(state: UInt64(thread))
            for _ in 0..<40 {
                let offset = Int.random(in: 0..<Self.content.count - 5000, using: &generator)
                let bytes = try? source.bytes(at: offset, count: 5000)
                if bytes != Array(Self.content[offset..<offset + 5000]) { failures.add() }
            }
        }
        #expect(failures.count == 0)
    }

    @Test("has any optional fields in its header", arguments: [0, 2, 4, 8, 16, 30] as [UInt8])
    func headerFields(flags: UInt8) throws {
        let source = try source(GzipFixture.member([1, 2, 3], flags: flags))
        #expect(try source.bytes(at: 0, count: 10) == [1, 2, 3])
    }

    @Test("ends where something follows that is no member")
    func padding() throws {
        for tail in [[0, 0, 0, 0], [1, 2, 3], [0x1f], [0x1f, 0x00]] as [[UInt8]] {
            #expect(try source(GzipFixture.member([1, 2, 3]) + tail).bytes(at: 0, count: 10) == [1, 2, 3])
        }
        // Empty members are members.
        let source = try source(
            GzipFixture.member([]) + GzipFixture.member([1]) + GzipFixture.member([]) + GzipFixture.member([2]))
        #expect(try source.bytes(at: 0, count: 10) == [1, 2])
    }

    @Test("that was cut off is refused where its bytes end")
    func truncated() throws {
        let bytes = Self.compressed(members: 1)
        for length in [3, 9, 12, 1000, bytes.count / 2, bytes.count - 9, bytes.count - 8, bytes.count - 1] {
            let source = try source(Array(bytes.prefix(length)))
            let error = try #require(throws: VolumeError.self) { _ = try source.bytes(at: 0, count: Self.content.count) }
            #expect(error.code == .truncated)
        }
        // What lies before the cut can be read.
        let half = try source(Array(bytes.prefix(bytes.count / 2)))
        #expect(try half.bytes(at: 500_000, count: 1000) == Array(Self.content[500_000..<501_000]))
    }

    @Test("whose bytes changed is refused, also when only the checksum tells")
    func corrupt() throws {
        let bytes = Self.compressed(members: 1)
        for position in [20, bytes.count / 2, bytes.count - 6, bytes.count - 2] {
            var damaged = bytes
            damaged[position] ^= 0x55
            let source = try source(damaged)
            let error = try #require(throws: VolumeError.self) { _ = try source.bytes(at: 0, count: Self.content.count) }
            #expect(error.code == .malformed || error.code == .truncated)
        }
        // From a restart point, too, the checksum of the whole member is known: only its last part is decoded again.
        var damaged = bytes
        damaged[bytes.count - 6] ^= 1
        let source = try source(damaged)
        #expect(try source.bytes(at: 1_900_000, count: 10).count == 10)
        let error = try #require(throws: VolumeError.self) { _ = try source.bytes(at: 1_950_000, count: 50_000) }
        #expect(error.message.contains("checksum"))
    }

    @Test("of a method or with flags that do not exist is refused")
    func unknownHeader() throws {
        var bytes = GzipFixture.member([1, 2, 3])
        bytes[3] = 0x80
        #expect(throws: VolumeError.self) { _ = try source(bytes).bytes(at: 0, count: 1) }
        bytes[3] = 0
        bytes[2] = 7
        #expect(throws: VolumeError.self) { _ = try source(bytes).bytes(at: 0, count: 1) }
    }

    @Test("that decodes to very much costs an index of bounded size")
    func boundedIndex() {
        var index = GzipIndex(spacing: 10)
        for output in stride(from: 10, through: 10_000_000, by: 10) {
            index.insert(GzipRestartPoint(input: output / 10, output: output, window: []))
            #expect(index.count <= GzipIndex.pointLimit)
        }
        #expect(index.count > GzipIndex.pointLimit / 4)
        for output in [0, 9, 5_000_000, 9_999_999, Int.max] {
            let point = index.point(before: output)
            #expect(point.output <= output)
            #expect(min(output, 10_000_000) - point.output <= 10_000_000 / (GzipIndex.pointLimit / 4))
        }
    }

    @Test("of an MRC volume is read as the volume is, whatever its name")
    func volume() throws {
        var fixture = MRCFixture()
        fixture.size = [100, 100, 50]
        fixture.voxels = MRCFixture.voxels((0..<500_000).map { Float($0) })
        let volume = try MRCVolume(path: directory.write("volume.mrc", GzipFixture.member(fixture.bytes, level: 1)))
        #expect(volume.header.format == "MRC (gzip)")
        #expect(try volume.readSlice(z: 49).floats() == (490_000..<500_000).map { Float($0) })
        let box = try #require(Box(z: 10..<12, y: 99..<100, x: 98..<100))
        #expect(try volume.read(box).floats() == [109_998, 109_999, 119_998, 119_999])
    }

    @Test("that decodes to more than its volume is checked to its end, where the checksum is")
    func surplus() throws {
        let bytes = GzipFixture.member(MRCFixture.ramp.bytes + [1, 2, 3])
        let sound = try MRCVolume(path: directory.write("sound.mrc.gz", bytes))
        #expect(try sound.readSlice(z: 1).floats() == (12..<24).map { Float($0) })
        var damaged = bytes
        damaged[bytes.count - 6] ^= 1
        let volume = try MRCVolume(path: directory.write("damaged.mrc.gz", damaged))
        #expect(try volume.readSlice(z: 0).floats() == (0..<12).map { Float($0) })
        let error = try #require(throws: VolumeError.self) { _ = try volume.readSlice(z: 1) }
        #expect(error.message.contains("checksum"))
    }

    @Test("that declares more voxels than it can decode to is refused at once")
    func impossibleSize() throws {
        var fixture = MRCFixture.ramp
        fixture.size = [30_000, 30_000, 30_000]
        let path = try directory.write("volume.mrc.gz", GzipFixture.member(fixture.bytes))
        let error = try #require(throws: VolumeError.self) { _ = try MRCVolume(path: path) }
        #expect(error.code == .truncated)
        fixture.size = [100, 10, 10]
        let volume = try MRCVolume(path: directory.write("volume.mrc.gz", GzipFixture.member(fixture.bytes)))
        let missing = try #require(throws: VolumeError.self) { _ = try volume.readSlice(z: 9) }
        #expect(missing.code == .truncated)
    }
}

/// Counts from several threads.
private final class Failures: @unchecked Sendable {
    private let lock = NSLock()
    private var total = 0
    func add() { lock.withLock { total += 1 } }
    var count: Int { lock.withLock { total } }
}
