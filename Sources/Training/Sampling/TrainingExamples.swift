public import Basics
public import Tensors
public import Volumes

/// The batches that a network is trained and validated on.
public protocol TrainingExamples {
    /// The training batch of a step. It depends on the step's number alone, so that an interrupted training can be repeated
    /// exactly.
    func batch(step: Int) throws -> TrainingBatch

    /// The number of validation batches; 0 if nothing is held out.
    var validationBatches: Int { get }

    /// The validation batch of an index from 0 on: held-out patches, the same on each call.
    func validationBatch(_ index: Int) throws -> TrainingBatch
}

/// Patches of one shape.
public struct TrainingBatch: Sendable {
    /// Normalised densities, `[N, D, H, W, 1]`.
    public let densities: Tensor
    /// A label for each voxel, `[N][D][H][W]`.
    public let labels: [UInt8]

    /// - Throws: ``TrainingError`` if there are no patches, or their shapes differ.
    public init(_ patches: [TrainingPatch]) throws(TrainingError) {
        guard let shape = patches.first?.shape, patches.allSatisfy({ $0.shape == shape }) else {
            throw TrainingError("a batch is made of patches of one shape")
        }
        densities = Tensor(
            shape: [patches.count, shape.z, shape.y, shape.x, 1], values: patches.flatMap(\.densities))
        labels = patches.flatMap(\.labels)
    }
}

/// A box of voxels of a tomogram with their labels.
public struct TrainingPatch: Hashable, Sendable {
    /// The label of voxels whose class is unknown: the loss leaves them out.
    public static let ignored: UInt8 = 255

    public let shape: VolumeShape
    /// The densities, `[z][y][x]`, normalised to mean 0 and standard deviation 1 of the tomogram.
    public let densities: [Float]
    /// The labels, `[z][y][x]`: 0 for background, the number of a class, or ``ignored``.
    public let labels: [UInt8]

    /// - Throws: ``TrainingError`` unless there is one density and one label for each voxel of the shape.
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

    /// The patch, rotated or mirrored.
    ///
    /// - Complexity: one read and one write for each voxel.
    public func oriented(_ orientation: Orientation) -> TrainingPatch {
        TrainingPatch(
            checked: orientation.shape(shape), densities: orientation(densities, shape: shape),
            labels: orientation(labels, shape: shape))
    }
}

/// Random patches of labelled regions. Training patches come from some regions, each in a random orientation; validation patches
/// come from other regions, which are held out, and are the same each time.
public struct PatchExamples: TrainingExamples {
    private let training: PatchSampler
    private let heldOut: PatchSampler?
    private let orientations: [Orientation]
    private let batch: Int
    private let seed: UInt64
    public let validationBatches: Int

    /// Separates the random numbers of training, of validation and of the network's initial weights, which have the purpose 0.
    private enum Purpose: UInt64 {
        case training = 1
        case validation
    }

    /// - Parameters:
    ///   - training: draws the training patches.
    ///   - heldOut: draws the validation patches; nil if the labels are too few to hold some out.
    ///   - orientations: those that training patches may get; all must keep the shape of patches.
    ///   - batch: the number of patches of a batch.
    ///   - validationBatches: the number of validation batches; taken as 0 if nothing is held out.
    public init(
        training: PatchSampler, heldOut: PatchSampler?, orientations: [Orientation], batch: Int, validationBatches: Int,
        seed: UInt64
    ) {
        (self.training, self.heldOut, self.orientations) = (training, heldOut, orientations)
        (self.batch, self.seed) = (batch, seed)
        self.validationBatches = heldOut == nil ? 0 : validationBatches
    }

    /// The shape of the patches.
    public var shape: VolumeShape { training.shape }

    public func batch(step: Int) throws -> TrainingBatch {
        try TrainingBatch(
            (0..<batch).map { number in
                var random = RandomStream(seed: seed, purpose: Purpose.training.rawValue, piece: step * batch + number)
                let patch = try training.patch(at: training.drawPosition(&random))
                return patch.oriented(orientations[random.index(below: orientations.count)])
            })
    }

    public func validationBatch(_ index: Int) throws -> TrainingBatch {
        let sampler = heldOut ?? training
        return try TrainingBatch(
            (0..<batch).map { number in
                var random = RandomStream(seed: seed, purpose: Purpose.validation.rawValue, piece: index * batch + number)
                return try sampler.patch(at: sampler.drawPosition(&random))
            })
    }
}
