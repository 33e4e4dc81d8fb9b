import Dispatch
import Volumes

/// The voxels in which a cell takes shape: density, label and compartment of each, over the whole grid.
///
/// Density is kept as a ``FourierVolume``, whose rows are padded; labels and compartments are `[z][y][x]` without padding.
struct SimulationCanvas: Sendable {
    let grid: SimulationGrid
    var density: FourierVolume
    var labels: [UInt8]
    /// The raw values of ``Compartment``; `occupied` is added where a particle or filament has been placed.
    var compartments: [UInt8]

    /// The bit of `compartments` that says that a voxel is taken.
    static let occupied: UInt8 = 0x80

    /// Water everywhere, and nothing in it.
    init(grid: SimulationGrid) {
        self.grid = grid
        density = grid.emptyVolume()
        labels = [UInt8](repeating: SimulationClass.background.rawValue, count: grid.count)
        compartments = [UInt8](repeating: Compartment.cytosol.rawValue, count: grid.count)
    }

    /// The labels of the tomogram, without its margins.
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

    /// The voxels of one band of slices, which one thread writes.
    struct Band {
        let grid: SimulationGrid
        let slices: Range<Int>
        let density: UnsafeMutableBufferPointer<Float>
        let densityStride: Int
        let labels: UnsafeMutableBufferPointer<UInt8>
        let compartments: UnsafeMutableBufferPointer<UInt8>

        /// The index of a row's first voxel in `labels` and `compartments`.
        @inline(__always)
        func row(_ z: Int, _ y: Int) -> Int { (z * grid.y + y) * grid.x }

        /// The index of a row's first voxel in `density`.
        @inline(__always)
        func densityRow(_ z: Int, _ y: Int) -> Int { (z * grid.y + y) * densityStride }
    }

    /// The slices of a band: a multiple of the blocks by which membranes are drawn. Bands do not depend on the number of
    /// threads, and a voxel receives what is drawn into it in one order, whatever the threads do.
    static let bandHeight = 8

    /// Calls the closure for each band, several at once. It may write the voxels of its band and no others.
    mutating func drawInBands(_ draw: @Sendable (Band) -> Void) {
        let grid = grid
        let stride = density.rowStride
        density.values.withUnsafeMutableBufferPointer { density in
            labels.withUnsafeMutableBufferPointer { labels in
                compartments.withUnsafeMutableBufferPointer { compartments in
                    // Each thread writes its own slices.
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
