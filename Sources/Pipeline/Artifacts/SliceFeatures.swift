public import BlobStore
import Diffusion
public import Engine
import Foundation
package import ImageProcessing
import SpectralClustering
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

/// The eigenvectors of a slice's tiles as an artifact (Schema/blobs.md, `eigenvectors`).
public struct SliceEigenvectors: ArtifactContent {
    public static let kind = "eigenvectors"

    private let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// Writes the first ones of each tile; where one has fewer than others, or none, the missing ones are zero.
    ///
    /// - Parameter grid: of the tokens of every tile.
    static func write(_ tiles: [(found: Eigenvectors?, count: Int)], grid: TokenGrid, to artifact: ArtifactWriter) throws {
        guard tiles.allSatisfy({ $0.found.map { $0.grid == grid } ?? true }) else {
            throw PipelineError("the tiles of a slice have eigenvectors over different grids")
        }
        let count = max(1, tiles.map(\.count).max() ?? 1)
        let vectors = try artifact.createDataset(
            "vectors", shape: [tiles.count, count, grid.height, grid.width], scalarType: .float32,
            chunk: [1, count, grid.height, grid.width])
        func padded<Value>(_ values: [Value], _ kept: Int, of length: Int = 1, _ zero: Value) -> [Value] {
            values.prefix(kept * length) + Array(repeating: zero, count: (count - kept) * length)
        }
        for tile in tiles { try vectors.append(padded(tile.found?.vectors.values ?? [], tile.count, of: grid.count, 0)) }
        try artifact.write(
            "values", shape: [tiles.count, count], values: tiles.flatMap { padded($0.found?.values ?? [], $0.count, 0) })
        try artifact.write(
            "residuals", shape: [tiles.count, count], values: tiles.flatMap { padded($0.found?.residuals ?? [], $0.count, 0) })
    }

    /// The rows and columns of tokens of a tile.
    func gridSize() throws -> (height: Int, width: Int) {
        let shape = try artifact.dataset("vectors").shape
        guard shape.count == 4 else { throw PipelineError("eigenvectors have the shape \(shape)") }
        return (shape[2], shape[3])
    }

    /// Those of one tile as maps over its tokens, the most important first; none where its tokens are all alike.
    package func maps(tile: Int) throws -> [Image<Float>] {
        let shape = try artifact.dataset("vectors").shape
        guard shape.count == 4, (0..<shape[0]).contains(tile) else {
            throw PipelineError("eigenvectors have the shape \(shape), and no tile \(tile)")
        }
        let values = try artifact.readFloats("vectors", rows: tile..<tile + 1)
        let count = shape[2] * shape[3]
        return try (0..<shape[1]).compactMap { index in
            // A tile may have fewer than others.
            guard values[index * count..<(index + 1) * count].contains(where: { $0 != 0 }) else { return nil }
            guard
                let map = Image(
                    height: shape[2], width: shape[3], values: Array(values[index * count..<(index + 1) * count]))
            else { throw PipelineError("eigenvectors have the shape \(shape)") }
            return map
        }
    }
}
