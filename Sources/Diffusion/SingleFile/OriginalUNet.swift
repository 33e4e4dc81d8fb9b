import Checkpoints

/// The U-Net of the original layout: its structure, from names and shapes, and the names of its tensors.
///
/// The blocks of the encoder are numbered through: `input_blocks.0` is the first convolution; then each residual block with its
/// transformer has a number, and each halving of the grid. The decoder's `output_blocks` are numbered in the same way, but a
/// doubling is the last part of the block before it.
///
/// ```
/// input_blocks.0.0                    conv_in
/// input_blocks.1.0, .1.1              down_blocks.0.resnets.0, .attentions.0
/// input_blocks.3.0.op                 down_blocks.0.downsamplers.0.conv
/// middle_block.0, .1, .2              mid_block.resnets.0, .attentions.0, .resnets.1
/// output_blocks.2.0, .2.1.conv        up_blocks.0.resnets.2, .upsamplers.0.conv
/// time_embed.0, .2;  out.0, .2        time_embedding.linear_1, .linear_2;  conv_norm_out, conv_out
/// ```
struct OriginalUNet {
    let latentChannels: Int
    /// The channels at each level, finest first.
    private(set) var channels: [Int] = []
    let residualBlocks: Int
    let hasAttention: [Bool]
    let contextChannels: Int
    /// Whether the layers around transformers are stored as linear ones, as in Stable Diffusion 2, and not as 1×1 convolutions.
    let hasLinearProjections: Bool
    private let shapes: NamedShapes

    /// - Throws: ``CheckpointError`` if a tensor is missing, or the structure is not that of Stable Diffusion.
    init(_ shapes: NamedShapes) throws(CheckpointError) {
        self.shapes = shapes
        latentChannels = try shapes.shape("input_blocks.0.0.weight", axes: 4)[1]
        // Each level's residual blocks: their channels, and whether they have a transformer.
        var levels: [[(channels: Int, hasAttention: Bool)]] = [[]]
        var transformer: String?
        for index in 1..<shapes.count("input_blocks.", ".0.in_layers.0.weight", downsampler: ".0.op.weight") {
            let block = "input_blocks.\(index)"
            if shapes.names.contains("\(block).0.op.weight") {
                levels.append([])
                continue
            }
            let hasAttention = shapes.names.contains("\(block).1.norm.weight")
            if hasAttention { transformer = transformer ?? "\(block).1" }
            levels[levels.count - 1].append((try shapes.shape("\(block).0.out_layers.3.weight", axes: 4)[0], hasAttention))
        }
        guard (2...6).contains(levels.count), let first = levels[0].first, let transformer else {
            throw shapes.foreign("its U-Net has \(levels.count) levels, or no transformer")
        }
        residualBlocks = levels[0].count
        var attentions: [Bool] = []
        for level in levels {
            let block = level.first ?? first
            guard level.count == residualBlocks,
                level.allSatisfy({ $0.channels == block.channels && $0.hasAttention == block.hasAttention })
            else { throw shapes.foreign("the blocks of a level of its U-Net differ") }
            channels.append(block.channels)
            attentions.append(block.hasAttention)
        }
        hasAttention = attentions
        guard (1...8).contains(residualBlocks), try shapes.shape("input_blocks.0.0.weight", axes: 4)[0] == channels[0] else {
            throw shapes.foreign("its U-Net has \(residualBlocks) residual blocks in a level")
        }
        contextChannels = try shapes.shape("\(transformer).transformer_blocks.0.attn2.to_k.weight", axes: 2)[1]
        hasLinearProjections = shapes["\(transformer).proj_in.weight"]?.count == 2
    }

    /// The configuration, with what the tensors do not say.
    ///
    /// - Throws: ``CheckpointError`` if heads or groups do not divide the channels, or a number is out of range.
    func configuration(heads: [Int], groups: Int) throws(CheckpointError) -> UNetConfiguration {
        guard channels.allSatisfy({ (1...8192).contains($0) && $0 % groups == 0 }), channels[0] % 2 == 0,
            heads.count == channels.count, zip(channels, heads).allSatisfy({ $1 > 0 && $0 % $1 == 0 }),
            (1...64).contains(latentChannels), (1...8192).contains(contextChannels)
        else {
            throw shapes.foreign(
                "its U-Net has \(channels) channels, which \(groups) groups and \(heads) heads do not divide, or a context of "
                    + "\(contextChannels)")
        }
        return UNetConfiguration(
            latentChannels: latentChannels, channels: channels, residualBlocks: residualBlocks, heads: heads,
            hasAttention: hasAttention, contextChannels: contextChannels, normGroups: groups, normEpsilon: 1e-5,
            putsCosineFirst: true, frequencyShift: 0)
    }

    /// The original names by those of diffusers.
    var views: [String: TensorView] {
        var pairs = NamePairs()
        pairs.layer("time_embedding.linear_1", "time_embed.0")
        pairs.layer("time_embedding.linear_2", "time_embed.2")
        pairs.layer("conv_in", "input_blocks.0.0")
        pairs.layer("conv_norm_out", "out.0")
        pairs.layer("conv_out", "out.2")
        var number = 1
        for level in channels.indices {
            for index in 0..<residualBlocks {
                let block = "down_blocks.\(level)"
                addResidual(&pairs, "\(block).resnets.\(index)", "input_blocks.\(number).0")
                if hasAttention[level] { addTransformer(&pairs, "\(block).attentions.\(index)", "input_blocks.\(number).1") }
                number += 1
            }
            if level < channels.count - 1 {
                pairs.layer("down_blocks.\(level).downsamplers.0.conv", "input_blocks.\(number).0.op")
                number += 1
            }
        }
        addResidual(&pairs, "mid_block.resnets.0", "middle_block.0")
        addTransformer(&pairs, "mid_block.attentions.0", "middle_block.1")
        addResidual(&pairs, "mid_block.resnets.1", "middle_block.2")
        number = 0
        for (position, level) in channels.indices.reversed().enumerated() {
            let block = "up_blocks.\(position)"
            for index in 0...residualBlocks {
                addResidual(&pairs, "\(block).resnets.\(index)", "output_blocks.\(number).0")
                if hasAttention[level] { addTransformer(&pairs, "\(block).attentions.\(index)", "output_blocks.\(number).1") }
                if index == residualBlocks, level > 0 {
                    pairs.layer("\(block).upsamplers.0.conv", "output_blocks.\(number).\(hasAttention[level] ? 2 : 1).conv")
                }
                number += 1
            }
        }
        return pairs.views
    }

    private func addResidual(_ pairs: inout NamePairs, _ name: String, _ original: String) {
        pairs.layer("\(name).norm1", "\(original).in_layers.0")
        pairs.layer("\(name).conv1", "\(original).in_layers.2")
        pairs.layer("\(name).time_emb_proj", "\(original).emb_layers.1")
        pairs.layer("\(name).norm2", "\(original).out_layers.0")
        pairs.layer("\(name).conv2", "\(original).out_layers.3")
        // Only where the number of channels changes.
        if shapes.names.contains("\(original).skip_connection.weight") {
            pairs.layer("\(name).conv_shortcut", "\(original).skip_connection")
        }
    }

    /// A transformer's tensors have the same names in both layouts.
    private func addTransformer(_ pairs: inout NamePairs, _ name: String, _ original: String) {
        func layer(_ part: String, hasBias: Bool = true) {
            pairs.layer("\(name).\(part)", "\(original).\(part)", hasBias: hasBias)
        }
        for part in ["norm", "proj_in", "proj_out"] { layer(part) }
        for part in ["norm1", "norm2", "norm3", "ff.net.0.proj", "ff.net.2", "attn1.to_out.0", "attn2.to_out.0"] {
            layer("transformer_blocks.0.\(part)")
        }
        for attention in ["attn1", "attn2"] {
            for part in ["to_q", "to_k", "to_v"] { layer("transformer_blocks.0.\(attention).\(part)", hasBias: false) }
        }
    }
}

extension NamedShapes {
    /// One more than the number of the last block: blocks are numbered through from 1, and are residual blocks or downsamplers.
    fileprivate func count(_ stem: String, _ ending: String, downsampler: String) -> Int {
        (1..<64).first { !names.contains("\(stem)\($0)\(ending)") && !names.contains("\(stem)\($0)\(downsampler)") } ?? 64
    }
}
