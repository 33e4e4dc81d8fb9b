import Basics
import BlobStore
import Catalog
import Glibc
import Pipeline

/// Reads the descriptors of tomograms one after the other: from the ``DescriptorIndex`` where it holds them, else from their artifacts. Where
/// the index lacks more than an eighth, it is written anew meanwhile.
final class DescriptorReader {
    private let meaning: StoredDescriptors.Meaning
    private let dimension: Int
    private let store: BlobStore
    private let index: DescriptorIndex?
    private var writer: DescriptorIndex.Writer?
    private let path: String
    private let mayWrite: Bool
    private var isDamaged = false
    /// The rows that were read last, with what an earlier reading left behind them.
    private var patterns: [UInt16] = []

    /// The fewest artifacts for which an index is worth its file.
    private static let leastArtifacts = 16

    /// - Parameters:
    ///   - like: whose meaning counts.
    ///   - artifacts: all that there are, where all of them will be read: then the index may be written anew. Else none.
    init(_ project: Project, like own: StoredDescriptors, artifacts: [Digest]) throws {
        (meaning, dimension) = (own.meaning, own.dimension)
        store = try project.store()
        path = project.directory.descriptorIndex
        mayWrite = !artifacts.isEmpty && project.catalog.isWritable
        let index = DescriptorIndex(at: path, meaning: own.meaning, dimension: own.dimension)
        self.index = index
        let missing = artifacts.count { index?[$0] == nil }
        if artifacts.count >= Self.leastArtifacts, missing * 8 > artifacts.count, mayWrite {
            // A disk that is full or read-only is no reason not to answer.
            writer = try? DescriptorIndex.Writer(at: path, meaning: own.meaning, dimension: own.dimension)
        }
    }

    /// Calls the closure with the bit patterns of all rows of an artifact, `[particle][component]`; they are there only while it runs.
    ///
    /// - Returns: whether the numbers have the meaning that counts; the closure is not called where they have not.
    func read(_ digest: Digest, _ body: (UnsafeBufferPointer<UInt16>) throws -> Void) throws -> Bool {
        let numbers: Int
        let place = index?[digest]
        if case .other = place {
            keep(digest, nil)
            return false
        }
        if case .rows(let offset, let count, let checksum) = place,
            index?.read(offset: offset, count: count, checksum: checksum, into: &patterns) == true
        {
            numbers = count * dimension
        } else {
            // What the index has, and cannot be read there, makes it worthless: the artifact is what counts.
            isDamaged = isDamaged || place != nil
            let rows = try StoredDescriptors(store.open(digest))
            // A tomogram without picks has no rows that could mean something else.
            guard rows.count == 0 || rows.meaning == meaning && rows.dimension == dimension else {
                keep(digest, nil)
                return false
            }
            patterns = try rows.patterns()
            numbers = patterns.count
        }
        try patterns.withUnsafeBufferPointer { patterns in
            let rows = UnsafeBufferPointer(rebasing: patterns[..<numbers])
            keep(digest, rows)
            try body(rows)
        }
        return true
    }

    private func keep(_ digest: Digest, _ rows: UnsafeBufferPointer<UInt16>?) {
        do { try writer?.append(digest, rows) } catch { writer = nil }
    }

    /// Names the index that was written, where one was; removes one that is damaged, so that the next search makes it anew.
    func finish() {
        if let writer { try? writer.finish() } else if isDamaged, mayWrite { unlink(path) }
        writer = nil
    }
}
