public import Volumes

/// How a network is moved over a volume: one ``WindowAxis`` for each axis.
///
/// ```swift
/// let axis = try WindowAxis(block: 96, margin: 20, taper: 8, alignment: 8)
/// let volumetric = Window(z: axis, y: axis, x: axis)
/// let planar = Window(z: .single, y: axis, x: axis)       // a two-dimensional network, slice by slice
/// ```
public struct Window: Hashable, Sendable {
    public var z: WindowAxis
    public var y: WindowAxis
    public var x: WindowAxis
    /// How many slices of results are kept of a layer of blocks at most. A layer that has more is computed several times, each
    /// time for the next of them: results are the same, to the bit.
    public private(set) var mostSlices = Int.max

    public init(z: WindowAxis, y: WindowAxis, x: WindowAxis) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// This window, so that it needs no more than `bytes` of memory: see ``BlockGrid/memory(outputs:)``. It has the deepest
    /// blocks, up to its own depth, that do. Where blocks keep their length, layers are computed several times instead, no more
    /// often than needed.
    ///
    /// - Throws: ``TrainingError`` where even that needs more.
    public func fitted(to shape: VolumeShape, outputs: Int, bytes: Int) throws(TrainingError) -> Window {
        var window = self
        var least = BlockGrid(shape: shape, window: window).memory(outputs: outputs)
        if z.keepsLength {
            if least <= bytes { return window }
            // Each slice less saves as much as another.
            let slice = MemoryLayout<Float>.size * shape.sliceCount * outputs
            let depth = BlockGrid(shape: shape, window: window).layerDepth
            window.mostSlices = depth - (least - bytes + slice - 1) / slice
            if window.mostSlices > z.taper { return window }
            throw Self.tooLarge(shape, outputs, least: least - (depth - z.taper - 1) * slice, bytes)
        }
        // A block deeper than the volume is a block of its depth.
        let deepest = max(min(z.block, shape.z.rounded(upTo: z.alignment)), z.leastBlock)
        for depth in stride(from: deepest, through: z.leastBlock, by: -z.alignment) {
            window.z = try WindowAxis(block: depth, margin: z.margin, taper: z.taper, alignment: z.alignment)
            let memory = BlockGrid(shape: shape, window: window).memory(outputs: outputs)
            if memory <= bytes { return window }
            least = min(least, memory)
        }
        throw Self.tooLarge(shape, outputs, least: least, bytes)
    }

    private static func tooLarge(_ shape: VolumeShape, _ outputs: Int, least: Int, _ bytes: Int) -> TrainingError {
        TrainingError(
            "to run a network with \(outputs) outputs over \(shape) voxels takes \(least) bytes beside the network's own, "
                + "but only \(bytes) are allowed; allow more, or choose smaller margins")
    }
}
