import Checkpoints

/// Recognises files that are not Stable Diffusion 1 or 2, but look to their owner as if they were.
enum ForeignNetwork {
    /// What a file is, as the predicate of a sentence; nil if it has the U-Net of Stable Diffusion 1 or 2.
    static func description(of file: Checkpoint) -> String? {
        let names = file.names
        // The names of networks, whether they stand alone or under the prefix of a model.
        let prefix = OriginalLayout.unetPrefix
        let roots = names.map { $0.hasPrefix(prefix) ? $0.dropFirst(prefix.count) : $0[...] }
        func holds(_ parts: String...) -> Bool { roots.contains { name in parts.contains { name.hasPrefix($0) } } }
        func contains(_ parts: String...) -> Bool { names.contains { name in parts.contains { name.contains($0) } } }

        if contains(".lora_down.", ".lora_up.", ".lora_A.", ".lora_B.", ".hada_w1_") {
            return "holds a LoRA, the changes to a model and not the model itself"
        }
        if holds("double_blocks.0.", "single_blocks.0.", "single_transformer_blocks.0.") {
            return "is a model of Flux, a transformer"
        }
        if holds("joint_blocks.0.", "text_encoders.t5xxl.") { return "is Stable Diffusion 3, a transformer" }
        if holds("control_model.", "input_hint_block.", "controlnet_cond_embedding.") {
            return "is a ControlNet, an addition to a model"
        }
        if contains(".time_stack.", ".temporal_transformer.", "temporal_attentions") { return "is a model of videos" }
        if holds("conditioner.embedders.", "label_emb.0.0.") {
            return contextChannels(file) == 1280
                ? "is the refiner of Stable Diffusion XL"
                : "is Stable Diffusion XL, or a model with another embedding beside the text"
        }
        if holds("down_blocks.0.resnets.", "encoder.down_blocks.0.resnets.") {
            return "is one part of a folder of diffusers, and not a model by itself (give the folder that holds unet and vae)"
        }
        if holds("encoder.down.0.block.0.") { return "is an autoencoder alone" }
        if holds("string_to_param", "emb_params", "text_model.", "cond_stage_model.") && !holds("input_blocks.0.0.") {
            return "is a text encoder or an embedding alone"
        }
        guard let shape = file.entry(named: "\(OriginalLayout.unetPrefix)input_blocks.0.0.weight")?.shape, shape.count == 4 else {
            return "holds no U-Net in the layout of Stable Diffusion (model.diffusion_model.input_blocks)"
        }
        switch shape[1] {
        case 9: return "is a model for inpainting, whose U-Net takes a mask and the masked image too (9 channels)"
        case 8: return "is a model that edits images, whose U-Net takes a second image (8 channels)"
        case 7: return "is a model that enlarges images, whose U-Net takes the small image too (7 channels)"
        case 5: return "is a model that takes a map of depth too (5 channels)"
        default: break
        }
        if holds("label_emb.") { return "is a model with classes or another embedding beside the text" }
        if contains(".transformer_blocks.1.") { return "is Stable Diffusion XL, or another model with deeper transformers" }
        return nil
    }

    /// The channels of the context that the middle of the U-Net attends to.
    private static func contextChannels(_ file: Checkpoint) -> Int? {
        file.entry(named: "\(OriginalLayout.unetPrefix)middle_block.1.transformer_blocks.0.attn2.to_k.weight")?.shape.last
    }
}
