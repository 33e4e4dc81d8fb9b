import Basics
import Foundation
import Volumes

/// The lamella of a simulated tomogram: the part of the cell between two tilted, slightly wavy surfaces. Beyond them there is
/// vacuum.
public struct SimulatedLamella: Codable, Hashable, Sendable {
    /// The z coordinate of the middle of the lamella at the middle of the tomogram's xy plane, in Å from the centre of the
    /// tomogram's first voxel.
    public let middleInAngstroms: Double
    /// The mean distance between the two surfaces along z, in Å.
    public let thicknessInAngstroms: Double

    private let centerX: Double
    private let centerY: Double
    private let slopeX: Double
    private let slopeY: Double
    private let bottomWaves: [SurfaceWave]
    private let topWaves: [SurfaceWave]

    init(_ parameters: SimulationParameters.Lamella, thickness: Double, grid: SimulationGrid, seed: UInt64) {
        var random = RandomStream(seed: seed, .lamella)
        let middle = (grid.tomogramRegion.lower + grid.tomogramRegion.upper) / 2
        middleInAngstroms = middle.z
        thicknessInAngstroms = thickness
        centerX = middle.x
        centerY = middle.y
        slopeX = tan((parameters.tiltAlongXInDegrees ?? 0) * Double.pi / 180)
        slopeY = tan((parameters.tiltAlongYInDegrees ?? 0) * Double.pi / 180)
        // Wavelengths of 150-700 nm. A cosine of amplitude a has the variance a²/2; the five variances add up to roughness².
        let count = 5
        let amplitude = parameters.roughnessInAngstroms * (2 / Double(count)).squareRoot()
        func waves() -> [SurfaceWave] {
            (0..<count).map { _ in
                let angle = random.uniform(0...Double.pi)
                let frequency = 2 * Double.pi / random.uniform(1500...7000)
                let phase = random.uniform(0...2 * Double.pi)
                return SurfaceWave(x: frequency * cos(angle), y: frequency * sin(angle), phase: phase, amplitude: amplitude)
            }
        }
        bottomWaves = waves()
        topWaves = waves()
    }

    /// The range of z that the lamella covers at (x, y), all in Å from the centre of the tomogram's first voxel. It may extend
    /// beyond the tomogram.
    public func extent(xInAngstroms x: Double, yInAngstroms y: Double) -> ClosedRange<Double> {
        let middle = middleInAngstroms + slopeX * (x - centerX) + slopeY * (y - centerY)
        let bottom = middle - thicknessInAngstroms / 2 + bottomWaves.height(x, y)
        let top = middle + thicknessInAngstroms / 2 + topWaves.height(x, y)
        return bottom...max(bottom, top)
    }

    /// The distance of a point from the nearer surface along z, in Å: positive inside, negative in the vacuum.
    func depth(_ point: Point) -> Double {
        let extent = extent(xInAngstroms: point.x, yInAngstroms: point.y)
        return min(point.z - extent.lowerBound, extent.upperBound - point.z)
    }
}

/// The two surfaces of a lamella, tabulated for each column (x, y) of a grid.
struct LamellaSurfaces: Sendable {
    private let bottom: [Float]
    private let top: [Float]
    private let grid: SimulationGrid

    init(_ lamella: SimulatedLamella, grid: SimulationGrid) {
        self.grid = grid
        var bottom: [Float] = []
        var top: [Float] = []
        bottom.reserveCapacity(grid.x * grid.y)
        top.reserveCapacity(grid.x * grid.y)
        for y in 0..<grid.y {
            for x in 0..<grid.x {
                let column = grid.position(x: x, y: y, z: 0)
                let extent = lamella.extent(xInAngstroms: column.x, yInAngstroms: column.y)
                bottom.append(Float(extent.lowerBound))
                top.append(Float(extent.upperBound))
            }
        }
        self.bottom = bottom
        self.top = top
    }

    /// The heights of the surfaces over the tomogram.
    var heights: SurfaceHeights {
        func inField(_ heights: [Float]) -> [Float] {
            (grid.marginY..<grid.marginY + grid.shape.y).flatMap { y in
                heights[y * grid.x + grid.marginX..<y * grid.x + grid.marginX + grid.shape.x].map { $0 / Float(grid.voxelSize) }
            }
        }
        return SurfaceHeights(x: grid.shape.x, y: grid.shape.y, lower: inField(bottom), upper: inField(top))
    }

    /// The lowest z of the lower surface, in Å.
    var lowest: Double { bottom.min().map(Double.init) ?? 0 }

    /// The highest z of the upper surface, in Å.
    var highest: Double { top.max().map(Double.init) ?? 0 }

    /// The distance of a voxel's centre from the nearer surface along z, in Å: positive inside, negative in the vacuum.
    @inline(__always)
    func depth(x: Int, y: Int, z: Int) -> Float {
        let column = y * grid.x + x
        let height = Float(Double(z - grid.marginZ) * grid.voxelSize)
        return min(height - bottom[column], top[column] - height)
    }

    /// The fraction 0 … 1 of a voxel, along z, that is inside the lamella.
    @inline(__always)
    func coverage(x: Int, y: Int, z: Int) -> Float {
        min(1, max(0, 0.5 + depth(x: x, y: y, z: z) / Float(grid.voxelSize)))
    }
}

extension SimulationCanvas {
    /// Sets voxels outside the lamella to the compartment vacuum and the label background.
    ///
    /// - Complexity: one pass over the voxels of the grid, on all cores.
    mutating func markVacuum(around lamella: LamellaSurfaces) {
        drawInBands { band in
            for z in band.slices {
                for y in 0..<band.grid.y {
                    let row = band.row(z, y)
                    for x in 0..<band.grid.x where lamella.coverage(x: x, y: y, z: z) < 0.5 {
                        band.labels[row + x] = SimulationClass.background.rawValue
                        band.compartments[row + x] = Compartment.vacuum.rawValue
                    }
                }
            }
        }
    }

    /// Sets the density outside the lamella to that of vacuum; a voxel that a surface crosses gets the weighted mean.
    ///
    /// - Complexity: one pass over the voxels of the grid, on all cores.
    mutating func emptyVacuum(around lamella: LamellaSurfaces) {
        drawInBands { band in
            for z in band.slices {
                for y in 0..<band.grid.y {
                    let row = band.densityRow(z, y)
                    for x in 0..<band.grid.x {
                        let inside = lamella.coverage(x: x, y: y, z: z)
                        guard inside < 1 else { continue }
                        band.density[row + x] = inside * band.density[row + x] + (1 - inside) * Float(Density.vacuum)
                    }
                }
            }
        }
    }
}
