public import Volumes

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
