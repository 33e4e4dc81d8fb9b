import Foundation
import Tensors

/// One axis of the grids on which sheets are looked for.
///
/// Voxels are averaged in groups of `bin`, counted from the first voxel of the tomogram; then the Fourier transform of a tile is cut off, so that
/// a voxel of the search is about `coarsest` long, if those of the tomogram are shorter. Places are counted in groups:
///
/// ```
/// tomogram   |0 1|2 3|4 5|6 7|…      bin 2
/// groups       0   1   2   3         a tile has `length` of them, from `origin(of:)` on
/// search      0    1    2            `searched` voxels for the same length
/// ```
struct SheetAxis: Sendable {
    /// The voxels of the tomogram.
    let count: Int
    /// The length of a voxel in Å.
    let edge: Double
    /// The voxels of a group.
    let bin: Int
    /// The groups that tiles divide among each other.
    let groups: Range<Int>
    /// The tiles, and the groups that each of them answers for; the last one may have fewer.
    let tiles: Int
    let core: Int
    /// The groups around these that a tile sees at least.
    let halo: Int
    /// The transform of a tile in groups, and that of a tile of the search.
    let transform: FourierTransform
    let searchTransform: FourierTransform

    /// The groups of a tile.
    var length: Int { transform.length }
    /// The voxels of the search in a tile.
    var searched: Int { searchTransform.length }
    /// The groups in a voxel of the search, at least 1.
    var ratio: Double { Double(length) / Double(searched) }
    /// The length of a voxel of the search in Å.
    var spacing: Double { edge * Double(bin) * ratio }

    /// - Parameters:
    ///   - voxels: the voxels of the axis in which sheets are looked for.
    ///   - coarsest: the length in Å up to which voxels are averaged.
    ///   - halo: in Å.
    init(count: Int, edge: Double, voxels: Range<Int>, coarsest: Double, halo: Double, tiles: Int) {
        (self.count, self.edge) = (count, edge)
        let bin = min(max(1, Int(coarsest / edge)), count)
        self.bin = bin
        groups = voxels.lowerBound / bin..<(voxels.upperBound + bin - 1) / bin
        let wanted = max(1, min(tiles, groups.count))
        core = (groups.count + wanted - 1) / wanted
        self.tiles = (groups.count + core - 1) / core
        self.halo = Int((halo / (edge * Double(bin))).rounded(.up))
        transform = FourierTransform(lengthAtLeast: core + 2 * self.halo)
        let ratio = coarsest / (edge * Double(bin))
        // A few per cent are not worth a second grid.
        searchTransform =
            ratio < 1.05
            ? transform : FourierTransform(lengthAtLeast: Int((Double(transform.length) / ratio).rounded(.up)))
    }

    /// The groups of the whole axis.
    var groupCount: Int { (count + bin - 1) / bin }

    /// The groups that a tile answers for.
    func core(of tile: Int) -> Range<Int> {
        let first = groups.lowerBound + tile * core
        return first..<min(first + core, groups.upperBound)
    }

    /// The first group of a tile, which may lie before the tomogram.
    func origin(of tile: Int) -> Int { groups.lowerBound + tile * core - halo }

    /// The groups of a tile that the tomogram has.
    func present(in tile: Int) -> Range<Int> {
        max(0, origin(of: tile))..<min(groupCount, origin(of: tile) + length)
    }

    /// The group that stands for one that may lie beyond the tomogram: its mirror image on the tomogram's face, or the outermost group of the tile
    /// where that lies too far away.
    func mirrored(_ group: Int, in present: Range<Int>) -> Int {
        let period = 2 * groupCount
        let wrapped = (group % period + period) % period
        let image = wrapped < groupCount ? wrapped : period - 1 - wrapped
        return min(max(image, present.lowerBound), present.upperBound - 1)
    }

    /// The voxels of a group.
    func voxels(of groups: Range<Int>) -> Range<Int> { groups.lowerBound * bin..<min(groups.upperBound * bin, count) }

    /// The voxels of the search whose centres lie in groups that a tile answers for, and `margin` more on either side.
    func searchedCore(of tile: Int, margin: Int = 0) -> Range<Int> {
        let groups = core(of: tile)
        func first(_ group: Int) -> Int {
            Int(((Double(group - origin(of: tile)) - 0.5) / ratio).rounded(.up))
        }
        return (first(groups.lowerBound) - margin..<first(groups.upperBound) + margin).clamped(to: 0..<searched)
    }

    /// The place in the tomogram, in voxels from the centre of the first one, of a place in a tile of the search.
    func place(_ searched: Double, in tile: Int) -> Double {
        (Double(origin(of: tile)) + searched * ratio + 0.5) * Double(bin) - 0.5
    }

    /// The frequency in 1/Å of an index of the search's spectrum.
    func frequency(_ index: Int) -> Double {
        Double(2 * index > searched ? index - searched : index) / (Double(searched) * spacing)
    }

    /// The weights of the groups of a tile: 1, and a cosine's fall to 0 over the outer `width` Å, so that the periodic tile has no edge.
    func window(_ width: Double) -> [Float] {
        let ramp = max(1, min(Int(width / (edge * Double(bin))), halo / 2))
        return (0..<length).map { index in
            let depth = Double(min(index, length - 1 - index)) + 0.5
            guard depth < Double(ramp) else { return 1 }
            return Float(0.5 - 0.5 * cos(Double.pi * depth / Double(ramp)))
        }
    }
}
