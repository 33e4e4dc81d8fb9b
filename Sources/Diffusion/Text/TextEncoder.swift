public import Basics
internal import Checkpoints
public import Tensors

/// CLIP's text transformer (Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, 2021):
/// 77 ids of a ``Tokenizer`` → the context that the U-Net attends to.
///
/// Layers are loaded one after another during a pass and dropped after it, so that the encoder, which runs once for each prompt,
/// never takes more memory than its largest layer. The context of the empty prompt is one constant of a model: keep it.
public struct TextEncoder: Sendable {
    public let configuration: TextEncoderConfiguration

    private let weights: NetworkWeights
    private let path: String

    /// Opens the folder `text_encoder`, and checks names and shapes of all tensors.
    ///
    /// - Throws: ``DiffusionError`` where a file is missing or damaged, or weights and config do not belong together.
    public init(folder: String) throws(DiffusionError) {
        configuration = try TextEncoderConfiguration(file: ConfigurationFile("\(folder)/config.json"))
        do throws(CheckpointError) {
            let checkpoint = try Checkpoint(folder: folder, stem: "model")
            path = checkpoint.path
            // Files made from the text model alone have no prefix.
            let root = NetworkWeights(checkpoint)
            weights = root.has("text_model.final_layer_norm.weight") ? root["text_model"] : root
            try Self.check(checkpoint, configuration)
        } catch {
            throw DiffusionError(error)
        }
    }

    /// The last hidden state, normalised: what diffusers hands to the U-Net.
    ///
    /// - Parameter identifiers: 77 ids.
    /// - Returns: `[1, 77, channels]`
    /// - Throws: ``DiffusionError`` where an id has no embedding, or a file has changed since the encoder was opened.
    /// - Complexity: 77 tokens through 12 layers of 768 channels (Stable Diffusion 1) are 13 GFLOP.
    public func encode(_ identifiers: [Int]) throws(DiffusionError) -> Tensor {
        guard identifiers.count == configuration.length,
            identifiers.allSatisfy({ (0..<configuration.vocabularySize).contains($0) })
        else {
            throw DiffusionError(
                .invalidInput,
                "takes \(configuration.length) ids below \(configuration.vocabularySize): the tokenizer belongs to another model",
                path: path)
        }
        do throws(CheckpointError) {
            var x = try embed(identifiers)
            for index in 0..<configuration.layers {
                let part = weights["encoder"]["layers"]["\(index)"]
                x = try TextEncoderLayer(part, configuration)(x)
                part.releasePages()
            }
            return try weights["final_layer_norm"].layerNorm(channels: configuration.channels)(x)
        } catch {
            throw DiffusionError(error)
        }
    }

    /// Embeddings of tokens plus those of their places, `[1, 77, C]`.
    private func embed(_ identifiers: [Int]) throws(CheckpointError) -> Tensor {
        let channels = configuration.channels
        let part = weights["embeddings"]
        let tokens = try part["token_embedding"].tensor("weight", [configuration.vocabularySize, channels])
        let places = try part["position_embedding"].tensor("weight", [configuration.length, channels])
        defer { part.releasePages() }
        return tokens.withUnsafeBufferPointer { tokens in
            places.withUnsafeBufferPointer { places in
                Tensor(shape: [1, identifiers.count, channels]) { sum in
                    for (place, identifier) in identifiers.enumerated() {
                        for channel in 0..<channels {
                            sum[place * channels + channel] =
                                tokens[identifier * channels + channel] + places[place * channels + channel]
                        }
                    }
                }
            }
        }
    }
}
