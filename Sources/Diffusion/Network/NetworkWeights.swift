import Checkpoints
import Synchronization
import Tensors

/// A part of a checkpoint that layers read their weights from, by names relative to it.
struct NetworkWeights: Sendable {
    private let checkpoint: Checkpoint
    private let prefix: String
    private let used: UsedNames?

    /// - Parameter used: collects the names that are read, where someone wants to know which are not.
    init(_ checkpoint: Checkpoint, used: UsedNames? = nil) {
        self.init(checkpoint, prefix: "", used: used)
    }

    private init(_ checkpoint: Checkpoint, prefix: String, used: UsedNames?) {
        (self.checkpoint, self.prefix, self.used) = (checkpoint, prefix, used)
    }

    /// The part below a name: `weights["conv_in"]`.
    subscript(_ name: String) -> NetworkWeights {
        NetworkWeights(checkpoint, prefix: "\(prefix)\(name).", used: used)
    }

    func has(_ name: String) -> Bool { checkpoint.entry(named: prefix + name) != nil }

    func tensor(_ name: String, _ shape: [Int]) throws(CheckpointError) -> Tensor {
        used?.insert(prefix + name)
        return try checkpoint.tensor(named: prefix + name, expecting: shape)
    }

    /// Lets go of the pages of the file behind this part, which layers that copied their weights need no more.
    func releasePages() { checkpoint.releasePages(prefix: prefix) }

    // MARK: Layers

    /// A linear layer; its weight may be stored as that of a 1×1 convolution, which is the same on channels-last tensors.
    func linear(inputs: Int, outputs: Int, hasBias: Bool = true) throws(CheckpointError) -> Linear {
        let isConvolution = checkpoint.entry(named: "\(prefix)weight")?.shape.count == 4
        let weight = try tensor("weight", isConvolution ? [outputs, inputs, 1, 1] : [outputs, inputs])
        return Linear(
            weight: weight.reshaped([outputs, inputs]), bias: hasBias ? try tensor("bias", [outputs]) : nil)
    }

    func convolution(
        inputs: Int, outputs: Int, kernel: Int = 3, stride: Int = 1, padding: Padding2D = Padding2D(1)
    ) throws(CheckpointError) -> Convolution2D {
        Convolution2D(
            weight: try tensor("weight", [outputs, inputs, kernel, kernel]), bias: try tensor("bias", [outputs]),
            stride: stride, padding: padding)
    }

    func groupNorm(channels: Int, groups: Int, epsilon: Float) throws(CheckpointError) -> GroupNorm {
        GroupNorm(
            groups: groups, epsilon: epsilon, weight: try tensor("weight", [channels]), bias: try tensor("bias", [channels]))
    }

    func layerNorm(channels: Int) throws(CheckpointError) -> LayerNorm {
        LayerNorm(epsilon: 1e-5, weight: try tensor("weight", [channels]), bias: try tensor("bias", [channels]))
    }
}

/// The names of tensors that layers read.
final class UsedNames: Sendable {
    private let names = Mutex<Set<String>>([])

    func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }

    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}
