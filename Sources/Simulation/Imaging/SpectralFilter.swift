import Foundation

/// A real gain for each frequency of a ``FourierVolume``: a function of |k| times a mask over (kx, kz).
///
/// The radial part is tabulated over k², in which contrast transfer oscillates evenly.
struct SpectralFilter: Sendable {
    private static let tableCount = 1 << 16

    private let radial: [Float]
    private let indexPerSquaredFrequency: Float
    private let mask: TiltMask
    private let squaredX: [Float]
    private let squaredY: [Float]
    private let squaredZ: [Float]

    /// - Parameters:
    ///   - gain: the gain at a squared spatial frequency in Å⁻².
    init(grid: SimulationGrid, mask: TiltMask, radial gain: (Double) -> Double) {
        func squared(_ count: Int) -> [Float] {
            (0..<count).map { k in
                let frequency = grid.frequency(k, of: count)
                return Float(frequency * frequency)
            }
        }
        squaredX = squared(grid.x)
        squaredY = squared(grid.y)
        squaredZ = squared(grid.z)
        // The corner of the spectrum: half a sampling frequency along each axis.
        let largest = 3 * pow(0.5 / grid.voxelSize, 2)
        let step = largest / Double(Self.tableCount - 1)
        radial = (0..<Self.tableCount).map { Float(gain(Double($0) * step)) }
        indexPerSquaredFrequency = Float(1 / step)
        self.mask = mask
    }

    /// The gains of the frequencies kx = 0...x/2 of one row of the spectrum.
    func gains(y: Int, z: Int, into gains: UnsafeMutableBufferPointer<Float>) {
        let offset = squaredY[y] + squaredZ[z]
        radial.withUnsafeBufferPointer { radial in
            squaredX.withUnsafeBufferPointer { squaredX in
                mask.withRow(z: z) { mask in
                    for k in gains.indices {
                        let index = Int((squaredX[k] + offset) * indexPerSquaredFrequency + 0.5)
                        gains[k] = mask[k] * radial[min(index, radial.count - 1)]
                    }
                }
            }
        }
    }

    /// The mean squared gain over the whole spectrum: the variance of white noise of variance one after this filter.
    func meanSquaredGain(grid: SimulationGrid) -> Double {
        let count = grid.x / 2 + 1
        var sum = 0.0
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { row in
            for z in 0..<grid.z {
                for y in 0..<grid.y {
                    gains(y: y, z: z, into: row)
                    for k in 0..<count {
                        // Frequencies that the half spectrum leaves out count twice.
                        let isOwnMirror = k == 0 || 2 * k == grid.x
                        sum += (isOwnMirror ? 1 : 2) * Double(row[k]) * Double(row[k])
                    }
                }
            }
        }
        return sum / Double(grid.x * grid.y * grid.z)
    }
}
