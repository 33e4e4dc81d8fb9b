import BlobStore
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Makes one map of each tile's eigenvectors, bright where there is structure, and joins the tiles to the slice.
///
/// The most diverse eigenvector is the base; others are merged into it where they are bright in the same places, and diversity
/// rises, and the number of contours does not. What was decided about each is kept.
public struct FeatureMapStep: Step {
    public let name = "feature-map"
    public let version = 1
    public let scope = ScopeKind.slice
    public let summary = "eigenvectors merged to one map of the slice"
    public let parameters: [Parameter] = [
        .choice(
            "source", default: "eigenvectors", of: ["eigenvectors", "intensity"],
            "what the map is made of: eigenvectors, or the darkness of the smoothed slice, to compare with"),
        .real("smoothing", default: 2, in: 0.3...50, "σ in pixels of the slice, of a map of intensity"),
        .real("scale.lower_percentile", default: 1, in: 0...49, "value of an eigenvector that becomes 0, as percentile"),
        .real("scale.upper_percentile", default: 99, in: 51...100, "value of an eigenvector that becomes 1, as percentile"),
        .integer("diversity.patch", default: 8, in: 2...64, "side of the patches over which diversity is taken, in tokens"),
        .choice(
            "merge.base", default: "eigenvalue", of: ["eigenvalue", "diversity"],
            "the eigenvector that others are merged into: the first, or the most diverse"),
        .choice(
            "merge.similarity", default: "overlap", of: GreedyMerge.Similarity.allCases.map(\.rawValue),
            "how eigenvectors are compared: Dice of what is bright, or SSIM"),
        .real("merge.threshold", default: 0.5, in: 0...1, "similarity from which eigenvectors may be merged"),
        .integer("candidates", default: 20, in: 1...256, "how many eigenvectors are looked at, from the first"),
    ]
    public let inputs = [
        StepInput.output(of: "prepare", named: "slice"), .output(of: "eigenvectors", named: "eigenvectors"),
    ]
    public let outputs = [StepOutput.artifact("map", evictable: true), .value("log")]

    public init() {}

    public func run(_ item: StepItem) throws {
        let slice = try item.artifact(of: "prepare", named: "slice")
        if try item.text("source") == "intensity" { return try giveIntensity(item, slice) }
        let tiles = try PreparedSliceArtifact.tiles(slice)
        let eigenvectors = try item.artifact(of: "eigenvectors", named: "eigenvectors")
        let scaling = try MapScaling(
            lowerPercent: item.real("scale.lower_percentile"), upperPercent: item.real("scale.upper_percentile"))
        let word = try item.text("merge.similarity")
        guard let similarity = GreedyMerge.Similarity(rawValue: word) else {
            throw PipelineError("feature-map.merge.similarity is \(word), which is no way to compare maps")
        }
        let merge = try GreedyMerge(
            similarity: similarity, threshold: item.real("merge.threshold"),
            diversity: DiversityScore(patchSize: item.integer("diversity.patch")), scaling: scaling)
        let candidates = try item.integer("candidates")
        let base = try item.text("merge.base") == "eigenvalue" ? 0 : nil

        var maps: [Image<Float>] = []
        // Nil for tiles whose tokens are all alike.
        var logs: [MergeLog?] = []
        for (index, tile) in tiles.enumerated() {
            try item.checkCancellation()
            let vectors = try EigenvectorsArtifact.maps(eigenvectors, tile: index)
            // Structures are dark in a prepared slice.
            let orientation = MapOrientation(density: tile.map { 255 - Float($0) })
            guard !vectors.isEmpty else {
                let (height, width) = try EigenvectorsArtifact.gridSize(eigenvectors)
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
        let (height, width, regions) = try PreparedSliceArtifact.geometry(slice)
        let map = try TileStitching(height: height, width: width, tiles: regions)(maps)
        try item.give("map", artifact: MapArtifact.featureMap) { try MapArtifact.write(map, to: $0) }
        try item.give("log", value: logs)
        item.record("merged", Double(logs.compactMap(\.self).reduce(0) { $0 + $1.decisions.count { $0.outcome == .merged } }))
        item.record("diversity", logs.compactMap(\.self).reduce(0) { $0 + $1.finalDiversity } / Double(max(logs.count, 1)))
    }

    /// The map of somebody who only looks at what is dark.
    private func giveIntensity(_ item: StepItem, _ slice: Artifact) throws {
        let (height, width, _) = try PreparedSliceArtifact.geometry(slice)
        let values: [UInt8] = try slice.read("slice")
        guard let image = Image(height: height, width: width, values: values.map { 1 - Float($0) / 255 }) else {
            throw PipelineError("the prepared slice has \(values.count) pixels, and not \(height) × \(width)")
        }
        let map = try image.blurred(by: GaussianKernel(sigma: item.real("smoothing")))
        try item.give("map", artifact: MapArtifact.featureMap) { try MapArtifact.write(map, to: $0) }
        try item.give("log", value: [MergeLog?]())
    }
}
