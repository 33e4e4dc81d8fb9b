import Dispatch
import Tensors
import Volumes

/// The volumes into which the structures of a cell are drawn: density, label and compartment of each voxel of the grid.
///
/// The density is a ``FourierVolume``, whose rows are padded; labels and compartments are `[z][y][x]` without padding.
struct SimulationCanvas: Sendable {
    let grid: SimulationGrid
    var density: FourierVolume
    /// The raw values of ``SimulationClass``.
    var labels: [UInt8]
    /// The raw values of ``Compartment``; the bit ``occupied`` is set where a particle, filament or bead has been placed.
    var compartments: [UInt8]

    /// The bit of `compartments` that marks occupied voxels.
    static let occupied: UInt8 = 0x80

    /// An empty canvas: density zero (water), the label background and the compartment cytosol everywhere.
    init(grid: SimulationGrid) {
        self.grid = grid
        density = grid.emptyVolume()
        labels = [UInt8](repeating: SimulationClass.background.rawValue, count: grid.count)
        compartments = [UInt8](repeating: Compartment.cytosol.rawValue, count: grid.count)
    }

    /// The labels of the tomogram, uint8 `[z][y][x]`, without the margins.
    func tomogramLabels() -> VoxelBuffer {
        VoxelBuffer(shape: grid.shape, scalarType: .uint8) { bytes in
            var target = 0
            for z in grid.marginZ..<grid.marginZ + grid.shape.z {
                for y in grid.marginY..<grid.marginY + grid.shape.y {
                    let first = (z * grid.y + y) * grid.x + grid.marginX
                    for x in first..<first + grid.shape.x {
                        bytes[target] = labels[x]
                        target += 1
                    }
                }
            }
        }
    }

    /// A band of consecutive slices, which one thread writes. The buffers hold the whole grid.
    struct Band {
        let grid: SimulationGrid
        let slices: Range<Int>
        let density: UnsafeMutableBufferPointer<Float>
        let densityStride: Int
        let labels: UnsafeMutableBufferPointer<UInt8>
        let compartments: UnsafeMutableBufferPointer<UInt8>

        /// The index of the first voxel of row (z, y) in `labels` and `compartments`.
        @inline(__always)
        func row(_ z: Int, _ y: Int) -> Int { (z * grid.y + y) * grid.x }

        /// The index of the first voxel of row (z, y) in `density`.
        @inline(__always)
        func densityRow(_ z: Int, _ y: Int) -> Int { (z * grid.y + y) * densityStride }
    }

    /// The number of slices of a band: a multiple of the side of the blocks in which membranes are drawn. Bands do not depend on
    /// the number of threads, and the structures in a voxel are always added in the same order, so that the sums are the same.
    static let bandHeight = 8

    /// Calls the closure for each band, on several threads at once. The closure may write only the voxels of its band.
    mutating func drawInBands(_ draw: @Sendable (Band) -> Void) {
        let grid = grid
        let stride = density.rowStride
        density.values.withUnsafeMutableBufferPointer { density in
            labels.withUnsafeMutableBufferPointer { labels in
                compartments.withUnsafeMutableBufferPointer { compartments in
                    // Safe, because each call writes only its own slices.
                    nonisolated(unsafe) let voxels = (density, labels, compartments)
                    DispatchQueue.concurrentPerform(iterations: (grid.z + Self.bandHeight - 1) / Self.bandHeight) { index in
                        let first = index * Self.bandHeight
                        draw(
                            Band(
                                grid: grid, slices: first..<min(first + Self.bandHeight, grid.z), density: voxels.0,
                                densityStride: stride, labels: voxels.1, compartments: voxels.2))
                    }
                }
            }
        }
    }
}

extension SimulationCanvas {
    /// Half of a voxel's diagonal, in Å. Balls are tested and marked with a radius that is larger by this much, so that two
    /// balls that overlap between voxel centres are noticed.
    var slack: Double { 0.5 * 3.0.squareRoot() * grid.voxelSize }

    /// The compartment at a point, or nil outside the grid and in occupied voxels.
    func freeCompartment(at point: Point) -> Compartment? {
        voxel(at: point).flatMap { Compartment(rawValue: compartments[$0]) }
    }

    /// The compartment at a point, occupied or not; nil outside the grid.
    func compartment(at point: Point) -> Compartment? {
        voxel(at: point).flatMap { Compartment(rawValue: compartments[$0] & ~Self.occupied) }
    }

    /// Whether the voxel nearest to a point is a membrane in the lamella.
    func isMembrane(at point: Point) -> Bool {
        voxel(at: point).map { labels[$0] == SimulationClass.membrane.rawValue } ?? false
    }

    /// The index of the voxel nearest to a point, or nil outside the grid.
    private func voxel(at point: Point) -> Int? {
        let index = grid.index(of: point).rounded(.toNearestOrAwayFromZero)
        guard index.x >= 0, index.y >= 0, index.z >= 0, index.x < Double(grid.x), index.y < Double(grid.y),
            index.z < Double(grid.z)
        else { return nil }
        return (Int(index.z) * grid.y + Int(index.y)) * grid.x + Int(index.x)
    }

    /// Whether the part of a ball inside the grid lies entirely in this compartment, without membranes and occupied voxels.
    ///
    /// - Complexity: the voxels of the ball.
    func isFree(_ compartment: Compartment, within radius: Double, of point: Point) -> Bool {
        var isFree = true
        compartments.withUnsafeBufferPointer { compartments in
            labels.withUnsafeBufferPointer { labels in
                grid.forEachVoxel(within: radius + slack, of: point, slices: 0..<grid.z) { z, y, x in
                    let index = (z * grid.y + y) * grid.x + x
                    isFree = compartments[index] == compartment.rawValue && labels[index] != SimulationClass.membrane.rawValue
                    return isFree
                }
            }
        }
        return isFree
    }

    /// Whether no voxel of a ball is occupied.
    func isUntaken(within radius: Double, of point: Point) -> Bool {
        var isUntaken = true
        grid.forEachVoxel(within: radius + slack, of: point, slices: 0..<grid.z) { z, y, x in
            isUntaken = compartments[(z * grid.y + y) * grid.x + x] & Self.occupied == 0
            return isUntaken
        }
        return isUntaken
    }

    /// Marks the voxels of a ball as occupied.
    mutating func occupy(within radius: Double, of point: Point) {
        let grid = grid
        let slack = slack
        compartments.withUnsafeMutableBufferPointer { compartments in
            grid.forEachVoxel(within: radius + slack, of: point, slices: 0..<grid.z) { z, y, x in
                compartments[(z * grid.y + y) * grid.x + x] |= Self.occupied
                return true
            }
        }
    }
}

/// Electrostatic potentials relative to water, in units of the difference between protein and water. Rounded from mean inner
/// potentials; the image depends only on their ratios.
enum Density {
    static let headGroups = 1.1
    static let lipidTails = -0.35
    static let protein = 1.0
    /// A ribosome is two thirds RNA, which is denser than protein.
    static let ribosome = 1.35
    static let vacuum = -1.6
    static let gold = 12.0
}
