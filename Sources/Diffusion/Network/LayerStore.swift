import Checkpoints
import Synchronization

/// How much of a network stays in memory between passes.
public enum Residency: Sendable, Hashable {
    /// Each layer, from its first use on.
    case resident
    /// Nothing: each layer is loaded when its turn comes, and dropped after it. A pass over several latents at once
    /// loads each layer once.
    case streamed
}

/// Makes the layers of a network when they are needed, and keeps them as the residency says.
final class LayerStore: Sendable {
    private let weights: NetworkWeights
    private let residency: Residency
    private let kept = Mutex<[String: any Sendable]>([:])

    init(_ weights: NetworkWeights, residency: Residency) {
        self.weights = weights
        self.residency = residency
    }

    /// The layer of a name, made by the closure from the weights below that name.
    func layer<Layer: Sendable>(
        _ name: String, _ make: (NetworkWeights) throws(CheckpointError) -> Layer
    ) throws(CheckpointError) -> Layer {
        if let layer = kept.withLock({ $0[name] }) as? Layer { return layer }
        let part = weights[name]
        let layer = try make(part)
        // Convolutions keep their weights in an order of their own; what is still seen in the file comes back by itself.
        part.releasePages()
        if residency == .resident { kept.withLock { $0[name] = layer } }
        return layer
    }
}
