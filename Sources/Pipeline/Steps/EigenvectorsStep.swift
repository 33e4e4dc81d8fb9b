internal import Basics
import BlobStore
public import CatalogSchema
public import Engine
import SpectralClustering
import Volumes

/// Groups the tokens of each tile by spectral clustering: computes the leading eigenvectors of the affinity matrix of its tokens.
public struct EigenvectorsStep: TypedStep {
    public static let name = "eigenvectors"
    public static let version = 3
    public static let scope = ScopeKind.slice
    public static let summary = "leading eigenvectors of the tokens' affinity"
    public static let runsOnlyWhereRead = true

    public struct Parameters: Sendable {
        let affinity = Parameter<Affinity>.choice(
            "affinity", default: .auto,
            "attention's own, or a Gaussian one of tokens; auto takes what features kept, attention first")
        let count = Parameter.integer("count", default: 20, in: 1...256, "how many eigenvectors")
        let solver = Parameter<Solver>.choice(
            "solver", default: .closed, "eigenvectors of the affinity matrix, or the published loop of gradient descent")
        let encoderWeight = Parameter.real("weights.encoder", default: 1, in: 0...100, "weight of the encoder's layers")
        let middleWeight = Parameter.real("weights.middle", default: 1, in: 0...100, "weight of the layer in the middle")
        let decoderWeight = Parameter.real("weights.decoder", default: 1, in: 0...100, "weight of the decoder's layers")
        let level0Weight = Parameter.real("weights.level0", default: 1, in: 0...100, "weight of the finest resolution")
        let level1Weight = Parameter.real("weights.level1", default: 1, in: 0...100, "weight of the next resolution")
        let level2Weight = Parameter.real("weights.level2", default: 1, in: 0...100, "weight of the one after it")
        let level3Weight = Parameter.real("weights.level3", default: 1, in: 0...100, "weight of the coarsest resolution")
        let pooling = Parameter<AffinityOperator.Pooling>.choice(
            "pooling", default: .average,
            "how a map meets a coarser resolution: by means, or so that smooth maps keep their length")
        let bandwidth = Parameter.real(
            "bandwidth", default: 0.5, in: 0.01...10, "width of the Gaussian affinity, in medians of the tokens' distances")
        let power = Parameter.real(
            "power", default: 1, in: 0...64, "power of the affinity matrix: higher ones leave fewer eigenvectors")
        let cutoff = Parameter.real(
            "cutoff", default: 0, in: 0...1, "eigenvalue to that power, of the first, below which eigenvectors are left out")
        let constantTolerance = Parameter.real(
            "constant_tolerance", default: 0.1, in: 0...1, "relative spread below which the first is constant and left out")
        let adamUpdates = Parameter.integer("adam.updates", default: 100, in: 1...100_000, "of the loop: steps of the optimizer")
        let adamIterations = Parameter.integer(
            "adam.iterations", default: 20, in: 1...10_000, "of the loop: iterations whose gradients make one step")
        let adamLearningRate = Parameter.real(
            "adam.learning_rate", default: 0.002, in: 1e-6...1, "of the loop: Adam's learning rate")
        let seed = Parameter.integer("seed", default: 0, in: 0...Int(Int32.max), "of the solver's start")
    }
    public struct Inputs: Sendable {
        let features = Input(FeaturesStep.self, \.features)
    }
    public struct Outputs: Sendable {
        package let eigenvectors = ArtifactOutput<SliceEigenvectors>("eigenvectors", evictable: true)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    /// The affinity of tokens: that of self-attention, or a Gaussian of the distance of their features. `auto` takes the one that the
    /// features hold, and self-attention where they hold both.
    enum Affinity: String, CaseIterable, Sendable { case auto, attention, tokens }
    /// The method: eigenvectors of the affinity matrix, or the published loop of gradient descent.
    enum Solver: String, CaseIterable, Sendable { case closed, adam }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        if let tiles = try item.inputs.features.skippedTiles {
            return try item.give(\.eigenvectors) { try SliceEigenvectors.writeNothing(tiles: tiles, to: $0) }
        }
        let features = try item.inputs.features.artifact
        let attention = features.datasets.filter { $0.name.hasPrefix("affinity.") }
        let tokens = features.datasets.filter { $0.name.hasPrefix("tokens.") }
        let choice = try item.parameters.affinity
        let usesAttention = choice == .attention || (choice == .auto && !attention.isEmpty)
        let used = usesAttention ? attention : tokens
        guard let count = used.first?.shape.first else {
            throw PipelineError(
                "eigenvectors.affinity is \(choice.rawValue), which the features of this slice do not hold: "
                    + "`cellar recipe set features.keep=both` keeps it")
        }
        let grid = try used.map { try Self.grid(of: $0) }.max { $0.count < $1.count }
        guard let grid else { return }
        let tiles = try (0..<count).map { tile -> (found: Eigenvectors?, count: Int) in
            try item.checkCancellation()
            do {
                return try solve(affinity(tile), item)
            } catch let error as SpectralError where error.code == .degenerate {
                // All tokens are alike: the tile is empty.
                return (nil, 0)
            }
        }
        func affinity(_ tile: Int) throws -> AffinityOperator {
            return
                usesAttention
                ? try AffinityOperator(
                    terms: used.map { try term($0, tile, features, item) },
                    pooling: item.parameters.pooling)
                : try AffinityOperator(
                    tokens: used.map { try layer($0, tile, features, item) }, bandwidth: item.parameters.bandwidth,
                    seed: UInt64(item.parameters.seed))
        }
        try item.give(\.eigenvectors) {
            try SliceEigenvectors.write(tiles, grid: grid, to: $0)
        }
        let found = tiles.compactMap(\.found)
        item.record("first_eigenvalue", found.map { $0.values.first ?? 0 }.reduce(0, +) / Double(max(found.count, 1)))
        item.record("empty_tiles", Double(count - found.count))
        item.record("gap", found.compactMap(\.gap).min() ?? .nan)
        item.record("residual", found.flatMap(\.residuals).max() ?? .nan)
        item.record("unconverged_tiles", Double(found.count { !$0.isConverged }))
    }

    /// Computes the eigenvectors of a tile.
    ///
    /// - Returns: all eigenvectors, and the number of those that the cutoff keeps: at least one, where there is any.
    private func solve(_ affinity: AffinityOperator, _ item: Item<Self>) throws -> (found: Eigenvectors?, count: Int) {
        let (count, seed) = (try item.parameters.count, UInt64(try item.parameters.seed))
        let tolerance = try item.parameters.constantTolerance
        let found =
            if try item.parameters.solver == .adam {
                try ReferenceSolver(
                    count: count, updates: item.parameters.adamUpdates, iterations: item.parameters.adamIterations,
                    learningRate: item.parameters.adamLearningRate, constantTolerance: tolerance, seed: seed
                )(affinity).eigenvectors
            } else {
                try Eigensolver(count: count, constantTolerance: tolerance, seed: seed)(affinity)
            }
        let cutoff = try item.parameters.cutoff
        let kept = try found.weights(power: item.parameters.power).prefix { $0 >= cutoff }.count
        return (found, max(kept, min(1, found.count)))
    }

    /// The affinity of one level and group of layers for a tile, with its weight: the weight of the group times that of the level.
    ///
    /// - Throws: ``PipelineError`` where the dataset is none of these.
    private func term(
        _ dataset: DatasetDescription, _ tile: Int, _ features: Artifact, _ item: Item<Self>
    ) throws -> AffinityTerm {
        let parts = dataset.name.split(separator: ".")
        guard parts.count == 3, let level = Int(parts[1]), case .integer(let layers)? = dataset.attributes["layers"] else {
            throw PipelineError(
                "the features hold \(dataset.name), which is no affinity that this version knows; `cellar verify --deep` looks for damage"
            )
        }
        let parameters = item.parameters
        let groupWeight: Double =
            switch parts[2] {
            case "encoder": try parameters.encoderWeight
            case "middle": try parameters.middleWeight
            case "decoder": try parameters.decoderWeight
            default:
                throw PipelineError(
                    "the features hold \(dataset.name), which is no affinity that this version knows; `cellar verify --deep` looks for "
                        + "damage")
            }
        let levelWeights = try [
            parameters.level0Weight, parameters.level1Weight, parameters.level2Weight, parameters.level3Weight,
        ]
        let weight = groupWeight * (levelWeights.indices.contains(level) ? levelWeights[level] : 1)
        let triangle: AffinityTerm.Triangle
        if dataset.scalarType == .float16 {
            triangle = .float16(try features.readRows(dataset.name, tile..<tile + 1))
        } else {
            triangle = .float32(try features.readRows(dataset.name, tile..<tile + 1))
        }
        return try AffinityTerm(
            grid: Self.grid(of: dataset), triangle: triangle, layers: Int(layers), weight: weight)
    }

    /// The token features of one layer for a tile, with the weight of the layer's group.
    private func layer(
        _ dataset: DatasetDescription, _ tile: Int, _ features: Artifact, _ item: Item<Self>
    ) throws -> TokenLayer {
        var weight = 1.0
        if dataset.name.contains("down_blocks") { weight = try item.parameters.encoderWeight }
        if dataset.name.contains("mid_block") { weight = try item.parameters.middleWeight }
        if dataset.name.contains("up_blocks") { weight = try item.parameters.decoderWeight }
        return try TokenLayer(
            grid: Self.grid(of: dataset), channels: dataset.shape.last ?? 0,
            values: features.readFloats(dataset.name, rows: tile..<tile + 1), weight: weight)
    }

    /// The grid of tokens of a dataset.
    private static func grid(of dataset: DatasetDescription) throws -> TokenGrid {
        guard case .integer(let height)? = dataset.attributes["height"], case .integer(let width)? = dataset.attributes["width"]
        else { throw PipelineError("\(dataset.name) does not say what grid it has; `cellar verify --deep` looks for damage") }
        return try TokenGrid(height: Int(height), width: Int(width))
    }
}
