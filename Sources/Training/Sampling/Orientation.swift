public import Volumes

/// A symmetry of the cube: one of the 48 rotations and reflections that map axes of arrays `[z][y][x]` to axes.
///
/// Axis i of the result is axis `axes[i]` of the original, reversed if `isReversed[i]`.
public struct Orientation: Hashable, Sendable {
    /// The original axis of each axis of the result: a permutation of 0 (z), 1 (y) and 2 (x).
    public let axes: [Int]
    /// Whether each axis of the result is reversed.
    public let isReversed: [Bool]

    private init(axes: [Int], isReversed: [Bool]) {
        self.axes = axes
        self.isReversed = isReversed
    }

    /// The orientation that changes nothing.
    public static let identity = Orientation(axes: [0, 1, 2], isReversed: [false, false, false])

    /// The 8 symmetries of a square: rotations by multiples of 90° within slices, and their mirror images. The identity comes
    /// first in ``plane``, ``slab`` and ``cube``.
    public static let plane = all { $0.axes[0] == 0 && !$0.isReversed[0] }

    /// The four mirror images of a square along its sides, the identity first: those of ``plane`` that keep the axes.
    public static let mirrored = plane.filter { $0.axes == [0, 1, 2] }

    /// The 16 symmetries that map slices to slices: ``plane`` with and without z reversed. They suit tomograms, whose resolution
    /// along z differs from that along x and y.
    public static let slab = all { $0.axes[0] == 0 }

    /// All 48 symmetries of a cube.
    public static let cube = all { _ in true }

    private static func all(where isIncluded: (Orientation) -> Bool) -> [Orientation] {
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].flatMap { axes in
            (0..<8).map { bits in Orientation(axes: axes, isReversed: (0..<3).map { bits >> $0 & 1 == 1 }) }
        }.filter(isIncluded)
    }

    /// The shape of the result for an array of this shape.
    public func shape(_ shape: VolumeShape) -> VolumeShape {
        let lengths = [shape.z, shape.y, shape.x]
        // The initializer cannot fail: a permutation has the same number of voxels.
        return VolumeShape(z: lengths[axes[0]], y: lengths[axes[1]], x: lengths[axes[2]]) ?? shape
    }

    /// The composition: this orientation first, then the other.
    public func then(_ other: Orientation) -> Orientation {
        Orientation(
            axes: other.axes.map { axes[$0] },
            isReversed: (0..<3).map { other.isReversed[$0] != isReversed[other.axes[$0]] })
    }

    /// The inverse orientation: `o.then(o.inverse)` is the identity.
    public var inverse: Orientation {
        var (axes, isReversed) = (self.axes, self.isReversed)
        for axis in 0..<3 {
            axes[self.axes[axis]] = axis
            isReversed[self.axes[axis]] = self.isReversed[axis]
        }
        return Orientation(axes: axes, isReversed: isReversed)
    }

    /// Rotates or mirrors an array `[z][y][x]` of the given shape; the result has the shape `shape(shape)`.
    ///
    /// - Precondition: there is one value for each voxel of the shape.
    /// - Complexity: one read and one write for each voxel.
    public func callAsFunction<Element>(_ values: [Element], shape: VolumeShape) -> [Element] {
        precondition(values.count == shape.count, "\(values.count) values are not \(shape) voxels")
        if self == .identity { return values }
        let lengths = [shape.z, shape.y, shape.x]
        let strides = [shape.y * shape.x, shape.x, 1]
        // The source index of the first voxel, and the source stride along each axis of the result.
        let first = (0..<3).reduce(0) { $0 + (isReversed[$1] ? (lengths[axes[$1]] - 1) * strides[axes[$1]] : 0) }
        let steps = (0..<3).map { isReversed[$0] ? -strides[axes[$0]] : strides[axes[$0]] }
        let turned = self.shape(shape)
        return [Element](unsafeUninitializedCapacity: values.count) { target, count in
            values.withUnsafeBufferPointer { source in
                var index = 0
                for z in 0..<turned.z {
                    for y in 0..<turned.y {
                        var from = first + z * steps[0] + y * steps[1]
                        for _ in 0..<turned.x {
                            target.initializeElement(at: index, to: source[from])
                            index += 1
                            from += steps[2]
                        }
                    }
                }
            }
            count = values.count
        }
    }
}
