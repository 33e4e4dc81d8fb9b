/// A non-empty axis-aligned box of voxels, half-open along each axis, 0-based.
public struct Box: Hashable, Sendable {
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
    /// The box of whole slices `z`, or nil if there is none such.
    public func slices(_ z: Range<Int>) -> Box? {
        guard z.upperBound <= self.z else { return nil }
        return Box(z: z, y: 0..<y, x: 0..<x)
    }

    /// Boxes that cover the volume once, in storage order, each of at most `voxelLimit` voxels (and at least one row):
    /// whole slices where a slice fits, whole rows of one slice where it does not.
    ///
    /// Reading a volume box by box in this order visits its voxels in storage order, in bounded memory whatever
    /// the shape.
    ///
    /// - Parameters:
    ///   - voxelLimit: how large a box may be.
    ///   - chunkShape: ``Volume/chunkShape``: boxes are made to end where chunks end, so that few chunks are read twice.
    ///   - chunkLimit: how large a box may be where a larger one lets every chunk be read only once.
    public func streamingBoxes(
        voxelLimit: Int, chunkShape: VolumeShape? = nil, chunkLimit: Int = 0
    ) -> some Sequence<Box> & Sendable {
        let shape = self
        let chunk = (z: Swift.min(chunkShape?.z ?? 1, z), y: Swift.min(chunkShape?.y ?? 1, y))
        let chunkCount = chunk.z > 1 ? chunk.z * sliceCount : chunk.y * x
        let limit = Swift.max(voxelLimit, Swift.min(chunkLimit, chunkCount))
        // As many whole chunks as fit, or else an even part of one.
        func aligned(_ most: Int, to chunk: Int) -> Int {
            if most >= chunk { return most - most % chunk }
            let parts = (chunk + most - 1) / most
            return (chunk + parts - 1) / parts
        }
        let hasWholeSlices = sliceCount <= limit
        let slicesPerBox = hasWholeSlices ? Swift.min(z, aligned(limit / sliceCount, to: chunk.z)) : 1
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
