public import Tensors
import Volumes

/// Runs a network on mirrored and turned copies of a block, and averages what it says of each voxel: test-time averaging.
///
/// With 4 copies, blocks are mirrored along x and y; with 8 they are also turned by 90° in the plane of the slices. Along z they stay, since
/// the missing wedge makes z another direction.
public struct OrientationAverage: Sendable {
    private let orientations: [Orientation]

    /// - Throws: ``TrainingError`` unless there are 1, 4 or 8 copies.
    public init(copies: Int) throws(TrainingError) {
        guard let orientations = [1: [Orientation.identity], 4: Orientation.mirrored, 8: Orientation.plane][copies] else {
            throw TrainingError("a network is averaged over 1, 4 or 8 copies of a block, not over \(copies)")
        }
        self.orientations = orientations
    }

    /// The number of copies.
    public var copies: Int { orientations.count }

    /// The mean over the copies of the network's values and, behind them, their standard deviation, which is 0 for one copy.
    ///
    /// - Parameters:
    ///   - block: densities `[1, D + 2 · context, H, W, 1]`.
    ///   - network: gives `[1, D, H, W, outputs]` for a copy; a turned copy has H and W exchanged.
    /// - Returns: `[1, D, H, W, 2 · outputs]`
    /// - Complexity: one pass of the network for each copy.
    public func callAsFunction(_ block: Tensor, _ network: (Tensor) throws -> Tensor) throws -> Tensor {
        guard let input = VolumeShape(z: block.shape[1], y: block.shape[2], x: block.shape[3]) else { return block }
        var (sums, squares) = ([Float](), [Float]())
        var shape: [Int] = []
        for orientation in orientations {
            let turned = orientation.shape(input)
            let copy = Tensor(
                shape: [1, turned.z, turned.y, turned.x, 1], values: orientation(block.values, shape: input))
            let result = try network(copy)
            let outputs = result.shape.last ?? 1
            guard let seen = VolumeShape(z: result.shape[1], y: turned.y, x: turned.x) else { return block }
            // Where each voxel of the block is in the copy's result.
            let places = orientation.inverse((0..<Int32(seen.count)).map { $0 }, shape: seen)
            if sums.isEmpty {
                shape = [1, seen.z, input.y, input.x, outputs]
                sums = [Float](repeating: 0, count: places.count * outputs)
                squares = sums
            }
            result.withUnsafeBufferPointer { values in
                for (voxel, place) in places.enumerated() {
                    for output in 0..<outputs {
                        let value = values[Int(place) * outputs + output]
                        sums[voxel * outputs + output] += value
                        squares[voxel * outputs + output] += value * value
                    }
                }
            }
        }
        let outputs = shape.last ?? 1
        let share = 1 / Float(orientations.count)
        return Tensor(shape: Array(shape.dropLast()) + [2 * outputs]) { target in
            for index in sums.indices {
                let (voxel, output) = (index / outputs, index % outputs)
                let mean = sums[index] * share
                target[voxel * 2 * outputs + output] = mean
                let variance = max(squares[index] * share - mean * mean, 0)
                target[voxel * 2 * outputs + outputs + output] = orientations.count > 1 ? variance.squareRoot() : 0
            }
        }
    }
}
