import BlobStore
public import CatalogSchema
import Diffusion
public import Engine
import ImageProcessing
import Volumes

/// Gives the tokens of a slice's tiles features by which they can be told apart.
///
/// Either of Stable Diffusion's self-attention, in passes over the tile with noise of several timesteps: affinities between tokens,
/// their queries and keys, or both. Or, without any weights, blobs and lines at several scales.
public struct FeaturesStep: Step {
    public let name = "features"
    public let version = 2
    public let scope = ScopeKind.slice
    public let summary = "features of tokens, by a diffusion model or without"
    public let parameters: [Parameter] = [
        .choice(
            "mode", default: "structure", of: ["structure", "diffusion"],
            "blobs and lines at several scales, or the self-attention of a diffusion model"),
        .model("model", kind: ModelKind.diffusion.rawValue, "the diffusion model"),
        .choice(
            "keep", default: "attention", of: ["attention", "tokens", "both"],
            "of a diffusion model: affinities of tokens, their queries and keys, or both"),
        .choice(
            "layers", default: "all", of: ["all", "encoder", "middle", "decoder"], "which self-attention layers are looked at"),
        .text("prompt", default: "", "the text that the diffusion model attends to"),
        .integer("timesteps.count", default: 8, in: 1...64, "timesteps, drawn one from each of as many equal ranges"),
        .integer("timesteps.last", default: 250, in: 0...999, "the noisiest timestep that may be drawn"),
        .text("timesteps.list", default: "", "timesteps to use instead of drawn ones: 50,100,200"),
        .integer("seed", default: 0, in: 0...Int(Int32.max), "of noise and timesteps"),
        .choice("latent", default: "mean", of: ["mean", "sample"], "the likeliest latent of a tile, or one drawn by the seed"),
        .integer("tokens.rank", default: 64, in: 1...512, "principal components kept of queries and keys"),
        .choice("precision", default: "float16", of: ["float16", "float32"], "of the features that are stored"),
    ]
    public let inputs = [StepInput.output(of: "prepare", named: "slice")]
    public let outputs = [StepOutput.artifact("features", evictable: true)]

    private let models = OpenModels(.diffusion) { path, isStreamed in
        try DiffusionModel(folder: path, residency: isStreamed ? .streamed : .resident)
    }

    public init() {}

    public func run(_ item: StepItem) throws {
        let tiles = try PreparedSliceArtifact.tiles(item.artifact(of: "prepare", named: "slice"))
        let isHalf = try item.text("precision") == "float16"
        let isDiffusion = try item.text("mode") == "diffusion"
        try item.give("features", artifact: FeaturesArtifact.kind) { artifact in
            try artifact.setAttribute("mode", .string(item.text("mode")))
            if isDiffusion {
                try writeAttention(of: tiles, isHalf: isHalf, item, to: artifact)
            } else {
                let channels = try tiles.map { tile in
                    try item.checkCancellation()
                    return try StructureChannels(tile)
                }
                try FeaturesArtifact.write(structureOf: channels, isHalf: isHalf, to: artifact)
            }
        }
    }

    private func writeAttention(
        of tiles: [Image<UInt8>], isHalf: Bool, _ item: StepItem, to artifact: ArtifactWriter
    ) throws {
        guard let record = try item.model("model") else {
            throw PipelineError(
                "features.mode is diffusion, and no model is chosen: `cellar recipe set features.model=builtin-diffusion` takes the small one "
                    + "that comes with the program, `cellar model add NAME PATH --kind diffusion` adds another")
        }
        let model = try models.model(record, isStreamed: item.prefersLittleMemory)
        if let side = tiles.first?.width, side % model.imageSideFactor != 0 {
            throw PipelineError(
                "prepare.tiles.size is \(side), but the model \(record.name) takes multiples of \(model.imageSideFactor)")
        }
        let timesteps = try timesteps(of: item, last: model.schedule.alphas.count - 1)
        let seed = UInt64(try item.integer("seed"))
        let selection = try selection(of: item)
        let context = try model.context(for: item.text("prompt"))
        let samples = try item.text("latent") == "sample"
        try artifact.setAttribute("timesteps", .reals(timesteps.map(Double.init)))
        try FeaturesArtifact.write(tiles: tiles.count, isHalf: isHalf, to: artifact) { index in
            try item.checkCancellation()
            let tile = tiles[index]
            let distribution = try model.encode(gray: tile.values, height: tile.height, width: tile.width)
            let latent = samples ? distribution.sample(seed: seed) : distribution.mode
            try item.checkCancellation()
            return try model.attention(latent, timesteps: timesteps, context: context, seed: seed, selecting: selection)
        }
    }

    private func timesteps(of item: StepItem, last: Int) throws -> [Int] {
        let list = try item.text("timesteps.list")
        guard !list.allSatisfy(\.isWhitespace) else {
            return try NoiseSchedule.stratified(
                count: item.integer("timesteps.count"), last: min(item.integer("timesteps.last"), last),
                seed: UInt64(item.integer("seed")))
        }
        let words = list.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }
        let timesteps = words.compactMap { word in Int(String(word).filter { !$0.isWhitespace }) }
        guard timesteps.count == words.count, (1...64).contains(timesteps.count), timesteps.allSatisfy((0...last).contains) else {
            throw PipelineError("features.timesteps.list is \"\(list)\", but must be up to 64 whole numbers from 0 to \(last)")
        }
        return timesteps
    }

    private func selection(of item: StepItem) throws -> AttentionFeatures.Selection {
        let keep = try item.text("keep")
        let groups = try AttentionLayer.Group(rawValue: item.text("layers")).map { [$0] } ?? AttentionLayer.Group.allCases
        return try AttentionFeatures.Selection(
            affinities: keep != "tokens", tokens: keep != "attention", groups: Set(groups), rank: item.integer("tokens.rank"))
    }
}
