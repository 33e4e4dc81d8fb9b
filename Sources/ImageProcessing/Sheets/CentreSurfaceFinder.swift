public import Basics
import Dispatch
public import Volumes

/// Finds the centre surface of sheets in a mask that is added slice by slice, from the first slice to the last.
///
/// ```swift
/// var finder = CentreSurfaceFinder(shape: shape, voxelSize: voxelSize)
/// for z in 0..<shape.z {
///     for codes in try finder.add(mask(z)) { … }         // the next finished slices of ``CentreSurface`` codes
/// }
/// ```
///
/// The surface is the ridge of the signed distance to the mask's border, which is a tent over a sheet of any thickness: so one
/// setting serves thin and thick sheets. Ridges are found as lines are by C. Steger, *An unbiased detector of curvilinear
/// structures*, IEEE PAMI 20 (1998): of the distance after a Gaussian of one voxel, n is the direction of the strongest negative
/// curvature λ, and the ridge lies (∇·n) / λ away along −n, which is in the voxel or not. A tent has λ = −0.74 per voxel; only
/// where λ is below −0.5 there is a ridge, which keeps branches to bumps and edges of the mask out. Where sheets cross, and in
/// the middle of a blob, peaks of the distance count as well.
///
/// What a slice gets depends on the mask at most ``reach`` slices away, so slabs of any height give the same, and memory is that
/// of a slab: one bit for each voxel of `slabHeight` slices and twice the reach, and 30 MB for each core. Sheets that are more
/// than 400 Å or 64 voxels thick, whichever is less but at least 16 voxels, have no centre surface. At the border of the volume a sheet goes on, as in a
/// mirror.
public struct CentreSurfaceFinder: Sendable {
    /// The number of voxels along z, y and x.
    public let shape: VolumeShape
    /// The number of slices on either side that a slice depends on.
    public var reach: Int { search.reach }

    private let search: RidgeSearch
    private let slabHeight: Int
    /// The slices from ``first`` on that are still needed.
    private var window: [PackedSlice] = []
    private var first = 0
    /// The number of slices that were added, and of those that were given out.
    private var (added, given) = (0, 0)

    /// - Parameters:
    ///   - shape: the shape of the volume.
    ///   - voxelSize: the voxel size; distances honour it along each axis.
    ///   - slabHeight: the slices that are computed at a time, at least 1. It changes time and memory, not the result.
    public init(shape: VolumeShape, voxelSize: VoxelSize, slabHeight: Int = 64) {
        self.shape = shape
        self.slabHeight = max(1, slabHeight)
        search = RidgeSearch(shape: shape, voxelSize: voxelSize)
    }

    /// Adds the next slice of the mask.
    ///
    /// - Returns: the next slices of the surface that are known now, in order: none for most slices, and after the last one all
    ///   that remain.
    /// - Throws: ``ImageError`` where the slice has another size, or the volume is full.
    /// - Complexity: on one core 40 million voxels a second where one of 14 is foreground, 60 million where one of 40 is. Slabs
    ///   are computed on all cores.
    public mutating func add(_ mask: Mask) throws(ImageError) -> [Image<UInt8>] {
        guard mask.height == shape.y, mask.width == shape.x, added < shape.z else {
            throw ImageError(
                .invalidSize,
                "slice \(added) of \(mask.width) × \(mask.height) pixels does not fit a volume of \(shape) voxels; "
                    + "give \(shape.z) slices of \(shape.x) × \(shape.y)")
        }
        window.append(PackedSlice(mask))
        added += 1
        var result: [Image<UInt8>] = []
        while given < shape.z, added == shape.z || added - given >= slabHeight + reach {
            let slab = given..<min(given + slabHeight, shape.z)
            result += codes(of: slab)
            given = slab.upperBound
            let unneeded = max(0, min(given - reach - first, window.count))
            window.removeFirst(unneeded)
            first += unneeded
        }
        return result
    }

    /// The codes of some slices, tile by tile, on all cores.
    private func codes(of slab: Range<Int>) -> [Image<UInt8>] {
        let (side, height, width) = (RidgeSearch.tileSide, shape.y, shape.x)
        let rows = stride(from: 0, to: height, by: side).map { $0..<min($0 + side, height) }
        let columns = stride(from: 0, to: width, by: side).map { $0..<min($0 + side, width) }
        var values = [UInt8](repeating: 0, count: slab.count * height * width)
        values.withUnsafeMutableBufferPointer { values in
            // Safe, because each iteration writes the voxels of its own tile.
            nonisolated(unsafe) let values = values
            DispatchQueue.concurrentPerform(iterations: rows.count * columns.count) { index in
                let (y, x) = (rows[index / columns.count], columns[index % columns.count])
                search.find(in: window, from: first, z: slab, y: y, x: x, values)
            }
        }
        return slab.indices.map { z in
            let start = (z - slab.lowerBound) * height * width
            return Image(uncheckedHeight: height, width: width) { slice in
                values.withUnsafeBufferPointer { values in
                    _ = slice.update(fromContentsOf: UnsafeBufferPointer(rebasing: values[start..<start + height * width]))
                }
            }
        }
    }
}
