import Basics
import BlobStore
import Foundation
import TestSupport
import Testing
import Volumes

/// More than a thousand damaged artifacts: each is refused with a ``BlobError`` or gives what was written, and none ends
/// the process. The one at fault after a crash is still in `cellar-test-…` in the directory for temporary files.
@Suite("Damaged artifacts by the thousand")
struct FuzzArtifactTests {
    /// Changes one to three places: bits, bytes and numbers set to what programs stumble over, blocks removed, repeated or
    /// exchanged, the end cut off or drawn out.
    private static func damaged(_ bytes: [UInt8], _ random: inout RandomStream) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard let place = bytes.indices.randomElement(using: &random) else { break }
            let block = place..<min(bytes.count, place + Int.random(in: 1...512, using: &random))
            switch Int.random(in: 0..<9, using: &random) {
            case 0, 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes[place] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
            case 3, 4:
                let number =
                    [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, UInt64.max / 2, .max].randomElement(using: &random) ?? 0
                for (index, byte) in withUnsafeBytes(of: number.littleEndian, Array.init).enumerated()
                where place + index < bytes.count { bytes[place + index] = byte }
            case 5: bytes.removeSubrange(block)
            case 6: bytes.insert(contentsOf: bytes[block], at: bytes.indices.randomElement(using: &random) ?? 0)
            case 7: bytes.removeSubrange(place...)
            default: bytes += bytes[block]
            }
        }
        return bytes
    }

    @Test("are refused, or read as they were written", arguments: [0, 1])
    func damage(compression: Int) throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        var sample = SampleArtifact()
        // Chunks that reach over the edge, and several of them.
        (sample.compression, sample.chunk) = (compression, [2, 3, 4])
        let digest = try store.put(sample.write)
        let path = store.path(of: digest)
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        var random = RandomStream(state: UInt64(70 + compression))
        var refused = 0
        for index in 0..<600 {
            let mutant = Self.damaged(bytes, &random)
            unlink(path)
            try Data(mutant).write(to: URL(fileURLWithPath: path))
            do throws(BlobError) {
                let artifact = try store.open(digest)
                // What opens says what was written; only elements may be wrong, and then fail.
                #expect(artifact.attributes == Dictionary(uniqueKeysWithValues: sample.attributes), "\(compression), \(index)")
                #expect(artifact.datasets.map(\.name) == ["counts", "values"])
                let rows: [Float]? = try? artifact.readRows("values", 1..<3)
                #expect(rows == nil || rows == Array(sample.values[20...]), "\(compression), \(index)")
                _ = try? artifact.readVoxels("values")
                _ = try? artifact.readFloats("counts")
                try store.verify(digest, deep: true)
                #expect(try artifact.read("values", as: Float.self) == sample.values, "\(compression), \(index)")
            } catch {
                refused += 1
                #expect(error.location == path && !error.message.isEmpty)
            }
        }
        #expect(refused > 300 && refused < 600)
    }
}
