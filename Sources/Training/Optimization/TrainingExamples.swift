public import Tensors
import Volumes

/// What a network learns from, and is validated on.
public protocol TrainingExamples {
    /// The patches of a step, which follow from its number.
    func batch(step: Int) throws -> TrainingBatch

    /// How many batches the network is validated on; 0 where nothing is held out.
    var validationBatches: Int { get }

    /// A batch of what is held out, always the same.
    func validationBatch(_ index: Int) throws -> TrainingBatch
}

/// Some patches of one shape.
public struct TrainingBatch: Sendable {
    /// `[N, D, H, W, 1]`
    public let densities: Tensor
    /// A label for each voxel.
    public let labels: [UInt8]

    /// - Throws: ``TrainingError`` where there are no patches, or their shapes differ.
    public init(_ patches: [TrainingPatch]) throws(TrainingError) {
        guard let shape = patches.first?.shape, patches.allSatisfy({ $0.shape == shape }) else {
            throw TrainingError("a batch is made of patches of one shape")
        }
        densities = Tensor(
            shape: [patches.count, shape.z, shape.y, shape.x, 1], values: patches.flatMap(\.densities))
        labels = patches.flatMap(\.labels)
    }
}
