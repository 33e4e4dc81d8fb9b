import Basics
public import BlobStore
import Diffusion
public import Engine
import Foundation
package import ImageProcessing
import SpectralClustering
import Tensors
import Volumes

/// The features of the tokens of a slice's tiles, as an artifact (Schema/blobs.md, `features`): affinities between tokens, features of each
/// token, or both. A token is a cell of a grid over the tile.
public struct SliceFeatures: ArtifactContent {
    public static let kind = "features"

    /// Its datasets are `affinity.LEVEL.GROUP`, `[tile][upper triangle]`, and `tokens.LAYER`, `[tile][token][channel]`.
    let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// The most values of a chunk: 2 MiB of float16.
    private static let chunk = 1 << 20

    /// Writes the features that a diffusion model gave for each tile.
    ///
    /// - Parameters:
    ///   - count: the number of tiles.
    ///   - isHalf: whether values are stored as float16, or as float32.
    ///   - features: computes the features of a tile. Called for one tile after the other, so that memory holds those of one tile.
    /// - Throws: ``PipelineError`` where tiles have different layers; what `features` throws.
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
                throw PipelineError(mistake: .item, "the tiles of a slice differ in their layers")
            }
            for (affinity, dataset) in zip(found.affinities, affinities) {
                // Affinities times the number of tokens are about 1, where float16 has most precision.
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

    /// Writes the channels of blobs and lines, which need no network.
    ///
    /// - Throws: ``PipelineError`` where there is no tile.
    static func write(structureOf tiles: [StructureChannels], isHalf: Bool, to artifact: ArtifactWriter) throws {
        guard let first = tiles.first else { throw PipelineError(mistake: .item, "a slice without tiles has no features") }
        try artifact.setAttribute("channels", .string(first.names.joined(separator: ",")))
        let dataset = try artifact.createDataset(
            "tokens.structure", shape: [tiles.count, first.height * first.width, first.names.count],
            scalarType: isHalf ? .float16 : .float32,
            attributes: ["height": .integer(Int64(first.height)), "width": .integer(Int64(first.width))])
        for tile in tiles { try append(tile.values, to: dataset, isHalf: isHalf) }
    }

    /// Writes that nobody looked at the slice (`features.every`).
    ///
    /// - Parameters:
    ///   - count: the number of its tiles.
    ///   - z: the slice, so that each has an artifact of its own: thousands of items that give the same one make a run slow.
    static func writeNothing(tiles count: Int, z: Int, to artifact: ArtifactWriter) throws {
        try artifact.setAttribute("mode", .string("none"))
        try artifact.setAttribute("z", .integer(Int64(z)))
        try artifact.setAttribute(skippedTiles, .integer(Int64(count)))
    }

    private static let skippedTiles = "skipped_tiles"

    /// The number of tiles of a slice that nobody looked at; nil where there are features.
    var skippedTiles: Int? {
        guard case .integer(let count)? = artifact.attributes[Self.skippedTiles], count > 0 else { return nil }
        return Int(count)
    }

    private static func append(_ values: [Float], to dataset: DatasetWriter, isHalf: Bool) throws {
        if isHalf { try dataset.append(values.map { Float16($0) }) } else { try dataset.append(values) }
    }
}

/// The eigenvectors of the affinity matrix of each tile, as an artifact (Schema/blobs.md, `eigenvectors`): vectors `[tile][number][row][column]`
/// over the grid of tokens, eigenvalues and residuals `[tile][number]`.
public struct SliceEigenvectors: ArtifactContent {
    public static let kind = "eigenvectors"

    private let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// Writes the first `count` eigenvectors of each tile. Tiles with fewer than the others, or none, are padded with zeros.
    ///
    /// - Parameter grid: the grid of tokens of every tile.
    /// - Throws: ``PipelineError`` where a tile has another grid.
    static func write(_ tiles: [(found: Eigenvectors?, count: Int)], grid: TokenGrid, to artifact: ArtifactWriter) throws {
        guard tiles.allSatisfy({ $0.found.map { $0.grid == grid } ?? true }) else {
            throw PipelineError(mistake: .item, "the tiles of a slice have eigenvectors over different grids")
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

    /// Writes that nobody looked at the slice: tiles without eigenvectors.
    static func writeNothing(tiles count: Int, to artifact: ArtifactWriter) throws {
        try artifact.setAttribute(skipped, .integer(1))
        try write(Array(repeating: (nil, 0), count: count), grid: TokenGrid(height: 1, width: 1), to: artifact)
    }

    private static let skipped = "skipped"

    /// Whether nobody looked at the slice.
    package var isSkipped: Bool { artifact.attributes[Self.skipped] == .integer(1) }

    /// The eigenvalues of each tile, `[tile][number]`; 0 where a tile has fewer eigenvectors than the others.
    ///
    /// - Throws: ``PipelineError`` where there is not one value for each vector.
    package func values() throws -> [[Double]] {
        let shape = try artifact.description(of: "vectors").shape
        let values = try artifact.read("values", as: Double.self)
        guard shape.count == 4, values.count == shape[0] * shape[1] else {
            throw PipelineError("the eigenvectors have the shape \(shape); `cellar verify --deep` looks for damage")
        }
        return (0..<shape[0]).map { Array(values[$0 * shape[1]..<($0 + 1) * shape[1]]) }
    }

    /// The rows and columns of the grid of tokens.
    func gridSize() throws -> (height: Int, width: Int) {
        let shape = try artifact.description(of: "vectors").shape
        guard shape.count == 4 else {
            throw PipelineError("eigenvectors have the shape \(shape); `cellar verify --deep` looks for damage")
        }
        return (shape[2], shape[3])
    }

    /// The eigenvectors of one tile as maps `[row][column]` over its tokens, the leading one first; empty where all tokens are alike.
    ///
    /// - Throws: ``PipelineError`` where there is no such tile.
    package func maps(tile: Int) throws -> [Image<Float>] {
        let shape = try artifact.description(of: "vectors").shape
        guard shape.count == 4, (0..<shape[0]).contains(tile) else {
            throw PipelineError(
                "eigenvectors have the shape \(shape), and no tile \(tile); `cellar verify --deep` looks for damage")
        }
        let values = try artifact.readFloats("vectors", rows: tile..<tile + 1)
        let count = shape[2] * shape[3]
        return try (0..<shape[1]).compactMap { index in
            // All zero: the padding of a tile with fewer eigenvectors.
            guard values[index * count..<(index + 1) * count].contains(where: { $0 != 0 }) else { return nil }
            guard
                let map = Image(
                    height: shape[2], width: shape[3], values: Array(values[index * count..<(index + 1) * count]))
            else { throw PipelineError("eigenvectors have the shape \(shape); `cellar verify --deep` looks for damage") }
            return map
        }
    }
}
