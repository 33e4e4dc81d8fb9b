/// Lengths along the three axes of a volume: sizes, strides, paddings. Images are volumes of depth 1.
public struct Extent3D: Hashable, Sendable, Codable {
    public var depth: Int
    public var height: Int
    public var width: Int

    public init(_ depth: Int, _ height: Int, _ width: Int) { (self.depth, self.height, self.width) = (depth, height, width) }

    /// The same along all axes.
    public init(_ length: Int) { self.init(length, length, length) }

    /// The product: how many voxels.
    public var count: Int { depth * height * width }

    /// Depth, height, width.
    public var lengths: [Int] { [depth, height, width] }

    /// A length of each from lengths of both.
    func combined(_ other: Extent3D, _ combine: (Int, Int) -> Int) -> Extent3D {
        Extent3D(combine(depth, other.depth), combine(height, other.height), combine(width, other.width))
    }
}

extension Tensor {
    /// The lengths of a batch of volumes, `[N, D, H, W, C]`.
    ///
    /// - Precondition: it is one.
    public var extent: Extent3D {
        precondition(shape.count == 5, "\(shape) is no batch of volumes")
        return Extent3D(shape[1], shape[2], shape[3])
    }
}
