public import Basics
public import Tensors
public import Volumes

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

/// What a network learns from at a time: densities, and what they should be called.
public struct TrainingPatch: Hashable, Sendable {
    /// The label of voxels of which nothing is known: they have no part in the loss.
    public static let ignored: UInt8 = 255

    public let shape: VolumeShape
    /// `[z][y][x]`, of mean 0 and standard deviation 1 in their tomogram.
    public let densities: [Float]
    /// `[z][y][x]`: 0 background, a class, or ``ignored``.
    public let labels: [UInt8]

    /// - Throws: ``TrainingError`` where there are not as many densities and labels as the shape has voxels.
    public init(shape: VolumeShape, densities: [Float], labels: [UInt8]) throws(TrainingError) {
        guard densities.count == shape.count, labels.count == shape.count else {
            throw TrainingError(
                "\(densities.count) densities and \(labels.count) labels do not make a patch of \(shape) voxels")
        }
        self.shape = shape
        self.densities = densities
        self.labels = labels
    }

    private init(checked shape: VolumeShape, densities: [Float], labels: [UInt8]) {
        self.shape = shape
        self.densities = densities
        self.labels = labels
    }

    /// The patch, turned or mirrored.
    public func oriented(_ orientation: Orientation) -> TrainingPatch {
        TrainingPatch(
            checked: orientation.shape(shape), densities: orientation(densities, shape: shape),
            labels: orientation(labels, shape: shape))
    }
}

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
