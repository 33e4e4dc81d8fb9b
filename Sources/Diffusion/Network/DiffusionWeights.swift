import Checkpoints
import Synchronization
import Tensors

/// The tensors of a checkpoint whose names begin with a prefix. Layers read their weights from it by the rest of the name.
struct DiffusionWeights: Sendable {
    private let checkpoint: Checkpoint
    private let prefix: String
    private let used: UsedNames?
    /// The numbers that layers multiply.
    let arithmetic: Arithmetic

    /// The whole checkpoint.
    ///
    /// - Parameter used: collects the names of all tensors that are read, so that the others can be found.
    init(_ checkpoint: Checkpoint, arithmetic: Arithmetic = .float32, used: UsedNames? = nil) {
        self.init(checkpoint, prefix: "", arithmetic: arithmetic, used: used)
    }

    private init(_ checkpoint: Checkpoint, prefix: String, arithmetic: Arithmetic, used: UsedNames?) {
        (self.checkpoint, self.prefix, self.arithmetic, self.used) = (checkpoint, prefix, arithmetic, used)
    }

    /// The tensors whose names begin with this name and a dot: `weights["conv_in"]` has `conv_in.weight` as `weight`.
    subscript(_ name: String) -> DiffusionWeights {
        DiffusionWeights(checkpoint, prefix: "\(prefix)\(name).", arithmetic: arithmetic, used: used)
    }

    func has(_ name: String) -> Bool { checkpoint.entry(named: prefix + name) != nil }

    func tensor(_ name: String, _ shape: [Int]) throws(CheckpointError) -> Tensor {
        used?.insert(prefix + name)
        return try checkpoint.tensor(named: prefix + name, expecting: shape)
    }

    /// Drops the mapped pages of these tensors from memory, for layers that copied their weights. Views stay valid.
    func releasePages() { checkpoint.releasePages(prefix: prefix) }

    // MARK: Layers

    /// A linear layer. Its weight may be stored as `[outputs, inputs]` or as that of a 1×1 convolution, `[outputs, inputs, 1,
    /// 1]`: both compute the same on channels-last tensors.
    func linear(inputs: Int, outputs: Int, hasBias: Bool = true) throws(CheckpointError) -> Linear {
        let isConvolution = checkpoint.entry(named: "\(prefix)weight")?.shape.count == 4
        let weight = try tensor("weight", isConvolution ? [outputs, inputs, 1, 1] : [outputs, inputs])
        return Linear(
            weight: weight.reshaped([outputs, inputs]), bias: hasBias ? try tensor("bias", [outputs]) : nil,
            arithmetic: arithmetic)
    }

    func convolution(
        inputs: Int, outputs: Int, kernel: Int = 3, stride: Int = 1, padding: Padding2D = Padding2D(1)
    ) throws(CheckpointError) -> Convolution2D {
        Convolution2D(
            weight: try tensor("weight", [outputs, inputs, kernel, kernel]), bias: try tensor("bias", [outputs]),
            stride: stride, padding: padding, arithmetic: arithmetic)
    }

    func groupNorm(channels: Int, groups: Int, epsilon: Float) throws(CheckpointError) -> GroupNorm {
        GroupNorm(
            groups: groups, epsilon: epsilon, weight: try tensor("weight", [channels]), bias: try tensor("bias", [channels]))
    }

    func layerNorm(channels: Int) throws(CheckpointError) -> LayerNorm {
        LayerNorm(epsilon: 1e-5, weight: try tensor("weight", [channels]), bias: try tensor("bias", [channels]))
    }
}

/// Collects the names of the tensors that layers read.
final class UsedNames: Sendable {
    private let names = Mutex<Set<String>>([])

    func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }

    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}

/// Whether the layers of a network stay in memory.
public enum Residency: Sendable, Hashable {
    /// Each layer stays in memory after its first use.
    case resident
    /// No layer stays: each is loaded when a pass comes to it, and dropped after it. A pass over several latents at once
    /// loads each layer once.
    case streamed
}

/// Makes the layers of a network at their first use, and keeps them if they are to be resident.
final class LayerStore: Sendable {
    private let weights: DiffusionWeights
    private let residency: Residency
    private let kept = Mutex<[String: any Sendable]>([:])

    init(_ weights: DiffusionWeights, residency: Residency) {
        self.weights = weights
        self.residency = residency
    }

    /// The layer of this name. If it is not in memory, the closure makes it from the weights whose names begin with that name.
    func layer<Layer: Sendable>(
        _ name: String, _ make: (DiffusionWeights) throws(CheckpointError) -> Layer
    ) throws(CheckpointError) -> Layer {
        if let layer = kept.withLock({ $0[name] }) as? Layer { return layer }
        let part = weights[name]
        let layer = try make(part)
        // Layers that rearrange their weights have a copy of them, so the file's pages are dropped. If a layer still uses a view
        // of them, the system reads them again.
        part.releasePages()
        if residency == .resident { kept.withLock { $0[name] = layer } }
        return layer
    }
}
