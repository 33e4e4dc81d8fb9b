public import Basics
import Synchronization
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
    /// Normalised densities, `[N, D + 2 · context, H, W, 1]`.
    public let densities: Tensor
    /// A label for each voxel, `[N][D][H][W]`.
    public let labels: [UInt8]

    /// - Throws: ``TrainingError`` if there are no patches, or their shapes differ.
    public init(_ patches: [TrainingPatch]) throws(TrainingError) {
        guard let first = patches.first, patches.allSatisfy({ $0.shape == first.shape && $0.context == first.context }) else {
            throw TrainingError("\(patches.count) patches do not make a batch; give one or more, all of one shape")
        }
        let shape = first.densityShape
        densities = Tensor(
            shape: [patches.count, shape.z, shape.y, shape.x, 1], values: patches.flatMap(\.densities))
        labels = patches.flatMap(\.labels)
    }
}

/// A box of voxels of a tomogram with their labels.
public struct TrainingPatch: Hashable, Sendable {
    /// The label of voxels whose class is unknown: the loss leaves them out.
    public static let ignored: UInt8 = 255

    /// The shape of the labels.
    public let shape: VolumeShape
    /// The number of slices before and after those of the labels whose densities belong to the patch.
    public let context: Int
    /// The densities, `[z][y][x]` of ``densityShape``, normalised to mean 0 and standard deviation 1 of the tomogram.
    public internal(set) var densities: [Float]
    /// The labels, `[z][y][x]` of ``shape``: 0 for background, the number of a class, or ``ignored``.
    public internal(set) var labels: [UInt8]

    /// The shape of the densities: that of the labels, and the context.
    public var densityShape: VolumeShape { Self.densityShape(shape, context: context) }

    /// - Throws: ``TrainingError`` unless there is one label for each voxel of the shape, and one density for each voxel of these and of
    ///   the slices of the context.
    public init(shape: VolumeShape, context: Int = 0, densities: [Float], labels: [UInt8]) throws(TrainingError) {
        guard context >= 0, densities.count == Self.densityShape(shape, context: context).count, labels.count == shape.count
        else {
            throw TrainingError(
                "\(densities.count) densities and \(labels.count) labels do not make a patch of \(shape) voxels, with \(context) "
                    + "slices on each side; give one of each for each voxel")
        }
        self.init(checked: shape, context: context, densities: densities, labels: labels)
    }

    private init(checked shape: VolumeShape, context: Int, densities: [Float], labels: [UInt8]) {
        (self.shape, self.context) = (shape, context)
        (self.densities, self.labels) = (densities, labels)
    }

    private static func densityShape(_ shape: VolumeShape, context: Int) -> VolumeShape {
        VolumeShape(z: shape.z + 2 * context, y: shape.y, x: shape.x) ?? shape
    }

    /// The patch, rotated or mirrored.
    ///
    /// - Precondition: with a context, slices stay slices.
    /// - Complexity: one read and one write for each voxel.
    public func oriented(_ orientation: Orientation) -> TrainingPatch {
        precondition(context == 0 || orientation.axes[0] == 0, "a patch with a context cannot be turned out of its plane")
        return TrainingPatch(
            checked: orientation.shape(shape), context: context, densities: orientation(densities, shape: densityShape),
            labels: orientation(labels, shape: shape))
    }
}

/// Patches of labelled regions. Training patches are random, from some regions, each in a random orientation and changed by random
/// augmentations; validation patches cover other regions, which are held out, and are the same each time.
public struct PatchExamples: TrainingExamples {
    private let training: PatchSampler
    private let heldOut: PatchSampler?
    private let orientations: [Orientation]
    private let augmentations: Augmentations
    private let batch: Int
    private let seed: UInt64
    /// The number of the first training patch.
    private let first: Int
    /// The positions of the validation patches.
    private let validation: [PatchSampler.PatchPosition]

    /// Separates the random numbers of training from those of the network's initial weights, which have the purpose 0.
    private enum Purpose: UInt64 {
        case training = 1
        case augmentation
        case validation
    }

    /// - Parameters:
    ///   - training: draws the training patches.
    ///   - heldOut: reads the validation patches; nil if the labels are too few to hold some out.
    ///   - orientations: those that training patches may get; all must keep the shape of patches.
    ///   - batch: the number of patches of a batch.
    ///   - validationBatches: the most validation batches. Where more are needed to cover the regions once, patches are left out: as many of
    ///     each part of the cover, at random places in it.
    ///   - first: the number of the first training patch. Other numbers give other patches of the same seed, and the same
    ///     validation.
    public init(
        training: PatchSampler, heldOut: PatchSampler?, orientations: [Orientation],
        augmentations: Augmentations = Augmentations(),
        batch: Int, validationBatches: Int, seed: UInt64, first: Int = 0
    ) {
        (self.training, self.heldOut, self.orientations) = (training, heldOut, orientations)
        (self.augmentations, self.batch, self.seed, self.first) = (augmentations, batch, seed, first)
        let cover = heldOut?.cover ?? []
        let count = min(cover.count, batch * validationBatches)
        // Not at equal distances: where these are a multiple of the tiles of a row, all patches would be of one column.
        var random = RandomStream(seed: seed, purpose: Purpose.validation.rawValue, piece: 0)
        validation = (0..<count).map { number in
            let part = number * cover.count / count..<(number + 1) * cover.count / count
            return cover[part.lowerBound + random.index(below: part.count)]
        }
    }

    /// The shape of the patches.
    public var shape: VolumeShape { training.shape }

    public var validationBatches: Int { (validation.count + batch - 1) / batch }

    public func batch(step: Int) throws -> TrainingBatch {
        // Patches are made at the same time: what they cost beside a step of a small network, one thread would do alone.
        let patches = Mutex([Result<TrainingPatch, any Error>?](repeating: nil, count: batch))
        Threads.perform(batch) { number in
            let patch = Result { try self.patch(first + step * batch + number) }
            patches.withLock { $0[number] = patch }
        }
        return try TrainingBatch(patches.withLock { $0 }.compactMap { try $0?.get() })
    }

    /// A training patch of a number: where it is, how it lies and how its densities change follow from seed and number.
    private func patch(_ number: Int) throws -> TrainingPatch {
        var random = RandomStream(seed: seed, purpose: Purpose.training.rawValue, piece: number)
        // A stream of its own, so that a list of augmentations does not change which patches are drawn.
        var changes = RandomStream(seed: seed, purpose: Purpose.augmentation.rawValue, piece: number)
        let position = training.drawPosition(&random)
        let orientation = orientations[random.index(below: orientations.count)]
        let patch = try training.patch(at: position, placed: augmentations.placement(&changes))
        return augmentations.changed(patch.oriented(orientation), &changes)
    }

    public func validationBatch(_ index: Int) throws -> TrainingBatch {
        let sampler = heldOut ?? training
        let patches = validation[index * batch..<min((index + 1) * batch, validation.count)]
        return try TrainingBatch(patches.map { try sampler.patch(at: $0) })
    }
}
