import Dispatch
public import ImageProcessing
public import Volumes

/// Measures how much of each mask's skeleton lies in the other mask, slice after slice.
///
/// With ``SkeletonKind/curve`` the Dice is clDice (S. Shit et al., *clDice – a novel topology-preserving loss function for
/// tubular structure segmentation*, CVPR 2021); with ``SkeletonKind/surface`` it is that idea for sheets, which MemBrain-seg
/// (L. Lamm et al., bioRxiv 2024) calls surface Dice. It thins membranes in another way, so numbers are not comparable to the
/// last digit.
public struct SkeletonComparison: Sendable {
    public let shape: VolumeShape
    public let skeleton: SkeletonKind
    private var prediction: BitVolume
    private var truth: BitVolume

    /// - Throws: ``MetricsError`` where the volume does not fit the memory that can be addressed.
    public init(shape: VolumeShape, skeleton: SkeletonKind = .surface) throws(MetricsError) {
        self.shape = shape
        self.skeleton = skeleton
        prediction = try withMetricsError { () throws(ImageError) in try BitVolume(shape: shape) }
        truth = prediction
    }

    /// Adds the next slice.
    ///
    /// - Throws: ``MetricsError`` where it has another size, or the volume is full.
    public mutating func add(prediction: Mask, truth: Mask) throws(MetricsError) {
        try prediction.requireSlice(self.prediction.depth, of: shape)
        try truth.requireSlice(self.prediction.depth, of: shape)
        try withMetricsError { () throws(ImageError) in
            try self.prediction.append(prediction)
            try self.truth.append(truth)
        }
    }

    /// Thins both masks, each on a core, and compares them.
    ///
    /// - Throws: ``MetricsError`` where slices are missing.
    /// - Complexity: as ``BitVolume/thinned(to:)``; a bit a voxel of memory for each mask, skeleton and twice or thrice in
    ///   between.
    public func finish() throws(MetricsError) -> SkeletonOverlap {
        guard prediction.depth == shape.z else { throw .missingSlices(prediction.depth, of: shape) }
        let masks = [prediction, truth]
        var counts = [(voxels: Int, common: Int)](repeating: (0, 0), count: 2)
        let kind = skeleton
        counts.withUnsafeMutableBufferPointer { counts in
            // Each iteration writes its own.
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

/// How much of each mask's skeleton lies in the other mask.
public struct SkeletonOverlap: Hashable, Codable, Sendable {
    /// The voxels of the prediction's skeleton, and those of them that are foreground of the truth.
    public let predictionVoxels: Int
    public let predictionInTruth: Int
    /// The voxels of the truth's skeleton, and those of them that are foreground of the prediction.
    public let truthVoxels: Int
    public let truthInPrediction: Int

    /// The part of the prediction's skeleton that lies in the truth; nil where nothing was predicted.
    public var precision: Double? { ratio(predictionInTruth, predictionVoxels) }

    /// The part of the truth's skeleton that lies in the prediction; nil where there is no truth.
    public var recall: Double? { ratio(truthInPrediction, truthVoxels) }

    /// The harmonic mean of precision and recall; nil where both masks are empty, 0 where one is, or they do not touch.
    public var dice: Double? { harmonicMean(precision, recall) }
}
