public import BlobStore
import Diffusion
public import Engine
import Foundation
import ImageProcessing
import Tensors
import Volumes

/// The features of a slice's tiles as an artifact (Schema/blobs.md, `features`).
public struct SliceFeatures: ArtifactContent {
    public static let kind = "features"

    /// Datasets `affinity.LEVEL.GROUP` and `tokens.LAYER`, a row for each tile.
    let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// Values of chunks: two megabytes of float16.
    private static let chunk = 1 << 20

    /// Writes the features of one tile after the other.
    ///
    /// - Parameters:
    ///   - count: how many tiles there are.
    ///   - isHalf: whether values are stored as float16, or as float32.
    ///   - features: computes those of a tile; each is dropped before the next one is computed.
    static func write(
        tiles count: Int, isHalf: Bool, to artifact: ArtifactWriter, _ features: (Int) throws -> AttentionFeatures
    ) throws {
        var affinities: [DatasetWriter] = []
        var tokens: [(dataset: DatasetWriter, variances: [Double])] = []
        let scalarType = isHalf ? ScalarType.float16 : .float32
        for tile in 0..<count {
            let found = try features(tile)
            if tile == 0 {
                for affinity in found.affinities {
                    let n = affinity.height * affinity.width
                    affinities.append(
                        try artifact.createDataset(
                            "affinity.\(affinity.level).\(affinity.group.rawValue)", shape: [count, n * (n + 1) / 2],
                            scalarType: scalarType, chunk: [1, min(n * (n + 1) / 2, chunk)],
                            attributes: [
                                "height": .integer(Int64(affinity.height)), "width": .integer(Int64(affinity.width)),
                                "layers": .integer(Int64(affinity.layers)),
                            ]))
                }
                for layer in found.tokens {
                    let scores = layer.components.scores.shape
                    let dataset = try artifact.createDataset(
                        "tokens.\(layer.layer.name)", shape: [count] + scores, scalarType: scalarType,
                        attributes: ["height": .integer(Int64(layer.height)), "width": .integer(Int64(layer.width))])
                    tokens.append((dataset, []))
                }
            }
            guard found.affinities.count == affinities.count, found.tokens.count == tokens.count else {
                throw PipelineError("the tiles of a slice differ in their layers")
            }
            for (affinity, dataset) in zip(found.affinities, affinities) {
                // Times the number of tokens: about 1 throughout, where float16 is at its best.
                let scale = Float(affinity.height * affinity.width)
                if isHalf {
                    try affinity.halfUpperTriangle(scale: scale).withUnsafeBytes { bytes in try dataset.append(bytes) }
                } else {
                    try dataset.append(affinity.upperTriangle(scale: scale))
                }
            }
            for (index, layer) in found.tokens.enumerated() {
                try append(layer.components.scores.values, to: tokens[index].dataset, isHalf: isHalf)
                tokens[index].variances.append(layer.components.explainedVariance)
            }
        }
        for (dataset, variances) in tokens { try dataset.setAttribute("explained_variance", .reals(variances)) }
    }

    /// Writes channels that need no network.
    static func write(structureOf tiles: [StructureChannels], isHalf: Bool, to artifact: ArtifactWriter) throws {
        guard let first = tiles.first else { throw PipelineError("a slice without tiles has no features") }
        try artifact.setAttribute("channels", .string(first.names.joined(separator: ",")))
        let dataset = try artifact.createDataset(
            "tokens.structure", shape: [tiles.count, first.height * first.width, first.names.count],
            scalarType: isHalf ? .float16 : .float32,
            attributes: ["height": .integer(Int64(first.height)), "width": .integer(Int64(first.width))])
        for tile in tiles { try append(tile.values, to: dataset, isHalf: isHalf) }
    }

    private static func append(_ values: [Float], to dataset: DatasetWriter, isHalf: Bool) throws {
        if isHalf { try dataset.append(values.map { Float16($0) }) } else { try dataset.append(values) }
    }
}
