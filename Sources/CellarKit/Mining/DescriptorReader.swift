import Basics
import BlobStore
import Catalog
import Pipeline

/// Reads the descriptors of tomograms one after the other: from the ``DescriptorIndex`` where it holds them, else from their artifacts. Where
/// the index lacks more than an eighth, it is written anew meanwhile.
final class DescriptorReader {
    private let meaning: StoredDescriptors.Meaning
    private let dimension: Int
    private let store: BlobStore
    private let index: DescriptorIndex?
    private var writer: DescriptorIndex.Writer?
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
        let path = project.directory.descriptorIndex
        let index = DescriptorIndex(at: path, meaning: own.meaning, dimension: own.dimension)
        self.index = index
        let missing = artifacts.count { index?[$0] == nil }
        if artifacts.count >= Self.leastArtifacts, missing * 8 > artifacts.count, project.catalog.isWritable {
            // A disk that is full or read-only is no reason not to answer.
            writer = try? DescriptorIndex.Writer(at: path, meaning: own.meaning, dimension: own.dimension)
        }
    }

    /// Calls the closure with the bit patterns of all rows of an artifact, `[particle][component]`; they are there only while it runs.
    ///
    /// - Returns: whether the numbers have the meaning that counts; the closure is not called where they have not.
    func read(_ digest: Digest, _ body: (UnsafeBufferPointer<UInt16>) throws -> Void) throws -> Bool {
        var numbers = 0
        switch index?[digest] {
        case .other:
            keep(digest, nil)
            return false
        case .rows(let offset, let count):
            try index?.read(offset: offset, count: count, into: &patterns)
            numbers = count * dimension
        case nil:
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

    /// Names the index that was written, where one was.
    func finish() {
        try? writer?.finish()
        writer = nil
    }
}
