internal import Basics
internal import Checkpoints
internal import Tensors

/// The weights of a CPnet in a checkpoint that has them all and no others.
struct NetworkWeights {
    let layout: NetworkLayout
    private let checkpoint: Checkpoint
    /// What comes before every name.
    private let prefix: String

    /// - Throws: ``CellposeError`` where the checkpoint is of another network, or lacks tensors or has some of other shapes or too
    ///   many, which it names.
    init(_ checkpoint: Checkpoint) throws(CellposeError) {
        self.checkpoint = checkpoint
        let names = checkpoint.names
        // Saved by a program that trained on several devices.
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

    /// The widths, which are the shapes of the first convolution of each level.
    private static func layout(of checkpoint: Checkpoint, prefix: String) throws(CellposeError) -> NetworkLayout {
        var widths: [Int] = []
        while let entry = checkpoint.entry(
            named: "\(prefix)\(NetworkLayout.down(max(widths.count - 1, 0))).conv.conv_0.2.weight"),
            entry.shape.count == 4, entry.shape.allSatisfy({ $0 > 0 })
        {
            if widths.isEmpty { widths.append(entry.shape[1]) }
            widths.append(entry.shape[0])
        }
        guard widths.count > 1 else {
            let isTransformer = checkpoint.names.contains { $0.hasPrefix("\(prefix)encoder.") || $0 == "\(prefix)W2" }
            throw CellposeError(
                .unsupported,
                isTransformer
                    ? "is a transformer of CellPose 3 or 4: only CPnet (cyto, cyto2, cyto3, nuclei, or trained from them) is run here"
                    : "is no CPnet: it has no convolution of a first level; give a model of CellPose (cyto, cyto2, cyto3, nuclei)",
                path: checkpoint.path)
        }
        return NetworkLayout(widths: widths)
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(3).map { CheckpointError.quoted($0) }.joined(separator: ", ")
            + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }

    func tensor(_ name: String) throws(CheckpointError) -> Tensor {
        guard let entry = checkpoint.entry(named: prefix + name) else {
            throw CheckpointError(.missingTensor, "has no tensor '\(name)'", path: checkpoint.path)
        }
        return try checkpoint.tensor(named: prefix + name, expecting: entry.shape)
    }

    /// A single positive number, or nil where the checkpoint has none of that name.
    func diameter(_ name: String) throws(CellposeError) -> Double? {
        guard checkpoint.entry(named: prefix + name) != nil else { return nil }
        do throws(CheckpointError) {
            let value = Double(try checkpoint.tensor(named: prefix + name, expecting: [1]).values[0])
            if value.isFinite && value > 0 { return value }
        } catch {
            throw CellposeError(error)
        }
        throw CellposeError(.malformed, "says that '\(name)' is no positive number", path: checkpoint.path)
    }

    // MARK: Layers

    func norm(_ name: String) throws(CheckpointError) -> BatchNorm {
        BatchNorm(
            weight: try tensor("\(name).weight"), bias: try tensor("\(name).bias"), mean: try tensor("\(name).running_mean"),
            variance: try tensor("\(name).running_var"), epsilon: 1e-5)
    }

    func convolution(_ name: String) throws(CheckpointError) -> Convolution2D {
        let weight = try tensor("\(name).weight")
        return Convolution2D(weight: weight, bias: try tensor("\(name).bias"), stride: 1, padding: Padding2D(weight.shape[2] / 2))
    }

    func linear(_ name: String) throws(CheckpointError) -> Linear {
        Linear(weight: try tensor("\(name).weight"), bias: try tensor("\(name).bias"))
    }

    /// Normalisation and the 1 × 1 convolution that follows it, as one layer.
    func projection(_ name: String) throws(CheckpointError) -> Linear {
        let weight = try tensor("\(name).proj.1.weight")
        return try norm("\(name).proj.0").folded(
            into: weight.reshaped([weight.shape[0], weight.shape[1]]), bias: try tensor("\(name).proj.1.bias"))
    }
}
