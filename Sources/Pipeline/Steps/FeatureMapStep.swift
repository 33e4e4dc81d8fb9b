import BlobStore
public import CatalogSchema
public import Engine
package import ImageProcessing
import Volumes

/// Merges the eigenvectors of each tile to one map, bright where there is structure, and stitches the maps of the tiles to one of the slice.
///
/// The base is the first eigenvector, or the most diverse one. Another eigenvector is merged into it where both are similar, the diversity
/// rises and the number of contours does not. The output `log` records the decision about each of them.
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
        let smoothing = Parameter.real("smoothing", default: 2, in: 0.3...50, "σ in pixels of the slice, of a map of intensity")
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

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let slice = try item.inputs.slice
        if try item.parameters.source == .intensity { return try giveIntensity(item, slice) }
        let tiles = try slice.tiles()
        let eigenvectors = try item.inputs.eigenvectors
        let scaling = try MapScaling(
            lowerPercent: item.parameters.lowerPercentile, upperPercent: item.parameters.upperPercentile)
        let merge = try GreedyMerge(
            similarity: item.parameters.similarity, threshold: item.parameters.threshold,
            diversity: DiversityScore(patchSize: item.parameters.diversityPatch), scaling: scaling)
        let candidates = try item.parameters.candidates
        let base = try item.parameters.base == .eigenvalue ? 0 : nil

        var maps: [Image<Float>] = []
        // nil for tiles whose tokens are all alike.
        var logs: [MergeLog?] = []
        for (index, tile) in tiles.enumerated() {
            try item.checkCancellation()
            let vectors = try eigenvectors.maps(tile: index)
            // Structures are dark in a prepared slice.
            let orientation = MapOrientation(density: tile.map { 255 - Float($0) })
            guard !vectors.isEmpty else {
                let (height, width) = try eigenvectors.gridSize()
                guard let nothing = Image<Float>(height: height, width: width, repeating: 0) else { return }
                maps.append(nothing)
                logs.append(nil)
                continue
            }
            let oriented = try vectors.prefix(candidates).map { try orientation($0).map }
            let merged = try merge(oriented, base: base)
            maps.append(merged.map)
            logs.append(merged.log)
        }
        let (height, width, regions) = try slice.geometry()
        let map = try TileStitching(height: height, width: width, tiles: regions)(maps)
        try item.give(\.map) { try FeatureMap.write(map, to: $0) }
        try item.give(\.log, logs)
        item.record("merged", Double(logs.compactMap(\.self).reduce(0) { $0 + $1.decisions.count { $0.outcome == .merged } }))
        item.record("diversity", logs.compactMap(\.self).reduce(0) { $0 + $1.finalDiversity } / Double(max(logs.count, 1)))
    }

    /// Gives the baseline map: 1 for black, 0 for white, smoothed.
    private func giveIntensity(_ item: Item<Self>, _ slice: PreparedSlice) throws {
        let map = try slice.image().map { 1 - Float($0) / 255 }.blurred(by: GaussianKernel(sigma: item.parameters.smoothing))
        try item.give(\.map) { try FeatureMap.write(map, to: $0) }
        try item.give(\.log, [])
    }
}
