import Dispatch
public import ImageProcessing
public import Volumes

/// Measures the fraction of each mask's skeleton that lies in the other mask. Masks are added slice by slice.
///
/// With ``SkeletonKind/curve`` the Dice is clDice (S. Shit et al., *clDice – a novel topology-preserving loss function for
/// tubular structure segmentation*, CVPR 2021). With ``SkeletonKind/surface`` it is the same measure for sheets, which
/// MemBrain-seg (L. Lamm et al., bioRxiv 2024) calls surface Dice. MemBrain-seg thins membranes by another algorithm, so that
/// numbers agree only approximately.
public struct SkeletonComparison: Sendable {
    /// The number of voxels along z, y and x.
    public let shape: VolumeShape
    /// The kind of skeleton.
    public let skeleton: SkeletonKind
    private var prediction: BitVolume
    private var truth: BitVolume

    /// - Throws: ``MetricsError`` where the volume is too large to address its bits.
    public init(shape: VolumeShape, skeleton: SkeletonKind = .surface) throws(MetricsError) {
        self.shape = shape
        self.skeleton = skeleton
        prediction = try withMetricsError { () throws(ImageError) in try BitVolume(shape: shape) }
        truth = prediction
    }

    /// Adds the next slice.
    ///
    /// - Throws: ``MetricsError`` where a mask has another size, or the volume is full.
    /// - Complexity: one pass over the pixels, eight at a time.
    public mutating func add(prediction: Mask, truth: Mask) throws(MetricsError) {
        try prediction.requireSlice(self.prediction.depth, of: shape)
        try truth.requireSlice(self.prediction.depth, of: shape)
        try withMetricsError { () throws(ImageError) in
            try self.prediction.append(prediction)
            try self.truth.append(truth)
        }
    }

    /// Thins both masks, each on its own core, and compares them.
    ///
    /// - Throws: ``MetricsError`` where slices are missing.
    /// - Complexity: as ``BitVolume/thinned(to:)``. Memory is a bit for each voxel of each mask and skeleton, and one or two more
    ///   during the thinning of each.
    public func finish() throws(MetricsError) -> SkeletonOverlap {
        guard prediction.depth == shape.z else { throw .missingSlices(prediction.depth, of: shape) }
        let masks = [prediction, truth]
        var counts = [(voxels: Int, common: Int)](repeating: (0, 0), count: 2)
        let kind = skeleton
        counts.withUnsafeMutableBufferPointer { counts in
            // Safe, because each iteration writes its own element.
            nonisolated(unsafe) let counts = counts
            DispatchQueue.concurrentPerform(iterations: 2) { index in
                let skeleton = masks[index].thinned(to: kind)
                counts[index] = (skeleton.foregroundCount, skeleton.commonCount(with: masks[1 - index]))
            }
        }
        return SkeletonOverlap(
            predictionVoxels: counts[0].voxels, predictionInTruth: counts[0].common, truthVoxels: counts[1].voxels,
            truthInPrediction: counts[1].common)
    }
}

/// The overlap of each mask's skeleton with the other mask: the result of ``SkeletonComparison``.
public struct SkeletonOverlap: Hashable, Codable, Sendable {
    /// The number of voxels of the prediction's skeleton.
    public let predictionVoxels: Int
    /// The number of those that are foreground of the truth.
    public let predictionInTruth: Int
    /// The number of voxels of the truth's skeleton.
    public let truthVoxels: Int
    /// The number of those that are foreground of the prediction.
    public let truthInPrediction: Int

    /// The fraction of the prediction's skeleton that lies in the truth; nil where the prediction is empty.
    public var precision: Double? { ratio(predictionInTruth, predictionVoxels) }

    /// The fraction of the truth's skeleton that lies in the prediction; nil where the truth is empty.
    public var recall: Double? { ratio(truthInPrediction, truthVoxels) }

    /// The harmonic mean of precision and recall; nil where both masks are empty, 0 where one is, or where no skeleton lies in
    /// the other mask.
    public var dice: Double? { harmonicMean(precision, recall) }
}
