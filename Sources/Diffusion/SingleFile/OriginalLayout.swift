import Basics
import Checkpoints

/// A model of Stable Diffusion 1 or 2 in one file, in the layout of its authors (CompVis, Stability AI): all networks in one
/// dictionary of tensors, without configurations.
///
/// The architecture follows from the names and shapes of the tensors; what they do not say is a ``Conventions``. The tensors are
/// seen under the names of diffusers, so that the networks are made by the same code as from a folder. Averages (`model_ema.`),
/// the autoencoder's decoder, and the buffers of training are passed over.
struct OriginalLayout: Sendable {
    /// What all models of Stable Diffusion 1 and 2 have in common, and the tensors do not say.
    struct Conventions: Sendable {
        /// The groups of group norms in U-Net and autoencoder.
        var unetGroups = 32
        var autoencoderGroups = 32
        /// The heads of attention at each level of the U-Net, from the channels of the levels.
        var heads: @Sendable (_ channels: [Int], _ generation: Generation) -> [Int] = { channels, generation in
            channels.map { generation == .first ? 8 : max($0 / 64, 1) }
        }
        /// The heads of the text encoder, from its channels.
        var textHeads: @Sendable (_ channels: Int) -> Int = { max($0 / 64, 1) }
        /// The id with which CLIP's tokenizer begins every prompt; the next one ends it.
        var startToken = 49406
    }

    /// Which of the two.
    enum Generation: Int, Sendable {
        /// Stable Diffusion 1: a context of OpenAI's CLIP, eight heads at each level.
        case first = 1
        /// Stable Diffusion 2: a context of OpenCLIP, heads of 64 channels, linear layers around the transformers.
        case second = 2
    }

    let generation: Generation
    let unet: (configuration: UNetConfiguration, checkpoint: Checkpoint)
    let autoencoder: (configuration: AutoencoderConfiguration, checkpoint: Checkpoint)
    /// The text encoder; nil if the file has none.
    let text: (configuration: TextEncoderConfiguration, checkpoint: Checkpoint)?

    /// The prefixes of the three networks.
    static let (unetPrefix, autoencoderPrefix) = ("model.diffusion_model.", "first_stage_model.")
    static let textPrefix = "cond_stage_model."

    /// Recognises the networks of a file. Reads names and shapes only.
    ///
    /// - Throws: ``DiffusionError`` if the file holds something else (the sentence says what, where it is known), lacks the
    ///   autoencoder, or has tensors that its networks do not explain.
    init(_ file: Checkpoint, conventions: Conventions = Conventions()) throws(DiffusionError) {
        if let what = ForeignNetwork.description(of: file) {
            throw DiffusionError(
                .unsupported,
                "\(what): what is read here is Stable Diffusion 1.x and 2.x, in one file or as a folder of diffusers",
                path: file.path)
        }
        let parts = (unet: NamedShapes(file, Self.unetPrefix), autoencoder: NamedShapes(file, Self.autoencoderPrefix))
        guard !parts.autoencoder.names.isEmpty else {
            throw DiffusionError(
                .unsupported, "holds a U-Net without its autoencoder (first_stage_model): get the file that holds both",
                path: file.path)
        }
        do throws(CheckpointError) {
            let structure = try OriginalUNet(parts.unet)
            let generation = structure.hasLinearProjections ? Generation.second : .first
            self.generation = generation
            unet = (
                try structure.configuration(
                    heads: conventions.heads(structure.channels, generation), groups: conventions.unetGroups),
                try parts.unet.renamed(structure.views) { _ in false }
            )
            let encoder = try OriginalAutoencoder(parts.autoencoder)
            autoencoder = (
                try encoder.configuration(groups: conventions.autoencoderGroups),
                try parts.autoencoder.renamed(encoder.views) { name in
                    ["decoder.", "post_quant_conv.", "loss.", "model_ema."].contains { name.hasPrefix($0) }
                }
            )
            text = try OriginalTextEncoder.find(in: file).map { encoder throws(CheckpointError) in
                (try encoder.configuration(heads: conventions.textHeads), try encoder.checkpoint())
            }
        } catch {
            throw DiffusionError(error)
        }
    }
}

/// The tensors of a checkpoint whose names begin with a prefix, by the rest of their names.
struct NamedShapes: Sendable {
    let file: Checkpoint
    let prefix: String
    /// The rests of the names.
    let names: Set<String>

    init(_ file: Checkpoint, _ prefix: String) {
        self.file = file
        self.prefix = prefix
        names = Set(file.names.lazy.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) })
    }

    /// The shape of a tensor; nil if there is none of that name.
    subscript(_ name: String) -> [Int]? { file.entry(named: prefix + name)?.shape }

    /// The shape of a tensor with so many axes, none of them empty.
    ///
    /// - Throws: ``CheckpointError`` if there is no such tensor.
    func shape(_ name: String, axes: Int) throws(CheckpointError) -> [Int] {
        guard let shape = self[name] else {
            throw CheckpointError(
                .missingTensor,
                "has no tensor \(CheckpointError.quoted(prefix + name)), which Stable Diffusion has: the file is incomplete, get it again",
                path: file.path)
        }
        guard shape.count == axes, shape.allSatisfy({ (1...1_000_000).contains($0) }) else {
            throw CheckpointError(
                .mismatchedTensor,
                "has a tensor \(CheckpointError.quoted(prefix + name)) of the shape \(shape), which is not one of Stable Diffusion; get "
                    + "the file again", path: file.path)
        }
        return shape
    }

    /// How many names there are of the form `stem` + 0, 1, 2 … + `ending`.
    func count(_ stem: String, _ ending: String, limit: Int = 256) -> Int {
        (0..<limit).first { !names.contains("\(stem)\($0)\(ending)") } ?? limit
    }

    /// The checkpoint under other names.
    ///
    /// - Parameters:
    ///   - views: the tensors by their new names; the names in the views have no prefix.
    ///   - isIgnored: whether a tensor that no view sees may be there.
    /// - Throws: ``CheckpointError`` if a tensor is missing, or there is one more than the network has.
    func renamed(
        _ views: [String: TensorView], isIgnored: (String) -> Bool
    ) throws(CheckpointError) -> Checkpoint {
        let seen = Set(views.values.map(\.name))
        if let name = names.filter({ !seen.contains($0) && !isIgnored($0) }).min() {
            throw CheckpointError(
                .mismatchedTensor,
                "holds the tensor \(CheckpointError.quoted(prefix + name)), for which Stable Diffusion 1 and 2 have no place: it is a model "
                    + "of another kind; give one of these", path: file.path)
        }
        return try file.renamed(views.mapValues { TensorView(prefix + $0.name, part: $0.part) })
    }

    /// The error for a network that is none of Stable Diffusion.
    func foreign(_ what: String) -> CheckpointError {
        CheckpointError(.unsupported, "holds no network of Stable Diffusion 1 or 2: \(what); give one of these", path: file.path)
    }
}

/// Pairs of names, from which views are made.
struct NamePairs {
    private(set) var views: [String: TensorView] = [:]

    /// The weight and the bias of a layer.
    mutating func layer(_ name: String, _ original: String, hasBias: Bool = true, part: TensorView.Part? = nil) {
        tensor("\(name).weight", "\(original).weight", part: part)
        if hasBias { tensor("\(name).bias", "\(original).bias", part: part) }
    }

    mutating func tensor(_ name: String, _ original: String, part: TensorView.Part? = nil) {
        views[name] = TensorView(original, part: part)
    }
}
