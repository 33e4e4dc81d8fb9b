import Checkpoints

/// The text encoder of the original layout: CLIP as transformers stores it in Stable Diffusion 1, OpenCLIP's in 2.
///
/// ```
/// cond_stage_model.transformer.text_model.…             the names of transformers, with or without text_model
/// cond_stage_model.model.token_embedding                embeddings.token_embedding
/// ….transformer.resblocks.0.ln_1, ln_2                  encoder.layers.0.layer_norm1, layer_norm2
/// ….attn.in_proj_weight, in_proj_bias                   q_proj, k_proj and v_proj, one after another
/// ….mlp.c_fc, mlp.c_proj;  ln_final                     mlp.fc1, mlp.fc2;  final_layer_norm
/// ```
///
/// Stable Diffusion 2 takes the context before the last layer, so that layer is left out, as in the folders of diffusers.
/// `text_projection` belongs to CLIP's comparison with images and is not read.
struct OriginalTextEncoder {
    private let shapes: NamedShapes
    private let generation: OriginalLayout.Generation
    private let layers: Int

    /// The text encoder of a file; nil if it has none.
    static func find(in file: Checkpoint) -> OriginalTextEncoder? {
        let root = OriginalLayout.textPrefix
        let prefixes: [(prefix: String, generation: OriginalLayout.Generation)] = [
            ("\(root)transformer.text_model.", .first), ("\(root)transformer.", .first), ("\(root)model.", .second),
        ]
        for (prefix, generation) in prefixes {
            let shapes = NamedShapes(file, prefix)
            let embedding = generation == .first ? "embeddings.token_embedding.weight" : "token_embedding.weight"
            if shapes.names.contains(embedding) { return OriginalTextEncoder(shapes, generation) }
        }
        return nil
    }

    private init(_ shapes: NamedShapes, _ generation: OriginalLayout.Generation) {
        (self.shapes, self.generation) = (shapes, generation)
        switch generation {
        case .first: layers = shapes.count("encoder.layers.", ".mlp.fc1.weight")
        case .second:
            let count = shapes.count("transformer.resblocks.", ".mlp.c_fc.weight")
            // OpenCLIP's ViT-H has 24; files that were written from a folder of diffusers may already lack the last.
            let isShortened = count == 23 && shapes["positional_embedding"]?.last == 1024
            layers = isShortened ? count : count - 1
        }
    }

    /// The configuration.
    ///
    /// - Parameter heads: their number, from the channels.
    /// - Throws: ``CheckpointError`` if a tensor is missing, or a number is out of range.
    func configuration(heads: (_ channels: Int) -> Int) throws(CheckpointError) -> TextEncoderConfiguration {
        let (embedding, expansion) =
            switch generation {
            case .first: ("embeddings.token_embedding.weight", "encoder.layers.0.mlp.fc1.weight")
            case .second: ("token_embedding.weight", "transformer.resblocks.0.mlp.c_fc.weight")
            }
        let vocabulary = try shapes.shape(embedding, axes: 2)
        let inner = try shapes.shape(expansion, axes: 2)[0]
        let (channels, heads) = (vocabulary[1], heads(vocabulary[1]))
        guard (1...8192).contains(channels), (1...65_536).contains(inner), layers > 0, heads > 0, channels % heads == 0 else {
            throw shapes.foreign("its text encoder has \(channels) channels and \(layers) layers")
        }
        return TextEncoderConfiguration(
            vocabularySize: vocabulary[0], channels: channels, innerChannels: inner, layers: layers, heads: heads,
            length: Tokenizer.length, usesQuickGELU: generation == .first)
    }

    /// The tensors under the names of transformers, without `text_model.`.
    ///
    /// - Throws: ``CheckpointError`` if a tensor is missing, or there is one more than the network has.
    func checkpoint() throws(CheckpointError) -> Checkpoint {
        let last = "transformer.resblocks.\(layers)."
        let ignored = ["embeddings.position_ids", "attn_mask", "text_projection", "text_projection.weight", "logit_scale"]
        return try shapes.renamed(generation == .first ? firstViews : secondViews) { name in
            ignored.contains(name) || generation == .second && name.hasPrefix(last)
        }
    }

    private var firstViews: [String: TensorView] {
        var pairs = NamePairs()
        for name in ["token_embedding.weight", "position_embedding.weight"] {
            pairs.tensor("embeddings.\(name)", "embeddings.\(name)")
        }
        pairs.layer("final_layer_norm", "final_layer_norm")
        for layer in 0..<layers {
            for part in [
                "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "layer_norm1", "layer_norm2",
                "mlp.fc1", "mlp.fc2",
            ] {
                pairs.layer("encoder.layers.\(layer).\(part)", "encoder.layers.\(layer).\(part)")
            }
        }
        return pairs.views
    }

    private var secondViews: [String: TensorView] {
        var pairs = NamePairs()
        pairs.tensor("embeddings.token_embedding.weight", "token_embedding.weight")
        pairs.tensor("embeddings.position_embedding.weight", "positional_embedding")
        pairs.layer("final_layer_norm", "ln_final")
        for layer in 0..<layers {
            let (name, original) = ("encoder.layers.\(layer)", "transformer.resblocks.\(layer)")
            for (index, part) in ["q_proj", "k_proj", "v_proj"].enumerated() {
                let third = TensorView.Part(index, of: 3)
                pairs.tensor("\(name).self_attn.\(part).weight", "\(original).attn.in_proj_weight", part: third)
                pairs.tensor("\(name).self_attn.\(part).bias", "\(original).attn.in_proj_bias", part: third)
            }
            for (part, originalPart) in [
                ("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"),
                ("mlp.fc1", "mlp.c_fc"),
                ("mlp.fc2", "mlp.c_proj"),
            ] {
                pairs.layer("\(name).\(part)", "\(original).\(originalPart)")
            }
        }
        return pairs.views
    }
}
