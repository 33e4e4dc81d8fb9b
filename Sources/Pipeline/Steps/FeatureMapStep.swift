import BlobStore
public import CatalogSchema
public import Engine
package import ImageProcessing
import Volumes

/// Merges the eigenvectors of each tile to one map, bright where there is structure, and stitches the maps of the tiles to one of the slice.
///
/// The base is the first eigenvector, or the most diverse one. Another eigenvector is merged into it where both are similar, the diversity
/// rises and the number of contours does not. The output `log` records the decision about each of them.
///
/// By default each tile is scaled to 0 … 1 by itself. With one scale for a slice or a slab, the map of a tile is first fitted to
/// the density of its tokens (``DensityFit``), so that an empty tile is not as bright as a full one. The scale of a slab is
/// applied by the step `consistency`, which sees all of its slices.
public struct FeatureMapStep: TypedStep {
    public static let name = "feature-map"
    public static let version = 1
    public static let scope = ScopeKind.slice
    public static let summary = "eigenvectors merged to one map of the slice"
    public static let runsOnlyWhereRead = true

    public struct Parameters: Sendable {
        let source = Parameter<Source>.choice(
            "source", default: .eigenvectors,
            "what the map is made of: eigenvectors, or the darkness of the smoothed slice, to compare with")
        let smoothing = Parameter.real(
            "smoothing", default: 2, in: 0.3...50,
            "σ in pixels of the slice, of a map of intensity, and of the guide of upsampling")
        let scale = Parameter<Scale>.choice(
            "scale.of", default: .tile,
            "what shares one scale: a tile, by its map's values; a slice or slab, by densities that maps are fitted to")
        let lowerPercentile = Parameter.real(
            "scale.lower_percentile", default: 1, in: 0...49, "value of an eigenvector that becomes 0, as percentile")
        let upperPercentile = Parameter.real(
            "scale.upper_percentile", default: 99, in: 51...100, "value of an eigenvector that becomes 1, as percentile")
        let diversityPatch = Parameter.integer(
            "diversity.patch", default: 8, in: 2...64, "side of the patches over which diversity is taken, in tokens")
        let base = Parameter<Base>.choice(
            "merge.base", default: .eigenvalue, "the eigenvector that others are merged into: the first, or the most diverse")
        let similarity = Parameter<GreedyMerge.Similarity>.choice(
            "merge.similarity", default: .overlap, "how eigenvectors are compared: Dice of what is bright, or SSIM")
        let threshold = Parameter.real(
            "merge.threshold", default: 0.5, in: 0...1, "similarity from which eigenvectors may be merged")
        let candidates = Parameter.integer(
            "candidates", default: 20, in: 1...256, "how many eigenvectors are looked at, from the first")
        let floor = Parameter.real(
            "floor", default: 0, in: 0...1,
            "part of a tile's variance of density, explained by its map and no noise, below which its contrast fades; 0 for never"
        )
        let join = Parameter<TileStitching.Join>.choice(
            "join", default: .separate, "how tiles meet: each enlarged by itself, or tokens interpolated across borders")
        let upsampling = Parameter<Upsampling>.choice(
            "upsampling.method", default: .bilinear, "from tokens to pixels: bilinear, or then along edges of the slice as well")
        let radius = Parameter.real(
            "upsampling.radius", default: 2, in: 0.1...64, "of the guided filter, in tokens on either side of the middle")
        let epsilon = Parameter.real(
            "upsampling.epsilon", default: 0.01, in: 1e-6...1,
            "variance of the slice's density, of black and white 1 apart, up to which the guided filter takes it for flat")
    }
    public struct Inputs: Sendable {
        let slice = Input(PrepareStep.self, \.slice)
        let eigenvectors = Input(EigenvectorsStep.self, \.eigenvectors)
    }
    public struct Outputs: Sendable {
        package let map = ArtifactOutput<FeatureMap>("map", evictable: true)
        package let log = ValueOutput<[MergeLog?]>("log")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    /// The source of the map: eigenvectors, or the darkness of the smoothed slice as a baseline.
    enum Source: String, CaseIterable, Sendable { case eigenvectors, intensity }
    /// The eigenvector into which others are merged: the first, or the most diverse.
    enum Base: String, CaseIterable, Sendable { case eigenvalue, diversity }
    /// What shares one scale of its maps.
    enum Scale: String, CaseIterable, Sendable { case tile, slice, slab }
    /// The way from tokens to pixels.
    enum Upsampling: String, CaseIterable, Sendable { case bilinear, guided }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let slice = try item.inputs.slice
        if try item.parameters.source == .intensity { return try giveIntensity(item, slice) }
        let eigenvectors = try item.inputs.eigenvectors
        if eigenvectors.isSkipped { return try giveNothing(item, slice) }
        let tiles = try slice.tiles()
        let scaling = try MapScaling(
            lowerPercent: item.parameters.lowerPercentile, upperPercent: item.parameters.upperPercentile)
        let merge = try GreedyMerge(
            similarity: item.parameters.similarity, threshold: item.parameters.threshold,
            diversity: DiversityScore(patchSize: item.parameters.diversityPatch), scaling: scaling)
        let candidates = try item.parameters.candidates
        let base = try item.parameters.base == .eigenvalue ? 0 : nil

        let (scale, floor) = (try item.parameters.scale, try item.parameters.floor)
        let isFitted = scale != .tile || floor > 0
        var maps: [TileMap] = []
        for (index, tile) in tiles.enumerated() {
            try item.checkCancellation()
            let vectors = try eigenvectors.maps(tile: index)
            guard !vectors.isEmpty else {
                let (height, width) = try eigenvectors.gridSize()
                guard let nothing = Image<Float>(height: height, width: width, repeating: 0) else { return }
                maps.append(TileMap(map: nothing))
                continue
            }
            // Structures are dark in a prepared slice.
            let orientation = MapOrientation(density: tile.map { 255 - Float($0) })
            let oriented = try vectors.prefix(candidates).map { try orientation($0).map }
            let merged = try merge(oriented, base: base)
            let fit = isFitted ? try DensityFit(map: merged.map, density: tile.map(Self.density)) : nil
            maps.append(TileMap(map: merged.map, log: merged.log, fit: fit, contrast: fit?.contrast(floor: floor) ?? 1))
        }
        let scaled: (maps: [Image<Float>], scale: ClosedRange<Float>?) =
            scale == .tile ? (maps.map(\.faded), nil) : Self.fitted(maps, by: scaling, isScaled: scale == .slice)
        let (height, width, regions) = try slice.geometry()
        var map = try TileStitching(height: height, width: width, tiles: regions, join: item.parameters.join)(scaled.maps)
        if try item.parameters.upsampling == .guided, let region = regions.first, let tokens = maps.first?.map.height {
            map = try guided(map, pixelsPerToken: Double(region.height) / Double(tokens), slice, item)
        }
        // nil for tiles whose tokens are all alike.
        let logs = maps.map(\.log)
        try item.give(\.map) { try FeatureMap.write(map, scale: scaled.scale, to: $0) }
        try item.give(\.log, logs)
        item.record("merged", Double(logs.compactMap(\.self).reduce(0) { $0 + $1.decisions.count { $0.outcome == .merged } }))
        item.record("diversity", logs.compactMap(\.self).reduce(0) { $0 + $1.finalDiversity } / Double(max(logs.count, 1)))
        if isFitted {
            let fits = maps.compactMap(\.fit)
            item.record("explained", fits.reduce(0) { $0 + $1.explainedPart } / Double(max(fits.count, 1)))
            item.record("contrast", maps.reduce(0) { $0 + $1.contrast } / Double(max(maps.count, 1)))
        }
    }

    /// The merged map of one tile, and what is known of it.
    private struct TileMap {
        /// `[row][column]` over its tokens, 0 … 1 by its own percentiles.
        let map: Image<Float>
        /// nil where all tokens are alike: the tile is empty.
        var log: MergeLog?
        /// nil where the tile is empty, or nobody asked.
        var fit: DensityFit?
        /// The part of its contrast that it keeps, 0 … 1.
        var contrast = 0.0

        /// The map with the contrast that it keeps; 0 is the darkest.
        var faded: Image<Float> { contrast == 1 ? map : map.map { Float(contrast) * $0 } }
    }

    /// The density of a pixel of a prepared slice: 0 for white, 1 for black.
    private static func density(_ pixel: UInt8) -> Float { 1 - Float(pixel) / 255 }

    /// The maps as densities of their tiles, with the contrast that they keep, and the range of densities that becomes 0 … 1.
    /// Empty tiles are 0.
    ///
    /// - Parameter isScaled: whether the maps are scaled from that range; the range is then nil. It is nil, too, where all tiles
    ///   are empty.
    private static func fitted(
        _ maps: [TileMap], by scaling: MapScaling, isScaled: Bool
    ) -> (maps: [Image<Float>], scale: ClosedRange<Float>?) {
        let densities = maps.map { tile in tile.fit.map { $0(tile.map, contrast: tile.contrast) } }
        let range = scaling.ends(of: densities.compactMap(\.self))
        let shown = zip(maps, densities).map { tile, density in
            guard let density, let range else { return tile.map.map { _ in Float(0) } }
            return isScaled ? MapScaling.scale(density, from: range) : density
        }
        return (shown, isScaled ? nil : range)
    }

    /// The map smoothed along the edges of the slice; not beyond 0 … 1.
    private func guided(
        _ map: Image<Float>, pixelsPerToken: Double, _ slice: PreparedSlice, _ item: Item<Self>
    ) throws -> Image<Float> {
        let radius = try Int((item.parameters.radius * pixelsPerToken).rounded())
        let radii = GuidedFilter.radii
        let filter = try GuidedFilter(
            radius: min(max(radius, radii.lowerBound), radii.upperBound), epsilon: item.parameters.epsilon)
        let guide = try slice.image().map(Self.density).blurred(by: GaussianKernel(sigma: item.parameters.smoothing))
        return try filter(map, guide: guide).map { min(max($0, 0), 1) }
    }

    /// Gives the empty map of a slice that nobody looked at.
    private func giveNothing(_ item: Item<Self>, _ slice: PreparedSlice) throws {
        let (height, width, _) = try slice.geometry()
        guard let nothing = Image<Float>(height: height, width: width, repeating: 0) else { return }
        try item.give(\.map) { try FeatureMap.write(nothing, isSkipped: true, to: $0) }
        try item.give(\.log, [])
    }

    /// Gives the baseline map: 1 for black, 0 for white, smoothed.
    private func giveIntensity(_ item: Item<Self>, _ slice: PreparedSlice) throws {
        let map = try slice.image().map { 1 - Float($0) / 255 }.blurred(by: GaussianKernel(sigma: item.parameters.smoothing))
        try item.give(\.map) { try FeatureMap.write(map, to: $0) }
        try item.give(\.log, [])
    }
}
