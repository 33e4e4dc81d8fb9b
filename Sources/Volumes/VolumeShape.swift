/// The number of voxels of a volume along each axis, in storage order `[z][y][x]`: x varies fastest.
///
/// Every shape is valid: each axis has at least one and at most 2³¹ − 1 voxels, and the number of voxels times 16 bytes fits
/// `Int`. Headers that declare more are refused when they are read, so that no later arithmetic can overflow.
public struct VolumeShape: Hashable, Sendable {
    /// The number of slices.
    public let z: Int
    /// The number of rows of a slice.
    public let y: Int
    /// The number of voxels of a row.
    public let x: Int

    /// Returns nil if an axis is smaller than one or beyond 2³¹ − 1, or if the number of voxels exceeds `Int.max / 16`.
    public init?(z: Int, y: Int, x: Int) {
        let axes = [z, y, x]
        guard axes.allSatisfy({ $0 >= 1 && $0 <= Int(Int32.max) }) else { return nil }
        let (slice, overflowsInSlice) = y.multipliedReportingOverflow(by: x)
        let (count, overflowsInVolume) = slice.multipliedReportingOverflow(by: z)
        guard !overflowsInSlice, !overflowsInVolume, count <= Int.max / 16 else { return nil }
        self.z = z
        self.y = y
        self.x = x
    }

    /// The number of voxels.
    public var count: Int { z * y * x }

    /// The number of voxels of one slice.
    public var voxelsPerSlice: Int { y * x }

    /// The box that covers the whole volume.
    public var box: Box { Box(shape: self) }
}

extension VolumeShape: CustomStringConvertible {
    /// The shape as the field writes it: `x × y × z`.
    public var description: String { "\(x) × \(y) × \(z)" }
}

/// A non-empty box of voxels: half-open ranges of 0-based indices along z, y and x.
public struct Box: Hashable, Sendable {
    /// The slices, rows and columns.
    public let z: Range<Int>
    public let y: Range<Int>
    public let x: Range<Int>

    /// The number of voxels of the box along each axis.
    public let shape: VolumeShape

    /// Returns nil if a range is empty or begins below zero.
    public init?(z: Range<Int>, y: Range<Int>, x: Range<Int>) {
        guard z.lowerBound >= 0, y.lowerBound >= 0, x.lowerBound >= 0,
            let shape = VolumeShape(z: z.count, y: y.count, x: x.count)
        else { return nil }
        self.z = z
        self.y = y
        self.x = x
        self.shape = shape
    }

    /// The box of all voxels of a volume of this shape.
    init(shape: VolumeShape) {
        self.z = 0..<shape.z
        self.y = 0..<shape.y
        self.x = 0..<shape.x
        self.shape = shape
    }

    /// Whether all voxels of the box lie in a volume of this shape.
    public func isInside(_ shape: VolumeShape) -> Bool {
        z.upperBound <= shape.z && y.upperBound <= shape.y && x.upperBound <= shape.x
    }
}

extension VolumeShape {
    /// The box of the whole slices `z`; nil if the range is empty or does not lie in the volume.
    public func slices(_ z: Range<Int>) -> Box? {
        guard z.upperBound <= self.z else { return nil }
        return Box(z: z, y: 0..<y, x: 0..<x)
    }

    /// Boxes that cover the volume once, in storage order. Each has at most `voxelLimit` voxels, but at least one row: whole
    /// slices if a slice fits, else whole rows of one slice.
    ///
    /// Reading box by box visits the voxels in storage order, in bounded memory whatever the shape.
    ///
    /// - Parameters:
    ///   - voxelLimit: the most voxels of a box.
    ///   - chunkShape: ``Volume/chunkShape``. Boxes end where chunks end, so that few chunks are read twice.
    ///   - chunkLimit: the most voxels of a box where a larger box than `voxelLimit` lets every chunk be read only once.
    public func streamingBoxes(
        voxelLimit: Int, chunkShape: VolumeShape? = nil, chunkLimit: Int = 0
    ) -> some Sequence<Box> & Sendable {
        let shape = self
        let chunk = (z: Swift.min(chunkShape?.z ?? 1, z), y: Swift.min(chunkShape?.y ?? 1, y))
        let chunkCount = chunk.z > 1 ? chunk.z * voxelsPerSlice : chunk.y * x
        let limit = Swift.max(voxelLimit, Swift.min(chunkLimit, chunkCount))
        // The thickness of a box: as many whole chunks as fit, else a chunk divided into equal parts.
        func aligned(_ most: Int, to chunk: Int) -> Int {
            if most >= chunk { return most - most % chunk }
            let parts = (chunk + most - 1) / most
            return (chunk + parts - 1) / parts
        }
        let hasWholeSlices = voxelsPerSlice <= limit
        let slicesPerBox = hasWholeSlices ? Swift.min(z, aligned(limit / voxelsPerSlice, to: chunk.z)) : 1
        let rowsPerBox = hasWholeSlices ? y : Swift.min(y, aligned(Swift.max(1, limit / x), to: chunk.y))
        let boxesPerSlice = (y + rowsPerBox - 1) / rowsPerBox
        let count = (z + slicesPerBox - 1) / slicesPerBox * boxesPerSlice
        return (0..<count).lazy.compactMap { index in
            let slice = index / boxesPerSlice * slicesPerBox
            let row = index % boxesPerSlice * rowsPerBox
            return Box(
                z: slice..<Swift.min(slice + slicesPerBox, shape.z), y: row..<Swift.min(row + rowsPerBox, shape.y),
                x: 0..<shape.x)
        }
    }
}
