import Basics
import Checkpoints

/// The networks of a model with their weights, from whatever files it has.
struct ModelParts: Sendable {
    /// The folder or file.
    let path: String
    let unet: (configuration: UNetConfiguration, checkpoint: Checkpoint)
    let autoencoder: (configuration: AutoencoderConfiguration, checkpoint: Checkpoint)
    let schedule: NoiseSchedule
    let contextSource: any ContextSource
    /// What layout and model it is.
    private let kind: String

    /// Opens a model in the layout of its files.
    ///
    /// - Throws: ``DiffusionError`` if files are missing or damaged, or hold another model.
    init(path: String, tokenizer: String? = nil) throws(DiffusionError) {
        guard let file = try SingleFile(path: path, tokenizer: tokenizer) else {
            guard tokenizer == nil else {
                throw DiffusionError(
                    .invalidInput, "is a folder of diffusers, which has its own tokenizer: leave out the other", path: path)
            }
            self = try ModelParts(folder: path)
            return
        }
        self = try ModelParts(file)
    }

    /// Opens a folder in the layout of diffusers. Other subfolders than those of the networks are ignored.
    ///
    /// - Throws: ``DiffusionError`` if a file is missing or damaged, or parts do not belong together.
    init(folder: String) throws(DiffusionError) {
        path = folder
        let unetConfiguration = try UNetConfiguration(file: ConfigurationFile("\(folder)/unet/config.json"))
        let encoderConfiguration = try AutoencoderConfiguration(file: ConfigurationFile("\(folder)/vae/config.json"))
        schedule = try NoiseSchedule(file: ConfigurationFile("\(folder)/scheduler/scheduler_config.json"))
        try Self.check(unetConfiguration, encoderConfiguration, path: folder)
        do throws(CheckpointError) {
            let stem = "diffusion_pytorch_model"
            unet = (unetConfiguration, try Checkpoint(folder: "\(folder)/unet", stem: stem))
            autoencoder = (encoderConfiguration, try Checkpoint(folder: "\(folder)/vae", stem: stem))
        } catch {
            throw DiffusionError(error)
        }
        contextSource = FolderContext(folder: folder)
        kind = "a folder of diffusers"
    }

    /// Opens a model in one file. The schedule is that of Stable Diffusion 1 and 2.
    ///
    /// - Throws: ``DiffusionError`` if the file is damaged, or holds another model.
    init(_ file: SingleFile, conventions: OriginalLayout.Conventions = .init()) throws(DiffusionError) {
        path = file.path
        let layout = try file.layout(conventions)
        (unet, autoencoder) = (layout.unet, layout.autoencoder)
        try Self.check(unet.configuration, autoencoder.configuration, path: path)
        schedule = NoiseSchedule()
        contextSource = SingleFileContext(
            text: layout.text, generation: layout.generation, tokenizerFolder: file.tokenizerFolder,
            startToken: conventions.startToken, path: path)
        kind = "Stable Diffusion \(layout.generation.rawValue) in one file"
    }

    private static func check(
        _ unet: UNetConfiguration, _ autoencoder: AutoencoderConfiguration, path: String
    ) throws(DiffusionError) {
        guard unet.latentChannels == autoencoder.latentChannels else {
            throw DiffusionError(
                .malformed,
                "has a U-Net for latents of \(unet.latentChannels) channels and an autoencoder that gives "
                    + "\(autoencoder.latentChannels): the parts are of different models; get all from one place", path: path)
        }
    }

    /// What the files hold, and what was assumed of them, in one line.
    var summary: String {
        func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }
        let heads = Set(unet.configuration.heads).count == 1 ? "\(unet.configuration.heads[0])" : list(unet.configuration.heads)
        return "\(kind): U-Net of \(list(unet.configuration.channels)) channels, \(heads) heads and a context of "
            + "\(unet.configuration.contextChannels), autoencoder of \(list(autoencoder.configuration.channels)) channels, text: "
            + contextSource.summary
    }
}
