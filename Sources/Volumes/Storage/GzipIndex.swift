/// A place in a gzip file where decoding can begin without what came before.
struct GzipRestartPoint: Sendable {
    /// The offset in the file of the first byte that was not used up.
    var input = 0
    /// How many high bits of the byte before are still to be used.
    var unusedBits: CInt = 0
    /// The offset in the decoded stream.
    var output = 0
    /// The last 32 KiB of output, to which matches refer; nil at the header of a member, which refers to nothing.
    var window: [UInt8]?
    /// The checksum and length of the member so far, so that its end can be verified from here, too.
    var checksum: UInt = 0
    var memberOutput = 0
}

/// Restart points in order of their output offset, evenly spread and bounded in number.
struct GzipIndex {
    /// 1024 points with their windows are 32 MiB.
    static let pointLimit = 1024

    private var points = [GzipRestartPoint()]
    private var spacing: Int

    init(spacing: Int = 16 << 20) { self.spacing = spacing }

    var count: Int { points.count }

    /// Whether a point at this output offset would bring reads closer.
    func wantsPoint(at output: Int) -> Bool {
        points.last.map { output - $0.output >= spacing } ?? true
    }

    /// The last point at or before an output offset.
    func point(before output: Int) -> GzipRestartPoint {
        var low = 0
        var high = points.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if points[middle].output <= output { low = middle } else { high = middle }
        }
        return points[low]
    }

    /// Appends a point, unless another thread was faster. A full index drops every second point and doubles the
    /// distance from then on: a stream without end costs time, never memory.
    mutating func insert(_ point: GzipRestartPoint) {
        guard wantsPoint(at: point.output) else { return }
        points.append(point)
        if points.count > Self.pointLimit {
            points = stride(from: 0, to: points.count, by: 2).map { points[$0] }
            spacing *= 2
        }
    }
}
