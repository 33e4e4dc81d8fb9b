import Basics
import Foundation
import Mining
import Tensors
import Volumes

/// Densities around places, and the means of maps about places: what the parts of a descriptor that networks make have in common.
enum PlaceFeatures {
    /// The densities `[z][y][x]` of a window that may reach beyond the tomogram, where its mirror image lies (as in ``BoxWindow``).
    ///
    /// - Parameters:
    ///   - origin: the first voxel (z, y, x) of the window.
    ///   - read: gives the densities of a box inside of the grid.
    /// - Complexity: reads the smallest box that holds what is needed.
    static func densities(
        from origin: SIMD3<Int>, of window: VolumeShape, in grid: VolumeShape, read: (Box) throws -> [Float]
    ) throws -> [Float] {
        func places(_ first: Int, _ count: Int, _ length: Int) -> [Int] {
            (0..<count).map { BoxWindow.mirrored(first + $0, in: 0..<length) }
        }
        let z = places(origin.x, window.z, grid.z)
        let y = places(origin.y, window.y, grid.y)
        let x = places(origin.z, window.x, grid.x)
        func range(_ places: [Int]) -> Range<Int> { (places.min() ?? 0)..<(places.max() ?? 0) + 1 }
        guard let box = Box(z: range(z), y: range(y), x: range(x)) else { return [] }
        let values = try read(box)
        guard values.count == box.shape.count else {
            throw PipelineError("\(values.count) densities of \(box.shape) voxels were read; run again")
        }
        var result: [Float] = []
        result.reserveCapacity(window.count)
        for z in z {
            for y in y {
                let row = ((z - box.z.lowerBound) * box.shape.y + y - box.y.lowerBound) * box.shape.x - box.x.lowerBound
                for x in x { result.append(values[row + x]) }
            }
        }
        return result
    }

    /// The mean of a map under a normal distribution about a place.
    ///
    /// - Parameters:
    ///   - map: `[1, d, h, w, channels]`
    ///   - centre: the place (z, y, x), in cells of the map; the middle of the first cell is 0.
    ///   - deviation: of the distribution along each axis, in cells, above 0.
    /// - Returns: a number for each channel.
    static func mean(of map: Tensor, about centre: SIMD3<Double>, deviation: SIMD3<Double>) -> [Float] {
        let (lengths, channels) = (map.shape[1...3].map(\.self), map.shape[4])
        // The nearest cell has the weight 1, so that a narrow distribution between cells still has one.
        let weights = (0..<3).map { axis in
            let exponents = (0..<lengths[axis]).map { cell in
                let distance = (Double(cell) - centre[axis]) / deviation[axis]
                return distance * distance / 2
            }
            let least = exponents.min() ?? 0
            return exponents.map { exp(least - $0) }
        }
        var (sums, total) = ([Double](repeating: 0, count: channels), 0.0)
        map.withUnsafeBufferPointer { values in
            for z in 0..<lengths[0] {
                for y in 0..<lengths[1] {
                    for x in 0..<lengths[2] {
                        let weight = weights[0][z] * weights[1][y] * weights[2][x]
                        guard weight > 1e-6 else { continue }
                        total += weight
                        let first = ((z * lengths[1] + y) * lengths[2] + x) * channels
                        for channel in 0..<channels { sums[channel] += weight * Double(values[first + channel]) }
                    }
                }
            }
        }
        return sums.map { Float($0 / max(total, .leastNormalMagnitude)) }
    }
}
