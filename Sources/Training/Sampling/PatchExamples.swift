internal import Basics
public import Volumes

/// Examples drawn from labelled regions: patches anywhere in some of them to learn from, turned at random, and patches of others, held
/// out, always the same ones.
public struct PatchExamples: TrainingExamples {
    private let training: PatchSampler
    private let heldOut: PatchSampler?
    private let orientations: [Orientation]
    private let batch: Int
    private let seed: UInt64
    public let validationBatches: Int

    /// Keeps what is drawn for learning, for validation and for the network apart.
    private enum Purpose: UInt64 {
        case training = 1
        case validation
    }

    /// - Parameters:
    ///   - heldOut: nil where there is too little to hold anything out.
    ///   - orientations: that patches may get; all keep the shape of patches.
    public init(
        training: PatchSampler, heldOut: PatchSampler?, orientations: [Orientation], batch: Int, validationBatches: Int,
        seed: UInt64
    ) {
        (self.training, self.heldOut, self.orientations) = (training, heldOut, orientations)
        (self.batch, self.seed) = (batch, seed)
        self.validationBatches = heldOut == nil ? 0 : validationBatches
    }

    /// The shape of patches.
    public var shape: VolumeShape { training.shape }

    public func batch(step: Int) throws -> TrainingBatch {
        try TrainingBatch(
            (0..<batch).map { number in
                var random = RandomStream(seed: seed, purpose: Purpose.training.rawValue, piece: step * batch + number)
                let patch = try training.patch(at: training.place(&random))
                return patch.oriented(orientations[random.index(below: orientations.count)])
            })
    }

    public func validationBatch(_ index: Int) throws -> TrainingBatch {
        let sampler = heldOut ?? training
        return try TrainingBatch(
            (0..<batch).map { number in
                var random = RandomStream(seed: seed, purpose: Purpose.validation.rawValue, piece: index * batch + number)
                return try sampler.patch(at: sampler.place(&random))
            })
    }
}
