import Checkpoints

/// The autoencoder of the original layout: the structure of its encoder, from names and shapes, and the names of its tensors.
///
/// ```
/// encoder.down.1.block.0              encoder.down_blocks.1.resnets.0
/// encoder.down.1.downsample.conv      encoder.down_blocks.1.downsamplers.0.conv
/// encoder.mid.block_1, attn_1         encoder.mid_block.resnets.0, .attentions.0
/// encoder.norm_out, quant_conv        encoder.conv_norm_out, quant_conv
/// ```
///
/// The layers of the attention are stored as 1×1 convolutions, which `DiffusionWeights.linear` accepts.
struct OriginalAutoencoder {
    private let channels: [Int]
    private let residualBlocks: Int
    private let latentChannels: Int
    private let shapes: NamedShapes

    /// - Throws: ``CheckpointError`` if a tensor is missing, or the structure is not that of Stable Diffusion.
    init(_ shapes: NamedShapes) throws(CheckpointError) {
        self.shapes = shapes
        let levels = shapes.count("encoder.down.", ".block.0.conv1.weight", limit: 8)
        residualBlocks = shapes.count("encoder.down.0.block.", ".conv1.weight", limit: 16)
        var channels: [Int] = []
        for level in 0..<levels { channels.append(try shapes.shape("encoder.down.\(level).block.0.conv1.weight", axes: 4)[0]) }
        self.channels = channels
        latentChannels = try shapes.shape("quant_conv.weight", axes: 4)[0] / 2
        guard (2...6).contains(levels), (1...8).contains(residualBlocks),
            try shapes.shape("encoder.conv_in.weight", axes: 4)[1] == 3
        else {
            throw shapes.foreign(
                "its autoencoder has \(levels) levels of \(residualBlocks) blocks, or does not take colour images")
        }
    }

    /// The configuration, with what the tensors do not say.
    ///
    /// - Throws: ``CheckpointError`` if the groups do not divide the channels, or a number is out of range.
    func configuration(groups: Int) throws(CheckpointError) -> AutoencoderConfiguration {
        guard channels.allSatisfy({ (1...8192).contains($0) && $0 % groups == 0 }), (1...64).contains(latentChannels) else {
            throw shapes.foreign("its autoencoder has \(channels) channels, which \(groups) groups do not divide")
        }
        return AutoencoderConfiguration(
            imageChannels: 3, latentChannels: latentChannels, channels: channels, residualBlocks: residualBlocks,
            normGroups: groups, scalingFactor: 0.18215)
    }

    /// The original names by those of diffusers, of the encoder and what follows it.
    var views: [String: TensorView] {
        var pairs = NamePairs()
        pairs.layer("encoder.conv_in", "encoder.conv_in")
        pairs.layer("encoder.conv_norm_out", "encoder.norm_out")
        pairs.layer("encoder.conv_out", "encoder.conv_out")
        pairs.layer("quant_conv", "quant_conv")
        for level in channels.indices {
            let (block, original) = ("encoder.down_blocks.\(level)", "encoder.down.\(level)")
            for index in 0..<residualBlocks {
                addResidual(&pairs, "\(block).resnets.\(index)", "\(original).block.\(index)")
            }
            if level < channels.count - 1 { pairs.layer("\(block).downsamplers.0.conv", "\(original).downsample.conv") }
        }
        addResidual(&pairs, "encoder.mid_block.resnets.0", "encoder.mid.block_1")
        addResidual(&pairs, "encoder.mid_block.resnets.1", "encoder.mid.block_2")
        for (name, original) in [
            ("group_norm", "norm"), ("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "proj_out"),
        ] {
            pairs.layer("encoder.mid_block.attentions.0.\(name)", "encoder.mid.attn_1.\(original)")
        }
        return pairs.views
    }

    private func addResidual(_ pairs: inout NamePairs, _ name: String, _ original: String) {
        for part in ["norm1", "conv1", "norm2", "conv2"] { pairs.layer("\(name).\(part)", "\(original).\(part)") }
        if shapes.names.contains("\(original).nin_shortcut.weight") {
            pairs.layer("\(name).conv_shortcut", "\(original).nin_shortcut")
        }
    }
}
