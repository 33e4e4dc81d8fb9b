/// A small Stable Diffusion 1 in one file, in the layout of its authors, with the groups and heads of the published models: two
/// levels of 32 channels, seeded random weights of float16, and CLIP's number of tokens.
public enum OneFileModel {
    /// The bytes of a safetensors file.
    public static func bytes(seed: UInt64 = 1) -> [UInt8] {
        var tensors: [(name: String, shape: [Int])] = []
        func layer(_ name: String, _ shape: [Int], hasBias: Bool = true) {
            tensors.append(("\(name).weight", shape))
            if hasBias { tensors.append(("\(name).bias", [shape[0]])) }
        }
        let (channels, context) = (32, 8)

        let unet = "model.diffusion_model"
        func residual(_ name: String, _ inputs: Int) {
            layer("\(name).in_layers.0", [inputs])
            layer("\(name).in_layers.2", [channels, inputs, 3, 3])
            layer("\(name).emb_layers.1", [channels, 4 * channels])
            layer("\(name).out_layers.0", [channels])
            layer("\(name).out_layers.3", [channels, channels, 3, 3])
            if inputs != channels { layer("\(name).skip_connection", [channels, inputs, 1, 1]) }
        }
        func transformer(_ name: String) {
            let block = "\(name).transformer_blocks.0"
            layer("\(name).norm", [channels])
            layer("\(name).proj_in", [channels, channels, 1, 1])
            for (attention, width) in [("attn1", channels), ("attn2", context)] {
                layer("\(block).\(attention).to_q", [channels, channels], hasBias: false)
                layer("\(block).\(attention).to_k", [channels, width], hasBias: false)
                layer("\(block).\(attention).to_v", [channels, width], hasBias: false)
                layer("\(block).\(attention).to_out.0", [channels, channels])
            }
            layer("\(block).ff.net.0.proj", [8 * channels, channels])
            layer("\(block).ff.net.2", [channels, 4 * channels])
            for norm in ["norm1", "norm2", "norm3"] { layer("\(block).\(norm)", [channels]) }
            layer("\(name).proj_out", [channels, channels, 1, 1])
        }
        layer("\(unet).time_embed.0", [4 * channels, channels])
        layer("\(unet).time_embed.2", [4 * channels, 4 * channels])
        layer("\(unet).input_blocks.0.0", [channels, 4, 3, 3])
        residual("\(unet).input_blocks.1.0", channels)
        transformer("\(unet).input_blocks.1.1")
        layer("\(unet).input_blocks.2.0.op", [channels, channels, 3, 3])
        residual("\(unet).input_blocks.3.0", channels)
        residual("\(unet).middle_block.0", channels)
        transformer("\(unet).middle_block.1")
        residual("\(unet).middle_block.2", channels)
        for index in 0..<4 { residual("\(unet).output_blocks.\(index).0", 2 * channels) }
        layer("\(unet).output_blocks.1.1.conv", [channels, channels, 3, 3])
        for index in 2..<4 { transformer("\(unet).output_blocks.\(index).1") }
        layer("\(unet).out.0", [channels])
        layer("\(unet).out.2", [4, channels, 3, 3])

        let encoder = "first_stage_model.encoder"
        func plain(_ name: String) {
            for norm in ["norm1", "norm2"] { layer("\(name).\(norm)", [channels]) }
            for convolution in ["conv1", "conv2"] { layer("\(name).\(convolution)", [channels, channels, 3, 3]) }
        }
        layer("\(encoder).conv_in", [channels, 3, 3, 3])
        for name in ["down.0.block.0", "down.1.block.0", "mid.block_1", "mid.block_2"] { plain("\(encoder).\(name)") }
        layer("\(encoder).down.0.downsample.conv", [channels, channels, 3, 3])
        layer("\(encoder).mid.attn_1.norm", [channels])
        for part in ["q", "k", "v", "proj_out"] { layer("\(encoder).mid.attn_1.\(part)", [channels, channels, 1, 1]) }
        layer("\(encoder).norm_out", [channels])
        layer("\(encoder).conv_out", [8, channels, 3, 3])
        layer("first_stage_model.quant_conv", [8, 8, 1, 1])

        let text = "cond_stage_model.transformer.text_model"
        tensors.append(("\(text).embeddings.token_embedding.weight", [49408, context]))
        tensors.append(("\(text).embeddings.position_embedding.weight", [77, context]))
        for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            layer("\(text).encoder.layers.0.self_attn.\(part)", [context, context])
        }
        for norm in ["encoder.layers.0.layer_norm1", "encoder.layers.0.layer_norm2", "final_layer_norm"] {
            layer("\(text).\(norm)", [context])
        }
        layer("\(text).encoder.layers.0.mlp.fc1", [4 * context, context])
        layer("\(text).encoder.layers.0.mlp.fc2", [context, 4 * context])
        tensors.append(("alphas_cumprod", [1000]))
        return file(tensors, seed: seed)
    }

    private static func file(_ tensors: [(name: String, shape: [Int])], seed: UInt64) -> [UInt8] {
        var (fields, data): ([String], [UInt8]) = ([], [])
        var state = seed
        for (name, shape) in tensors {
            let count = shape.reduce(1, *)
            let scale = shape.count > 1 ? 2 / Float(shape.dropFirst().reduce(1, *)).squareRoot() : 0.1
            let offset: Float = shape.count == 1 && name.hasSuffix("weight") ? 1 : 0
            fields.append(
                "\"\(name)\":{\"dtype\":\"F16\",\"shape\":\(shape),\"data_offsets\":[\(data.count),\(data.count + 2 * count)]}")
            for _ in 0..<count {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let value = half(offset + scale * (Float(state >> 40) / Float(1 << 23) - 1))
                data += [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)]
            }
        }
        let json = Array("{\(fields.joined(separator: ","))}".utf8)
        return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> (8 * $0)) } + json + data
    }

    /// The bits of a float16 below a value towards zero; of values under 2⁻¹⁴, zero.
    private static func half(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let exponent = Int(bits >> 23 & 0xFF) - 112
        guard exponent > 0 else { return 0 }
        return UInt16(bits >> 16 & 0x8000) | UInt16(exponent) << 10 | UInt16(bits >> 13 & 0x3FF)
    }
}
