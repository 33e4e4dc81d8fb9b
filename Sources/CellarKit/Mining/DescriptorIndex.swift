import Basics
import Catalog
import Foundation
import Pipeline
import Volumes

/// The descriptors of a collection in one file beside the database, so that a search reads them from end to end and opens no artifact.
///
/// It holds nothing that artifacts do not hold, each under its digest: what changed has another digest, and is read from its artifact until
/// the file is written anew. It may be removed at any time.
///
/// The file: the rows of each artifact, `[particle][component]`, float16 little-endian, one after the other; then a JSON object that says
/// where they are; its length, eight bytes, little-endian; and the eight bytes `cellardx`.
struct DescriptorIndex {
    private struct Entry: Codable {
        let digest: String
        /// Its particles; nil where the artifact's numbers have another meaning.
        let count: Int?
        /// Of its rows; see ``checksum(_:)``.
        let checksum: UInt64?
    }

    private struct Contents: Codable {
        let meaning: StoredDescriptors.Meaning
        let dimension: Int
        let entries: [Entry]
    }

    /// What is known of an artifact.
    enum Place {
        case rows(offset: Int, count: Int, checksum: UInt64)
        /// Its numbers have another meaning.
        case other
    }

    private static let mark = Array("cellardx".utf8)
    private let source: FileSource
    private let places: [Digest: Place]
    let dimension: Int

    /// Opens the file; nil where there is none, it is not whole, or its numbers have another meaning.
    init?(at path: String, meaning: StoredDescriptors.Meaning, dimension: Int) {
        guard let source = try? FileSource(path: path), source.size >= 16,
            let tail = Self.bytes(source, source.size - 16..<source.size), Array(tail[8...]) == Self.mark
        else { return nil }
        let length = tail[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(source.size - 16),
            let text = Self.bytes(source, source.size - 16 - Int(length)..<source.size - 16),
            let contents = try? JSONDecoder().decode(Contents.self, from: Data(text)), contents.meaning == meaning,
            contents.dimension == dimension
        else { return nil }
        var (offset, places) = (0, [Digest: Place]())
        for entry in contents.entries {
            guard let digest = Digest(hexadecimal: entry.digest) else { return nil }
            guard let count = entry.count, let checksum = entry.checksum else {
                places[digest] = .other
                continue
            }
            guard count >= 0, count <= source.size / 2 / max(dimension, 1) else { return nil }
            places[digest] = .rows(offset: offset, count: count, checksum: checksum)
            offset += 2 * count * dimension
            // So that no sum of a file that somebody made gets beyond the numbers of the machine.
            guard offset <= source.size else { return nil }
        }
        guard offset + Int(length) + 16 == source.size else { return nil }
        (self.source, self.places, self.dimension) = (source, places, dimension)
    }

    /// What is known of an artifact; nil where it is not in the file.
    subscript(digest: Digest) -> Place? { places[digest] }

    /// Fills the beginning of an array, which grows where it must, with the bit patterns of rows.
    ///
    /// - Returns: whether they are what was written; else the disk failed, or changed them.
    func read(offset: Int, count: Int, checksum: UInt64, into patterns: inout [UInt16]) -> Bool {
        let numbers = count * dimension
        if patterns.count < numbers { patterns = [UInt16](repeating: 0, count: numbers) }
        return patterns.withUnsafeMutableBytes { bytes in
            let bytes = UnsafeMutableRawBufferPointer(rebasing: bytes[..<(2 * numbers)])
            return (try? source.readAvailable(at: offset, into: bytes)) == 2 * numbers
                && Self.checksum(UnsafeRawBufferPointer(bytes)) == checksum
        }
    }

    /// Fletcher's two sums over words of eight bytes, modulo 2⁶⁴, mixed to one: it sees words that changed, and those that changed places. It is
    /// no protection against somebody who wants to deceive.
    private static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var (sum, sums) = (UInt64(0), UInt64(0))
        let whole = bytes.count / 8 * 8
        for offset in stride(from: 0, to: whole, by: 8) {
            sum &+= bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            sums &+= sum
        }
        for offset in whole..<bytes.count {
            sum &+= UInt64(bytes[offset])
            sums &+= sum
        }
        return sum &* 0x9E37_79B9_7F4A_7C15 ^ sums
    }

    private static func bytes(_ source: FileSource, _ range: Range<Int>) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: range.count)
        let filled = bytes.withUnsafeMutableBytes { try? source.readAvailable(at: range.lowerBound, into: $0) }
        return filled == range.count ? bytes : nil
    }

    /// Writes the file anew while a search goes on. What is not finished leaves nothing behind.
    final class Writer {
        private let file: AtomicFile
        private let (meaning, dimension): (StoredDescriptors.Meaning, Int)
        private var entries: [Entry] = []
        private var known: Set<Digest> = []

        init(at path: String, meaning: StoredDescriptors.Meaning, dimension: Int) throws {
            Self.sweep(beside: path)
            file = try AtomicFile(OutputFile(path, replacing: true, protecting: .none))
            (self.meaning, self.dimension) = (meaning, dimension)
        }

        /// Removes what searches that were killed left of this file: what nobody has written to for an hour.
        private static func sweep(beside path: String) {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            let files = try? FileManager.default.contentsOfDirectory(
                at: folder, includingPropertiesForKeys: [.contentModificationDateKey])
            for file in files ?? [] where AtomicFile.isTemporary(file.lastPathComponent) {
                let changed = try? file.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate
                if let changed, changed.timeIntervalSinceNow < -3600 { try? FileManager.default.removeItem(at: file) }
            }
        }

        /// Appends the rows of an artifact, or notes that they have another meaning. Each artifact is kept once.
        func append(_ digest: Digest, _ rows: UnsafeBufferPointer<UInt16>?) throws {
            guard known.insert(digest).inserted else { return }
            entries.append(
                Entry(
                    digest: digest.hexadecimal, count: rows.map { $0.count / max(dimension, 1) },
                    checksum: rows.map { DescriptorIndex.checksum(UnsafeRawBufferPointer($0)) }))
            if let rows, !rows.isEmpty { try file.write(UnsafeRawBufferPointer(rows).bytes) }
        }

        func finish() throws {
            let text = Array(try JSONEncoder().encode(Contents(meaning: meaning, dimension: dimension, entries: entries)))
            let length = withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init)
            try file.write((text + length + DescriptorIndex.mark).span.bytes)
            try file.commit()
        }
    }
}
