import Basics
import Dispatch
import Synchronization

extension VolumeSurvey {
    /// Where storage is chunked, a buffer may grow to this size so that each chunk is decoded once.
    private static let chunkBufferLimit = 96 << 20

    /// Reads all voxels once.
    ///
    /// - Parameters:
    ///   - volume: the volume.
    ///   - bufferBytes: the size of each of two buffers.
    ///   - progress: called after each buffer with the part of the volume that is done, up to 1; what it throws ends
    ///     the survey.
    /// - Throws: ``VolumeError`` where the volume cannot be read, and what `progress` throws.
    /// - Complexity: one pass over the voxels. The digest is computed on a second thread while this one reads and
    ///   counts, so the time is that of SHA-256 alone. Memory is the two buffers and some 20 MB of tables; buffers grow
    ///   up to 96 MiB each where the chunks of the volume hold several slices.
    public static func run(
        _ volume: any Volume, bufferBytes: Int = 16 << 20, progress: (Double) throws -> Void = { _ in }
    ) throws -> VolumeSurvey {
        let shape = volume.shape
        let type = volume.scalarType
        let boxes = shape.streamingBoxes(
            voxelLimit: max(1, bufferBytes / type.size), chunkShape: volume.chunkShape, chunkLimit: chunkBufferLimit / type.size)
        let hasher = StreamHasher(prefix: digestPrefix(shape: shape, scalarType: type))
        // Bins that are exact give exact statistics in the end.
        let needsMoments = Histogram.Binning(type) == .float32
        var counter = VoxelCounter(type)
        var moments = VoxelMoments()
        var done = 0

        let capacity = boxes.first { _ in true }.map { $0.shape.count * type.size } ?? 0
        let buffers = [0, 1].map { _ in UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64) }
        defer {
            hasher.wait()
            for buffer in buffers { buffer.deallocate() }
        }
        for (index, box) in boxes.enumerated() {
            let buffer = UnsafeMutableRawBufferPointer(rebasing: buffers[index & 1][..<(box.shape.count * type.size)])
            // The other buffer is being hashed meanwhile.
            try volume.read(box, into: buffer)
            hasher.wait()
            hasher.begin(UnsafeRawBufferPointer(buffer))
            counter.add(UnsafeRawBufferPointer(buffer))
            if needsMoments { moments.add(UnsafeRawBufferPointer(buffer), of: type) }
            done += box.shape.count
            try progress(Double(done) / Double(shape.count))
        }

        let (histogram, nonFiniteCount) = counter.result()
        return VolumeSurvey(
            shape: shape, scalarType: type, digest: hasher.finish(), nonFiniteCount: nonFiniteCount,
            statistics: needsMoments ? VoxelStatistics(moments) : VoxelStatistics(exact: histogram), histogram: histogram)
    }

    /// What stands before the voxels in the text that is hashed.
    static func digestPrefix(shape: VolumeShape, scalarType: ScalarType) -> String {
        "cellar tomogram voxels 1\n\(scalarType.rawValue)\n\(shape.z) \(shape.y) \(shape.x)\n"
    }
}

/// SHA-256 of a stream on a thread of its own, one block at a time.
private final class StreamHasher: Sendable {
    private let hash: Mutex<SHA256>
    private let queue = DispatchQueue(label: "cellar.survey.digest")

    init(prefix: String) {
        var hash = SHA256()
        hash.update(prefix.utf8)
        self.hash = Mutex(hash)
    }

    /// Begins to hash a block, which must stay as it is until ``wait()`` has returned.
    func begin(_ block: UnsafeRawBufferPointer) {
        // Two threads read the block, and none writes it before `wait()`.
        nonisolated(unsafe) let block = block
        queue.async { [self] in hash.withLock { $0.update(block) } }
    }

    /// Waits until all blocks are hashed.
    func wait() { queue.sync {} }

    func finish() -> Digest {
        wait()
        return hash.withLock { $0.digest }
    }
}
