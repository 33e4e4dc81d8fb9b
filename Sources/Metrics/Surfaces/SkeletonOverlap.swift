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

/// The harmonic mean of two ratios, the second β times as important; a missing one counts as 0, and of two missing ones there is
/// none.
func harmonicMean(_ precision: Double?, _ recall: Double?, beta: Double = 1) -> Double? {
    guard precision != nil || recall != nil else { return nil }
    let (precision, recall) = (precision ?? 0, recall ?? 0)
    let weighted = beta * beta * precision + recall
    return weighted > 0 ? (1 + beta * beta) * precision * recall / weighted : 0
}
