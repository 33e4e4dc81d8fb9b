import Basics
import Checkpoints
import Tensors

/// What computes the context of a prompt for a model.
protocol ContextSource: Sendable {
    /// - Parameter channels: those that the U-Net attends to.
    /// - Returns: `[1, tokens, channels]`
    /// - Throws: ``DiffusionError`` if files are missing or damaged, belong to different models, or know the empty prompt only.
    func context(for prompt: String, channels: Int) throws(DiffusionError) -> Tensor

    /// What it is, for people to read.
    var summary: String { get }
}

/// The text encoder and the tokenizer of a folder of diffusers, or its stored context of the empty prompt.
struct FolderContext: ContextSource {
    /// The file that replaces tokenizer and text encoder in models for the empty prompt only.
    static let constantFile = "empty_context.safetensors"

    let folder: String

    func context(for prompt: String, channels: Int) throws(DiffusionError) -> Tensor {
        if let constant = try constant(channels: channels) {
            guard prompt.isEmpty else {
                throw DiffusionError(
                    .invalidInput,
                    "has no text encoder and knows the empty prompt only, not '\(prompt.prefix(40))'; leave the prompt empty",
                    path: folder)
            }
            return constant
        }
        let encoder = try TextEncoder(folder: "\(folder)/text_encoder")
        try encoder.check(channels: channels, path: folder)
        return try encoder.encode(Tokenizer(folder: "\(folder)/tokenizer").encode(prompt))
    }

    /// The stored context of the empty prompt; nil if the folder has none.
    private func constant(channels: Int) throws(DiffusionError) -> Tensor? {
        let path = "\(folder)/\(Self.constantFile)"
        guard FilePath.exists(path) else { return nil }
        do throws(CheckpointError) {
            let checkpoint = try Checkpoint(path: path)
            let tokens = checkpoint.entry(named: "context")?.shape.dropFirst().first ?? 1
            return try checkpoint.tensor(named: "context", expecting: [1, tokens, channels])
        } catch {
            throw DiffusionError(error)
        }
    }

    var summary: String {
        FilePath.exists("\(folder)/\(Self.constantFile)")
            ? "the stored context of the empty prompt" : "the folder's text encoder and tokenizer"
    }
}

/// The text encoder of a single file, with a tokenizer from elsewhere or none.
struct SingleFileContext: ContextSource {
    let text: (configuration: TextEncoderConfiguration, checkpoint: Checkpoint)?
    let generation: OriginalLayout.Generation
    /// The folder with `vocab.json` and `merges.txt`; nil if there is none.
    let tokenizerFolder: String?
    let startToken: Int
    let path: String

    func context(for prompt: String, channels: Int) throws(DiffusionError) -> Tensor {
        guard let text else {
            throw DiffusionError(
                .unsupported,
                "holds no text encoder (cond_stage_model), without which no prompt has a context: get the file that has it",
                path: path)
        }
        let encoder = try TextEncoder(text.checkpoint, text.configuration)
        try encoder.check(channels: channels, path: path)
        return try encoder.encode(identifiers(of: prompt))
    }

    private func identifiers(of prompt: String) throws(DiffusionError) -> [Int] {
        if let tokenizerFolder {
            return try Tokenizer(folder: tokenizerFolder, specialTokens: .clip(of: generation)).encode(prompt)
        }
        guard prompt.isEmpty else {
            throw DiffusionError(
                .invalidInput,
                "has no tokenizer and knows the empty prompt only, not '\(prompt.prefix(40))': put vocab.json and merges.txt of CLIP beside "
                    + "the file, or give their folder", path: path)
        }
        let end = startToken + 1
        let padding = generation == .first ? end : 0
        return [startToken, end] + Array(repeating: padding, count: Tokenizer.length - 2)
    }

    var summary: String {
        let encoder =
            text.map { text in
                "\(generation == .first ? "CLIP" : "OpenCLIP") of \(text.configuration.layers) layers and \(text.configuration.channels) "
                    + "channels"
            } ?? "no text encoder, so no prompt"
        return encoder + ", " + (tokenizerFolder.map { "tokenizer in \($0)" } ?? "no tokenizer, so the empty prompt only")
    }
}

extension TextEncoder {
    /// - Throws: ``DiffusionError`` if its channels are not those that the U-Net of a model attends to.
    fileprivate func check(channels: Int, path: String) throws(DiffusionError) {
        guard configuration.channels == channels else {
            throw DiffusionError(
                .malformed,
                "has a text encoder of \(configuration.channels) channels and a U-Net that attends to \(channels): the "
                    + "parts are of different models; get all from one place", path: path)
        }
    }
}
