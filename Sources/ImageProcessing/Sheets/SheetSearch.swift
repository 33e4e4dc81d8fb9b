public import Basics
import Foundation
import Tensors
public import Volumes

/// Looks for membranes as sheets in three dimensions, without labels and without a network: what tells a membrane from a row of proteins is that it
/// goes on over tens of nanometres.
///
/// ```swift
/// let search = try SheetSearch(shape: shape, voxelSize: voxelSize)
/// let ridges = try search.ridges(in: 40..<72) { box in … }          // densities, structures bright
/// let surface = ridges.surface(above: ridges.threshold)
/// let drawing = try SheetDrawing(shape: surface.shape, voxelSize: voxelSize, thicknessInAngstroms: 50)
/// let masks = drawing.masks(of: 0..<32) { surface.codes($0) }
/// ```
///
/// 1. Densities are resampled to voxels of four fifths of the filter's σ across a sheet, if theirs are shorter (``SheetAxis``).
/// 2. Filters for plates of all normals, in two widths, respond; each in units of its own noise (``SheetFilters``). The mean over all normals, times
///    two, is taken off.
/// 3. Ridges of the greatest response confirm each other along the sheet (``SheetVoting``).
/// 4. A threshold on these votes decides (``SheetRidges``).
///
/// The tomogram is worked on in tiles with a halo of 2.5 σ of the widest filter and 2 σ of the votes, along z too, so that the end of a slab is no
/// edge; beyond the tomogram it goes on as in a mirror. The noise is that of up to six tiles, the same for all. Other tiles give nearly the same
/// result: frequencies are cut off at slightly different places.
public struct SheetSearch: Sendable {
    /// The number of voxels of the tomogram along z, y and x.
    public let shape: VolumeShape
    public let voxelSize: VoxelSize
    public let parameters: SheetParameters
    private let bytes: Int

    /// The sides that tiles may have, in voxels of the search.
    private static let sides = [16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 512]
    /// The tiles of which the noise is taken, at most.
    private static let samples = 6
    /// The memory beyond which even the smallest tile is refused.
    private static let mostBytes = Double(2 << 30)

    /// - Parameter bytes: the memory for a tile and what is computed of it; a tile has no fewer than 16³ voxels and its halo, up to 2 GiB.
    public init(
        shape: VolumeShape, voxelSize: VoxelSize, parameters: SheetParameters, bytes: Int = 192 << 20
    ) {
        (self.shape, self.voxelSize, self.parameters, self.bytes) = (shape, voxelSize, parameters, bytes)
    }

    /// The ridges of sheets in some slices.
    ///
    /// - Parameters:
    ///   - slices: the slices; others are read as well.
    ///   - read: gives the densities of a box `[z][y][x]`, structures bright, all finite. It is called on the calling thread.
    ///   - progress: gets the number of tiles that are done, and that of all.
    /// - Throws: ``ImageError`` where the slices do not lie in the tomogram, or are too many; what `read` and `progress` throw.
    /// - Complexity: for each voxel of the search, with its halo, an inverse Fourier transform for each filter (64) and, where there is a ridge, 1000
    ///   additions; on all cores. Memory is the tile's, and eight bytes for each ridge, of which at most 2²⁴ are kept.
    public func ridges(
        in slices: Range<Int>, read: (Box) throws -> [Float], progress: (_ done: Int, _ of: Int) throws -> Void = { _, _ in }
    ) throws -> SheetRidges {
        guard let box = shape.slices(slices) else {
            throw ImageError(
                .invalidSize,
                "the slices \(slices) do not lie in a tomogram of \(shape) voxels; give slices within 0..<\(shape.z)")
        }
        var result = try SheetRidges(shape: box.shape)
        let (z, y, x) = axes(slices)
        let need = memory(z, y, x)
        guard need <= Self.mostBytes else {
            throw ImageError(
                .invalidParameter,
                "filters so long for their width across a sheet need \((need / Double(1 << 30)).rounded()) GiB: make width.along and width.voting "
                    + "shorter, or width.across wider")
        }
        let filters = SheetFilters(z: z, y: y, x: x, parameters)
        let voting = SheetVoting(z: z, y: y, x: x, parameters)
        let rim = 3 * parameters.normalWidth
        let window = (z.window(rim), y.window(rim), x.window(rim))
        let tiles = (0..<z.tiles * y.tiles * x.tiles).map { index in
            SheetTilePlace(z: index / (y.tiles * x.tiles), y: index / x.tiles % y.tiles, x: index % x.tiles)
        }
        // The noise, by some tiles that are spread evenly.
        var power = SheetPower(z: z, y: y, x: x)
        let sampled = (0..<min(Self.samples, tiles.count)).map { $0 * tiles.count / min(Self.samples, tiles.count) }
        var (kept, count): (FourierVolume?, Int) = (nil, 0)
        // Then all others, as long as tiles are constant: padding says nothing of the noise.
        for index in sampled + tiles.indices.filter({ !sampled.contains($0) }) where count < sampled.count {
            try progress(0, tiles.count)
            guard let (spectrum, part) = try filters.spectrum(of: tiles[index], window, read: read) else { continue }
            power.add(spectrum, part: part)
            count += 1
            kept = tiles.count == 1 ? spectrum : nil
        }
        let deviations = filters.deviations(power)
        guard deviations.contains(where: { $0 > 0 }) else { return result }
        for (index, tile) in tiles.enumerated() {
            try progress(index, tiles.count)
            guard let spectrum = try kept ?? filters.spectrum(of: tile, window, read: read)?.volume else { continue }
            let responses = filters.responses(spectrum, deviations, parameters.isotropy)
            let found = voting.ridges(
                of: responses, z: z.searchedCore(of: tile.z), y: y.searchedCore(of: tile.y), x: x.searchedCore(of: tile.x))
            for ridge in found {
                let place = SIMD3(
                    x.place(ridge.place.x, in: tile.x), y.place(ridge.place.y, in: tile.y),
                    z.place(ridge.place.z, in: tile.z) - Double(slices.lowerBound))
                result.add(place, votes: ridge.votes)
            }
        }
        try progress(tiles.count, tiles.count)
        return result
    }

    /// The surface of a tomogram without any structure: no place.
    public func nothing(in slices: Range<Int>) throws(ImageError) -> SheetSurface {
        guard let box = shape.slices(slices) else {
            throw ImageError(
                .invalidSize,
                "the slices \(slices) do not lie in a tomogram of \(shape) voxels; give slices within 0..<\(shape.z)")
        }
        return try SheetRidges(shape: box.shape).surface(above: 0)
    }

    /// The bytes of a tile, and of the tables of votes.
    private func memory(_ z: SheetAxis, _ y: SheetAxis, _ x: SheetAxis) -> Double {
        let searched = Double(z.searched) * Double(y.searched) * Double(x.searched)
        let groups = Double(z.length) * Double(y.length) * Double(x.length)
        let volume = z.spacing * y.spacing * x.spacing
        let widths = SheetVoting.widths(parameters, spacing: cbrt(volume))
        let radius = SheetVoting.extent * widths.along
        let neighbours = Double.pi * radius * radius * 2 * SheetVoting.extent * widths.across / volume
        return max(4 * groups + 5 * searched, 22 * searched) + 16 * neighbours * Double(parameters.directions.count)
    }

    /// The grids and the tiles: those that cost the least and fit into the memory.
    func axes(_ slices: Range<Int>) -> (z: SheetAxis, y: SheetAxis, x: SheetAxis) {
        let coarsest = 0.8 * parameters.normalWidth
        let edges = voxelSize.vectorInAngstroms
        let spacing = max(coarsest, edges.max())
        let longest = max(parameters.tangentialWidths.max() ?? 0, parameters.normalWidth, 0.8 * spacing)
        let halo =
            2.5 * longest + SheetVoting.extent * SheetVoting.widths(parameters, spacing: spacing).along + 2 * spacing
        func axis(_ count: Int, _ edge: Double, _ voxels: Range<Int>, side: Int) -> SheetAxis {
            let tiles = Int((Double(voxels.count) * edge / (Double(side) * max(coarsest, edge))).rounded(.up))
            return SheetAxis(count: count, edge: edge, voxels: voxels, coarsest: coarsest, halo: halo, tiles: tiles)
        }
        let inPlane = Self.sides.map { side in
            (axis(shape.y, edges.y, 0..<shape.y, side: side), axis(shape.x, edges.x, 0..<shape.x, side: side))
        }
        var best: (axes: (SheetAxis, SheetAxis, SheetAxis), cost: Double, fits: Bool)?
        for z in Self.sides.map({ axis(shape.z, edges.z, slices, side: $0) }) {
            for (y, x) in inPlane {
                let searched = Double(z.searched * y.searched * x.searched)
                let groups = Double(z.length * y.length * x.length)
                let fits = max(4 * groups + 5 * searched, 22 * searched) <= Double(bytes)
                // Where nothing fits, the smallest tile has to.
                let cost = fits ? searched * Double(z.tiles * y.tiles * x.tiles) : groups + searched
                if let best, best.fits && !fits || best.fits == fits && best.cost <= cost { continue }
                best = ((z, y, x), cost, fits)
            }
        }
        return best?.axes ?? (
            axis(shape.z, edges.z, slices, side: 16), axis(shape.y, edges.y, 0..<shape.y, side: 16),
            axis(shape.x, edges.x, 0..<shape.x, side: 16)
        )
    }
}
