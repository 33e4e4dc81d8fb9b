internal import Checkpoints

extension TextEncoder {
    /// Whether a checkpoint has every tensor of the architecture, in its shape, and none besides: a text encoder with more
    /// layers than its config says would be computed wrongly in silence.
    static func check(_ checkpoint: Checkpoint, _ configuration: TextEncoderConfiguration) throws(CheckpointError) {
        let prefix = checkpoint.entry(named: "text_model.final_layer_norm.weight") == nil ? "" : "text_model."
        let shapes = shapes(configuration)
        for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            try checkpoint.check(prefix + name, expecting: shape)
        }
        // Constants of old files, and what other uses of the model project to.
        let ignored = ["\(prefix)embeddings.position_ids", "text_projection.weight", "logit_scale"]
        try checkpoint.checkNames { name in
            ignored.contains(name) || name.hasPrefix(prefix) && shapes[String(name.dropFirst(prefix.count))] != nil
        }
    }

    private static func shapes(_ configuration: TextEncoderConfiguration) -> [String: [Int]] {
        let (channels, inner) = (configuration.channels, configuration.innerChannels)
        var shapes = [
            "embeddings.token_embedding.weight": [configuration.vocabularySize, channels],
            "embeddings.position_embedding.weight": [configuration.length, channels],
        ]
        func add(_ name: String, _ weight: [Int]) {
            shapes["\(name).weight"] = weight
            shapes["\(name).bias"] = [weight[0]]
        }
        add("final_layer_norm", [channels])
        for layer in 0..<configuration.layers {
            for name in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                add("encoder.layers.\(layer).self_attn.\(name)", [channels, channels])
            }
            add("encoder.layers.\(layer).layer_norm1", [channels])
            add("encoder.layers.\(layer).layer_norm2", [channels])
            add("encoder.layers.\(layer).mlp.fc1", [inner, channels])
            add("encoder.layers.\(layer).mlp.fc2", [channels, inner])
        }
        return shapes
    }
}
