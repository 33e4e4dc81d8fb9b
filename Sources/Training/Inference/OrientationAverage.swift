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
            throw TrainingError("a network cannot be averaged over \(copies) copies of a block; give 1, 4 or 8")
        }
        self.orientations = orientations
    }

    /// The number of copies.
    public var copies: Int { orientations.count }

    /// The mean over the copies of the network's values, and their standard deviation; nil for one copy, whose values are what the network
    /// gives.
    ///
    /// - Parameters:
    ///   - block: densities `[1, D + 2 · context, H, W, 1]`.
    ///   - network: gives `[1, D, H, W, outputs]` for a copy; a turned copy has H and W exchanged.
    /// - Returns: both `[1, D, H, W, outputs]`
    /// - Complexity: one pass of the network for each copy.
    public func callAsFunction(
        _ block: Tensor, _ network: (Tensor) throws -> Tensor
    ) throws -> (mean: Tensor, deviation: Tensor?) {
        guard copies > 1, let input = VolumeShape(z: block.shape[1], y: block.shape[2], x: block.shape[3]) else {
            return (try network(block), nil)
        }
        var (sums, squares) = ([Float](), [Float]())
        var shape: [Int] = []
        for orientation in orientations {
            let turned = orientation.shape(input)
            let copy = Tensor(
                shape: [1, turned.z, turned.y, turned.x, 1], values: orientation(block.values, shape: input))
            let result = try network(copy)
            let outputs = result.shape.last ?? 1
            guard let seen = VolumeShape(z: result.shape[1], y: turned.y, x: turned.x),
                result.shape == [1, seen.z, seen.y, seen.x, outputs]
            else {
                throw TrainingError(
                    "the network made \(result.shape) of a copy of \(turned) voxels; it must keep the rows and columns")
            }
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
        let share = 1 / Float(copies)
        for index in sums.indices {
            sums[index] *= share
            squares[index] = max(squares[index] * share - sums[index] * sums[index], 0).squareRoot()
        }
        return (Tensor(shape: shape, values: sums), Tensor(shape: shape, values: squares))
    }
}
