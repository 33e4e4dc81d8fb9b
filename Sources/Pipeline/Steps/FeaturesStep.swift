import Basics
import BlobStore
public import CatalogSchema
import Diffusion
public import Engine
import ImageProcessing
import Tensors
import Volumes

/// Computes features of the tokens of a slice's tiles, by which structures can be distinguished.
///
/// With a diffusion model, these come from the self-attention of Stable Diffusion, in passes over the tile with the noise of several
/// timesteps: affinities between tokens, their queries and keys, or both. Without weights, they are blobs and lines at several scales.
///
/// Of every n slices only one is looked at where the recipe says so (`every`): the others have no features, no eigenvectors and an empty map, and
/// ``ConsistencyStep`` interpolates. Which ones depends on their number in the tomogram alone, so that slabs may overlap.
public struct FeaturesStep: TypedStep {
    public static let name = "features"
    public static let version = 2
    public static let scope = ScopeKind.slice
    public static let summary = "features of tokens, by a diffusion model or without"
    public static let runsOnlyWhereRead = true

    public struct Parameters: Sendable {
        let mode = Parameter<Mode>.choice(
            "mode", default: .structure, "blobs and lines at several scales, or the self-attention of a diffusion model")
        let model = Parameter.model("model", kind: ModelKind.diffusion.rawValue, "the diffusion model")
        let keep = Parameter<Keep>.choice(
            "keep", default: .attention, "of a diffusion model: affinities of tokens, their queries and keys, or both")
        let layers = Parameter<Layers>.choice("layers", default: .all, "which self-attention layers are looked at")
        let prompt = Parameter.text("prompt", default: "", "the text that the diffusion model attends to")
        let timestepCount = Parameter.integer(
            "timesteps.count", default: 8, in: 1...64, "timesteps, drawn one from each of as many equal ranges")
        let lastTimestep = Parameter.integer(
            "timesteps.last", default: 250, in: 0...999, "the noisiest timestep that may be drawn")
        let timestepList = Parameter.text("timesteps.list", default: "", "timesteps to use instead of drawn ones: 50,100,200")
        let seed = Parameter.integer("seed", default: 0, in: 0...Int(Int32.max), "of noise and timesteps")
        let latent = Parameter<Latent>.choice(
            "latent", default: .mean, "the likeliest latent of a tile, or one drawn by the seed")
        let tokenRank = Parameter.integer(
            "tokens.rank", default: 64, in: 1...512, "principal components kept of queries and keys")
        let every = Parameter.integer(
            Self.everyName, default: 1, in: 1...64,
            "of the slices of a tomogram the first, and every n-th after it, is looked at; maps between them are interpolated")
        let arithmetic = Parameter<Arithmetic>.choice(
            "arithmetic", default: .float32, impliedBefore: .float32,
            "what the diffusion model multiplies: float32, or numbers of 16 bits where the processor has AVX-512 with BF16 and VNNI, which is faster"
        )
        let precision = Parameter<Precision>.choice("precision", default: .float16, "of the features that are stored")

        fileprivate static let everyName = "every"
    }
    public struct Inputs: Sendable {
        let slice = Input(PrepareStep.self, \.slice)
        let z = Input.z(by: Parameters.everyName, unused: "1")
    }
    public struct Outputs: Sendable {
        let features = ArtifactOutput<SliceFeatures>(transient: "features")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    enum Mode: String, CaseIterable, Sendable { case structure, diffusion }
    enum Keep: String, CaseIterable, Sendable { case attention, tokens, both }
    enum Layers: String, CaseIterable, Sendable { case all, encoder, middle, decoder }
    enum Latent: String, CaseIterable, Sendable { case mean, sample }
    enum Precision: String, CaseIterable, Sendable { case float16, float32 }

    private let models = Dictionary(
        uniqueKeysWithValues: Arithmetic.allCases.map { arithmetic in
            let models = OpenModels(.diffusion) { path, isStreamed in
                try DiffusionModel(path: path, residency: isStreamed ? .streamed : .resident, arithmetic: arithmetic)
            }
            return (arithmetic, models)
        })

    public init() {}

    public func run(_ item: Item<Self>) throws {
        if let z = try item.inputs.z?.lowerBound, z % (try item.parameters.every) != 0 {
            let tiles = try item.inputs.slice.geometry().regions.count
            return try item.give(\.features) { try SliceFeatures.writeNothing(tiles: tiles, z: z, to: $0) }
        }
        let tiles = try item.inputs.slice.tiles()
        let isHalf = try item.parameters.precision == .float16
        let isDiffusion = try item.parameters.mode == .diffusion
        // Layers leave as much as the largest of them used.
        defer { if isDiffusion { Tensor.releaseUnusedMemory() } }
        try item.give(\.features) { artifact in
            try artifact.setAttribute("mode", .string(item.parameters.mode.rawValue))
            if isDiffusion {
                try writeAttention(of: tiles, isHalf: isHalf, item, to: artifact)
            } else {
                let channels = try tiles.map { tile in
                    try item.checkCancellation()
                    return try StructureChannels(tile)
                }
                try SliceFeatures.write(structureOf: channels, isHalf: isHalf, to: artifact)
            }
        }
    }

    /// Runs the diffusion model over each tile and writes the features of its self-attention.
    private func writeAttention(
        of tiles: [Image<UInt8>], isHalf: Bool, _ item: Item<Self>, to artifact: ArtifactWriter
    ) throws {
        guard let record = try item.parameters.model else {
            throw PipelineError(
                "features.mode is diffusion, and no model is chosen: `cellar recipe set features.model=builtin-diffusion` takes the small one "
                    + "that comes with the program, `cellar model add NAME PATH --kind diffusion` adds another")
        }
        let arithmetic = try item.parameters.arithmetic
        guard let model = try models[arithmetic]?.model(record, isStreamed: item.prefersLittleMemory) else {
            throw PipelineError(mistake: .item, "nobody opens models for \(arithmetic)")
        }
        if let side = tiles.first?.width, side % model.imageSideFactor != 0 {
            throw PipelineError(
                "prepare.tiles.size is \(side), which the model \(record.name) cannot take; give a multiple of \(model.imageSideFactor)"
            )
        }
        let timesteps = try timesteps(of: item, last: model.schedule.cumulativeAlphas.count - 1)
        let seed = UInt64(try item.parameters.seed)
        let selection = try selection(of: item)
        let context = try model.context(for: item.parameters.prompt)
        let samples = try item.parameters.latent == .sample
        try artifact.setAttribute("timesteps", .reals(timesteps.map(Double.init)))
        if arithmetic != .float32 {
            let used: Arithmetic = Arithmetic.multipliesBfloat16 ? arithmetic : .float32
            try artifact.setAttribute("arithmetic", .string(used.rawValue))
        }
        try SliceFeatures.write(tiles: tiles.count, isHalf: isHalf, to: artifact) { index in
            try item.checkCancellation()
            let tile = tiles[index]
            let distribution = try model.encode(gray: tile.values, height: tile.height, width: tile.width)
            let latent = samples ? distribution.sample(seed: seed) : distribution.mode
            try item.checkCancellation()
            return try model.attention(latent, timesteps: timesteps, context: context, seed: seed, selecting: selection)
        }
    }

    /// The timesteps of the recipe's list, or drawn ones.
    ///
    /// - Parameter last: the last timestep of the model.
    /// - Throws: ``PipelineError`` where the list is not one of whole numbers that the model has.
    private func timesteps(of item: Item<Self>, last: Int) throws -> [Int] {
        let list = try item.parameters.timestepList
        guard !list.allSatisfy(\.isWhitespace) else {
            return try NoiseSchedule.stratified(
                count: item.parameters.timestepCount, last: min(item.parameters.lastTimestep, last),
                seed: UInt64(item.parameters.seed))
        }
        let words = list.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }
        let timesteps = words.compactMap { word in Int(String(word).filter { !$0.isWhitespace }) }
        guard timesteps.count == words.count, (1...64).contains(timesteps.count), timesteps.allSatisfy((0...last).contains) else {
            throw PipelineError("features.timesteps.list is \"\(list)\"; give up to 64 whole numbers from 0 to \(last)")
        }
        return timesteps
    }

    /// The features that are kept, and the layers they come from.
    private func selection(of item: Item<Self>) throws -> AttentionFeatures.Selection {
        let keep = try item.parameters.keep
        let groups =
            try AttentionLayer.Group(rawValue: item.parameters.layers.rawValue).map { [$0] } ?? AttentionLayer.Group.allCases
        return try AttentionFeatures.Selection(
            affinities: keep != .tokens, tokens: keep != .attention, groups: Set(groups), rank: item.parameters.tokenRank)
    }
}
