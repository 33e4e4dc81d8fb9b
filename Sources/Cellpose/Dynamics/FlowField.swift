public import ImageProcessing

/// For each pixel a vector: where to go from there to come to the centre of the object that the pixel belongs to.
///
/// ``FlowTargets`` makes vectors of length 1 on objects and 0 elsewhere. CellPose's network gives five times as much, and
/// what reads the network's fields divides by ``networkScale``.
public struct FlowField: Hashable, Sendable {
    /// How much longer the network's vectors are than those of ``FlowTargets``.
    public static let networkScale: Float = 5

    /// The part along y, downwards.
    public let y: Image<Float>
    /// The part along x, to the right.
    public let x: Image<Float>

    public var height: Int { y.height }
    public var width: Int { y.width }

    /// - Throws: ``FlowError`` where the sizes differ, or a number is not finite.
    public init(y: Image<Float>, x: Image<Float>) throws(FlowError) {
        try y.requireSize(of: x, "the flow along y has", "that along x")
        try y.requireFinite("flow along y")
        try x.requireFinite("flow along x")
        self.y = y
        self.x = x
    }

    /// The parts of vectors (y, x), which are finite.
    init(_ vectors: Image<SIMD2<Float>>) {
        y = vectors.map { $0.x }
        x = vectors.map { $0.y }
    }
}
