public import BlobStore
public import Engine
package import ImageProcessing
import SpectralClustering
import Tensors
import Volumes

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
