internal import Volumes

/// A box of voxels that may reach beyond its volume: `(z, y, x)`.
struct PaddedBox: Hashable, Sendable {
    /// Its first voxel; it may lie before the volume.
    let z: Int
    let y: Int
    let x: Int
    let depth: Int
    let height: Int
    let width: Int

    init(origin: (Int, Int, Int), size: (Int, Int, Int)) {
        (z, y, x) = origin
        (depth, height, width) = size
    }

    var count: Int { depth * height * width }

    /// The part inside another box; nil if there is none.
    func clipped(to box: Box) -> Box? {
        func clip(_ start: Int, _ length: Int, _ range: Range<Int>) -> Range<Int> {
            (start..<start + length).clamped(to: range)
        }
        return Box(z: clip(z, depth, box.z), y: clip(y, height, box.y), x: clip(x, width, box.x))
    }

    /// Fills `target`, `[z][y][x]`, with the values of `inner`, a box inside this one; elsewhere with the value of the
    /// voxel of `inner` that is nearest along each axis.
    ///
    /// - Precondition: as many values as `inner` has voxels, and room for all voxels of this box.
    func replicate<Element>(_ values: [Element], of inner: Box, into target: UnsafeMutableBufferPointer<Element>) {
        precondition(values.count == inner.shape.count && target.count == count, "values that do not fill their box")
        let shape = inner.shape
        let before = min(max(inner.x.lowerBound - x, 0), width)
        let after = min(before + shape.x, width)
        values.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress, let to = target.baseAddress else { return }
            for slice in 0..<depth {
                let sourceSlice = min(max(z + slice - inner.z.lowerBound, 0), shape.z - 1)
                for row in 0..<height {
                    let sourceRow = min(max(y + row - inner.y.lowerBound, 0), shape.y - 1)
                    let read = from + (sourceSlice * shape.y + sourceRow) * shape.x
                    let write = to + (slice * height + row) * width
                    (write + before).update(from: read, count: after - before)
                    for column in 0..<before { write[column] = read[0] }
                    for column in after..<width { write[column] = read[shape.x - 1] }
                }
            }
        }
    }
}
