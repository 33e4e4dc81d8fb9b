import Basics
import Foundation

/// The slab of cell in a simulated tomogram: two tilted, gently uneven surfaces.
public struct SimulatedLamella: Codable, Hashable, Sendable {
    /// z of the middle of the slab at the tomogram's middle column, in Å from the centre of the tomogram's first voxel.
    public let middleInAngstroms: Double
    public let thicknessInAngstroms: Double

    private struct Wave: Codable, Hashable {
        let x: Double
        let y: Double
        let phase: Double
        let amplitude: Double
    }

    private let centerX: Double
    private let centerY: Double
    private let slopeX: Double
    private let slopeY: Double
    private let bottomWaves: [Wave]
    private let topWaves: [Wave]

    init(_ parameters: SimulationParameters.Lamella, thickness: Double, grid: SimulationGrid, seed: UInt64) {
        var random = RandomStream(seed: seed, .lamella)
        let middle = (grid.tomogramRegion.lower + grid.tomogramRegion.upper) / 2
        middleInAngstroms = middle.z
        thicknessInAngstroms = thickness
        centerX = middle.x
        centerY = middle.y
        slopeX = tan((parameters.tiltAlongXInDegrees ?? 0) * Double.pi / 180)
        slopeY = tan((parameters.tiltAlongYInDegrees ?? 0) * Double.pi / 180)
        // Waves of 150-700 nm; a cosine of amplitude a has the variance a²/2.
        let count = 5
        let amplitude = parameters.roughnessInAngstroms * (2 / Double(count)).squareRoot()
        func waves() -> [Wave] {
            (0..<count).map { _ in
                let angle = random.uniform(0...Double.pi)
                let frequency = 2 * Double.pi / random.uniform(1500...7000)
                let phase = random.uniform(0...2 * Double.pi)
                return Wave(x: frequency * cos(angle), y: frequency * sin(angle), phase: phase, amplitude: amplitude)
            }
        }
        bottomWaves = waves()
        topWaves = waves()
    }

    /// The z between which the slab lies at (x, y), all in Å from the centre of the tomogram's first voxel. It may reach
    /// beyond the tomogram.
    public func extent(xInAngstroms x: Double, yInAngstroms y: Double) -> ClosedRange<Double> {
        let middle = middleInAngstroms + slopeX * (x - centerX) + slopeY * (y - centerY)
        func height(_ waves: [Wave]) -> Double {
            waves.reduce(0) { $0 + $1.amplitude * cos($1.x * x + $1.y * y + $1.phase) }
        }
        let bottom = middle - thicknessInAngstroms / 2 + height(bottomWaves)
        let top = middle + thicknessInAngstroms / 2 + height(topWaves)
        return bottom...max(bottom, top)
    }

    /// How far a point lies below the nearer surface, along z; negative in the vacuum.
    func depth(_ point: Point) -> Double {
        let extent = extent(xInAngstroms: point.x, yInAngstroms: point.y)
        return min(point.z - extent.lowerBound, extent.upperBound - point.z)
    }
}
