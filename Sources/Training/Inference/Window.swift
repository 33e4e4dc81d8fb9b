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

    public init(z: WindowAxis, y: WindowAxis, x: WindowAxis) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// This window with the deepest blocks, up to its own depth, that need no more than `bytes` of memory: see
    /// ``BlockGrid/memory(outputs:)``.
    ///
    /// - Throws: ``TrainingError`` where even the shallowest blocks need more.
    public func shallowed(for shape: VolumeShape, outputs: Int, bytes: Int) throws(TrainingError) -> Window {
        var window = self
        var least = BlockGrid(shape: shape, window: window).memory(outputs: outputs)
        // A block deeper than the volume is a block of its depth.
        let deepest = max(min(z.block, shape.z.rounded(upTo: z.alignment)), z.leastBlock)
        for depth in stride(from: deepest, through: z.leastBlock, by: -z.alignment) {
            window.z = try WindowAxis(block: depth, margin: z.margin, taper: z.taper, alignment: z.alignment)
            let memory = BlockGrid(shape: shape, window: window).memory(outputs: outputs)
            if memory <= bytes { return window }
            least = min(least, memory)
        }
        throw TrainingError(
            "to run a network with \(outputs) outputs over \(shape) voxels takes \(least) bytes beside the network's own, "
                + "but only \(bytes) are allowed; allow more, or choose smaller margins")
    }
}
