internal import Basics
internal import Checkpoints
internal import Tensors

/// The weights of a CPnet in a checkpoint whose tensors are exactly those of the network.
struct CellposeWeights {
    let layout: NetworkLayout
    private let checkpoint: Checkpoint
    /// The prefix of every name: `module.` or nothing.
    private let prefix: String

    /// Compares all names and shapes with those of the network before a weight is read.
    ///
    /// - Throws: ``CellposeError`` if the checkpoint holds another network, lacks tensors, or has tensors of other shapes or
    ///   unknown names; the message lists the names.
    init(_ checkpoint: Checkpoint) throws(CellposeError) {
        self.checkpoint = checkpoint
        let names = checkpoint.names
        // PyTorch adds the prefix if a network was trained on several devices (DataParallel).
        prefix = !names.isEmpty && names.allSatisfy { $0.hasPrefix("module.") } ? "module." : ""
        layout = try Self.layout(of: checkpoint, prefix: prefix)
        let tensors = layout.tensors
        let known = Set(tensors.map { prefix + $0.name })
        let missing = tensors.map { prefix + $0.name }.filter { checkpoint.entry(named: $0) == nil }
        let surplus = names.filter { !known.contains($0) && !NetworkLayout.isOptional(String($0.dropFirst(prefix.count))) }
        guard missing.isEmpty, surplus.isEmpty else {
            let faults = [("lacks", missing), ("has no place for", surplus)].filter { !$0.1.isEmpty }
            throw CellposeError(
                .mismatchedWeights,
                "does not hold a CPnet of widths \(layout.widths): "
                    + faults.map { "it \($0.0) \(Self.list($0.1))" }.joined(separator: ", and ").replacing(
                        "it has no place for", with: "the network has no place for") + "; get the model's original file",
                path: checkpoint.path)
        }
        for (name, shape) in tensors {
            do throws(CheckpointError) { try checkpoint.check(prefix + name, expecting: shape) } catch {
                throw CellposeError(error)
            }
        }
    }

    /// The widths of the levels, from the shapes of the first convolution of each level.
    private static func layout(of checkpoint: Checkpoint, prefix: String) throws(CellposeError) -> NetworkLayout {
        var widths: [Int] = []
        while let entry = checkpoint.entry(
            named: "\(prefix)\(NetworkLayout.down(max(widths.count - 1, 0))).conv.conv_0.2.weight"),
            entry.shape.count == 4, entry.shape.allSatisfy({ $0 > 0 })
        {
            if widths.isEmpty { widths.append(entry.shape[1]) }
            widths.append(entry.shape[0])
        }
        guard widths.count > 1 else { throw CellposeError(.unsupported, foreign(checkpoint, prefix), path: checkpoint.path) }
        // Networks that restore images (denoise, deblur, upsample) are CPnets with other outputs.
        if let outputs = checkpoint.entry(named: "\(prefix)output.2.weight")?.shape.first, outputs != NetworkLayout.outputs,
            outputs > 0
        {
            throw CellposeError(
                .unsupported,
                "is a CPnet of \(outputs) outputs, not of the \(NetworkLayout.outputs) of a segmentation (two flows and a probability): "
                    + "networks that restore images are not run here; give a model that segments", path: checkpoint.path)
        }
        return NetworkLayout(widths: widths)
    }

    /// What a checkpoint is that has no first level of a CPnet.
    private static func foreign(_ checkpoint: Checkpoint, _ prefix: String) -> String {
        let only = "only CPnet (cyto, cyto2, cyto3, nuclei, or trained from them) is run here"
        if checkpoint.entry(named: "\(prefix)W2") != nil {
            return "is Cellpose-SAM (cpsam), the transformer of CellPose 4: \(only)"
        }
        if checkpoint.names.contains(where: { $0.hasPrefix("\(prefix)encoder.") }) {
            return "is a transformer of CellPose 3 or 4: \(only)"
        }
        if checkpoint.entry(named: "\(prefix)\(NetworkLayout.down(0)).conv.conv_0.2.weight")?.shape.count == 5 {
            return "is a CPnet for volumes (conv_3D): \(only), on slices"
        }
        return "is no CPnet: it has no convolution of a first level; give a model of CellPose (cyto, cyto2, cyto3, nuclei)"
    }

    /// Up to three names in quotes, and how many more there are.
    private static func list(_ names: [String]) -> String {
        names.prefix(3).map { CheckpointError.quoted($0) }.joined(separator: ", ")
            + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }

    /// A tensor by its name without the prefix.
    ///
    /// - Throws: ``CheckpointError`` if there is none, or its values cannot be read.
    func tensor(_ name: String) throws(CheckpointError) -> Tensor {
        guard let entry = checkpoint.entry(named: prefix + name) else {
            throw CheckpointError(.missingTensor, "has no tensor '\(name)'; get the model's original file", path: checkpoint.path)
        }
        return try checkpoint.tensor(named: prefix + name, expecting: entry.shape)
    }

    /// A diameter: a tensor `[1]` with a positive number; nil if the checkpoint has none of this name.
    ///
    /// - Throws: ``CellposeError`` if the tensor has another shape, or its value is not positive and finite.
    func diameter(_ name: String) throws(CellposeError) -> Double? {
        guard checkpoint.entry(named: prefix + name) != nil else { return nil }
        do throws(CheckpointError) {
            let value = Double(try checkpoint.tensor(named: prefix + name, expecting: [1]).values[0])
            if value.isFinite && value > 0 { return value }
        } catch {
            throw CellposeError(error)
        }
        throw CellposeError(
            .malformed, "says that '\(name)' is no positive number; get the model's original file", path: checkpoint.path)
    }

    // MARK: Layers

    /// Batch normalisation with the moments of the training.
    func norm(_ name: String) throws(CheckpointError) -> BatchNorm {
        BatchNorm(
            weight: try tensor("\(name).weight"), bias: try tensor("\(name).bias"), mean: try tensor("\(name).running_mean"),
            variance: try tensor("\(name).running_var"), epsilon: 1e-5)
    }

    /// A convolution that keeps height and width.
    func convolution(_ name: String) throws(CheckpointError) -> Convolution2D {
        let weight = try tensor("\(name).weight")
        return Convolution2D(weight: weight, bias: try tensor("\(name).bias"), stride: 1, padding: Padding2D(weight.shape[2] / 2))
    }

    /// A linear layer.
    func linear(_ name: String) throws(CheckpointError) -> Linear {
        Linear(weight: try tensor("\(name).weight"), bias: try tensor("\(name).bias"))
    }

    /// A batch normalisation and the 1 × 1 convolution that follows it, folded into one linear layer.
    func projection(_ name: String) throws(CheckpointError) -> Linear {
        let weight = try tensor("\(name).proj.1.weight")
        return try norm("\(name).proj.0").folded(
            into: weight.reshaped([weight.shape[0], weight.shape[1]]), bias: try tensor("\(name).proj.1.bias"))
    }
}

/// CellPose's names and shapes of the tensors of a CPnet. The names appear only here and in the parts of names that
/// ``CellposeWeights`` and the blocks append.
///
/// ```
/// image → down 0 → ½ down 1 → ½ down 2 → ½ down 3 ─→ style
///            │         │         │         │
/// maps  ← up 0 2× ← up 1 2× ← up 2 2× ← up 3
/// ```
struct NetworkLayout: Hashable, Sendable {
    /// Channels of the image, then of each level: 2, 32, 64, 128, 256 in the models that CellPose publishes.
    let widths: [Int]

    /// The number of output channels: flows along y and x, and the logit of the cell probability.
    static let outputs = 3

    /// The number of resolution levels.
    var levels: Int { widths.count - 1 }
    /// The length of the style vector: the channels of the deepest level.
    var styleWidth: Int { widths[levels] }

    /// The input and output channels of the decoder block of a level.
    func upWidths(_ level: Int) -> (inputs: Int, outputs: Int) { (widths[min(level + 2, levels)], widths[level + 1]) }

    /// The name of the encoder block of a level.
    static func down(_ level: Int) -> String { "downsample.down.res_down_\(level)" }
    /// The name of the decoder block of a level.
    static func up(_ level: Int) -> String { "upsample.up.res_up_\(level)" }

    /// The name and shape of every tensor that the network reads, in the order of the layers.
    var tensors: [(name: String, shape: [Int])] {
        var tensors: [(String, [Int])] = []
        func norm(_ name: String, _ channels: Int) {
            for part in ["weight", "bias", "running_mean", "running_var"] { tensors.append(("\(name).\(part)", [channels])) }
        }
        func convolution(_ name: String, _ inputs: Int, _ outputs: Int, _ kernel: Int) {
            tensors.append(("\(name).weight", [outputs, inputs, kernel, kernel]))
            tensors.append(("\(name).bias", [outputs]))
        }
        func normalized(_ name: String, _ inputs: Int, _ outputs: Int, _ kernel: Int = 3) {
            norm("\(name).0", inputs)
            convolution("\(name).2", inputs, outputs, kernel)
        }
        func projection(_ name: String, _ inputs: Int, _ outputs: Int) {
            norm("\(name).proj.0", inputs)
            convolution("\(name).proj.1", inputs, outputs, 1)
        }
        for level in 0..<levels {
            let (name, inputs, outputs) = (Self.down(level), widths[level], widths[level + 1])
            for index in 0..<4 { normalized("\(name).conv.conv_\(index)", index == 0 ? inputs : outputs, outputs) }
            projection(name, inputs, outputs)
        }
        for level in 0..<levels {
            let (name, (inputs, outputs)) = (Self.up(level), upWidths(level))
            normalized("\(name).conv.conv_0", inputs, outputs)
            for index in 1..<4 {
                normalized("\(name).conv.conv_\(index).conv", outputs, outputs)
                tensors.append(("\(name).conv.conv_\(index).full.weight", [outputs, styleWidth]))
                tensors.append(("\(name).conv.conv_\(index).full.bias", [outputs]))
            }
            projection(name, inputs, outputs)
        }
        normalized("output", widths[1], Self.outputs, 1)
        return tensors
    }

    /// The diameters that newer files hold: that to which objects were scaled in training, and the mean one in the original
    /// images.
    static let meanDiameter = "diam_mean"
    static let labelDiameter = "diam_labels"

    /// Whether a tensor is allowed although no layer reads it: diameters, and the batch counters of normalisation layers.
    static func isOptional(_ name: String) -> Bool {
        name == meanDiameter || name == labelDiameter || name.hasSuffix(".num_batches_tracked")
    }
}
