import Basics
import Checkpoints
import Tensors

/// How a model comes by the context of a prompt.
enum TextContext {
    /// The file that takes the place of tokenizer and text encoder in models that know no text but the empty one.
    static let constantFile = "empty_context.safetensors"

    /// - Returns: `[1, tokens, channels]`
    static func make(for prompt: String, folder: String, channels: Int) throws(DiffusionError) -> Tensor {
        if let constant = try constant(folder: folder, channels: channels) {
            guard prompt.isEmpty else {
                throw DiffusionError(
                    .invalidInput, "has no text encoder and knows the empty prompt only, not '\(prompt.prefix(40))'", path: folder
                )
            }
            return constant
        }
        let encoder = try TextEncoder(folder: "\(folder)/text_encoder")
        guard encoder.configuration.channels == channels else {
            throw DiffusionError(
                .malformed,
                "has a text encoder of \(encoder.configuration.channels) channels and a U-Net that attends to \(channels): the "
                    + "parts are of different models", path: folder)
        }
        return try encoder.encode(Tokenizer(folder: "\(folder)/tokenizer").encode(prompt))
    }

    private static func constant(folder: String, channels: Int) throws(DiffusionError) -> Tensor? {
        let path = "\(folder)/\(constantFile)"
        guard ConfigurationFile.exists(path) else { return nil }
        do throws(CheckpointError) {
            let checkpoint = try Checkpoint(path: path)
            let tokens = checkpoint.entry(named: "context")?.shape.dropFirst().first ?? 1
            return try checkpoint.tensor(named: "context", expecting: [1, tokens, channels])
        } catch {
            throw DiffusionError(error)
        }
    }
}
