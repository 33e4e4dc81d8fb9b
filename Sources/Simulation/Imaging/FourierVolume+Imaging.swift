import Basics
import Dispatch
import Tensors
import Volumes

extension FourierVolume {
    /// Filters the volume: transforms it, multiplies its spectrum by the real gains of a filter, and transforms it back.
    ///
    /// - Parameter filter: a filter for the grid of this volume.
    /// - Complexity: two Fourier transforms, on all cores, in place.
    mutating func filter(_ filter: SpectralFilter) {
        forward()
        multiply(by: filter)
        inverse()
    }

    /// Multiplies each coefficient of the spectrum by the gain of the filter.
    private mutating func multiply(by filter: SpectralFilter) {
        let frequencyCount = frequencyCount
        let stride = rowStride
        let half = rowHalf
        let rows = y
        values.withUnsafeMutableBufferPointer { values in
            nonisolated(unsafe) let values = values
            DispatchQueue.concurrentPerform(iterations: z) { slice in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: frequencyCount) { gains in
                    for row in 0..<rows {
                        filter.gains(y: row, z: slice, into: gains)
                        let first = (slice * rows + row) * stride
                        for k in 0..<frequencyCount {
                            values[first + k] *= gains[k]
                            values[first + half + k] *= gains[k]
                        }
                    }
                }
            }
        }
    }

    /// The mean and the standard deviation of those voxels of the tomogram that lie inside the lamella.
    func statistics(in lamella: LamellaSurfaces, of grid: SimulationGrid) -> (mean: Double, standardDeviation: Double) {
        var count = 0
        var sum = 0.0
        var sumOfSquares = 0.0
        forEachRow(of: grid) { z, y, row in
            for x in 0..<grid.shape.x where lamella.depth(x: x + grid.marginX, y: y, z: z) >= 0 {
                let value = Double(row[x])
                count += 1
                sum += value
                sumOfSquares += value * value
            }
        }
        guard count > 0 else { return (0, 0) }
        let mean = sum / Double(count)
        return (mean, max(0, sumOfSquares / Double(count) - mean * mean).squareRoot())
    }

    /// Replaces each value v by (v − offset) · scale.
    mutating func subtract(_ offset: Float, thenScaleBy scale: Float) {
        values.withUnsafeMutableBufferPointer { values in
            for index in values.indices { values[index] = (values[index] - offset) * scale }
        }
    }

    /// Adds another volume of the same size, times a factor.
    mutating func add(_ other: FourierVolume, scaledBy scale: Float) {
        values.withUnsafeMutableBufferPointer { values in
            other.values.withUnsafeBufferPointer { other in
                for index in values.indices { values[index] += scale * other[index] }
            }
        }
    }

    /// Replaces the voxels by independent standard normal values. Each slice has its own random stream.
    mutating func fillWithWhiteNoise(seed: UInt64) {
        let stride = rowStride
        let rows = y
        let columns = x
        values.withUnsafeMutableBufferPointer { values in
            nonisolated(unsafe) let values = values
            DispatchQueue.concurrentPerform(iterations: z) { slice in
                var random = RandomStream(seed: seed, .noise, piece: slice)
                for row in 0..<rows {
                    let first = (slice * rows + row) * stride
                    for column in Swift.stride(from: 0, to: columns, by: 2) {
                        let pair = random.normalPair()
                        values[first + column] = Float(pair.x)
                        if column + 1 < columns { values[first + column + 1] = Float(pair.y) }
                    }
                }
            }
        }
    }

    /// The voxels of the tomogram, float32 `[z][y][x]`, without the margins.
    func tomogram(of grid: SimulationGrid) -> VoxelBuffer {
        VoxelBuffer(shape: grid.shape, scalarType: .float32) { bytes in
            let target = bytes.bindMemory(to: Float.self)
            forEachRow(of: grid) { z, y, row in
                let first = ((z - grid.marginZ) * grid.shape.y + y - grid.marginY) * grid.shape.x
                for x in row.indices { target[first + x] = row[x] }
            }
        }
    }

    /// Calls the closure with each row of the tomogram and the row's indices z and y in the grid.
    private func forEachRow(of grid: SimulationGrid, _ body: (_ z: Int, _ y: Int, _ row: UnsafeBufferPointer<Float>) -> Void) {
        values.withUnsafeBufferPointer { values in
            for z in grid.marginZ..<grid.marginZ + grid.shape.z {
                for y in grid.marginY..<grid.marginY + grid.shape.y {
                    let first = (z * self.y + y) * rowStride + grid.marginX
                    body(z, y, UnsafeBufferPointer(rebasing: values[first..<first + grid.shape.x]))
                }
            }
        }
    }
}
