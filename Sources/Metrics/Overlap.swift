public import ImageProcessing

/// The overlap of two masks, a prediction and the truth: the numbers of voxels that are foreground in both, in one of them,
/// and in none. Masks are added slice by slice.
///
/// ```swift
/// var overlap = Overlap()
/// for z in 0..<depth { try overlap.add(prediction: prediction(z), truth: truth(z)) }
/// print(overlap.dice ?? "both are empty")
/// ```
public struct Overlap: Hashable, Codable, Sendable {
    /// TP: the voxels that are foreground in both masks.
    public var truePositives: Int
    /// FP: the voxels that are foreground in the prediction only.
    public var falsePositives: Int
    /// FN: the voxels that are foreground in the truth only.
    public var falseNegatives: Int
    /// TN: the voxels that are background in both masks.
    public var trueNegatives: Int

    public init(truePositives: Int = 0, falsePositives: Int = 0, falseNegatives: Int = 0, trueNegatives: Int = 0) {
        self.truePositives = truePositives
        self.falsePositives = falsePositives
        self.falseNegatives = falseNegatives
        self.trueNegatives = trueNegatives
    }

    /// Counts the voxels of a slice.
    ///
    /// - Parameter region: the voxels that are counted; all by default.
    /// - Throws: ``MetricsError`` where sizes differ.
    /// - Complexity: one pass over the pixels.
    public mutating func add(prediction: Mask, truth: Mask, region: Mask? = nil) throws(MetricsError) {
        try truth.requireSize(of: prediction, "truth")
        try region?.requireSize(of: prediction, "region")
        var counts = (both: 0, predicted: 0, true: 0, all: 0)
        let whole = prediction.values.count
        prediction.values.withUnsafeBufferPointer { prediction in
            truth.values.withUnsafeBufferPointer { truth in
                for first in stride(from: 0, to: whole, by: 1 << 15) {
                    let end = min(first + 1 << 15, whole)
                    var (both, predicted, true_, all): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
                    if let region {
                        region.values.withUnsafeBufferPointer { region in
                            for index in first..<end {
                                let counts: Int32 = region[index] ? 1 : 0
                                let (one, other): (Int32, Int32) = (prediction[index] ? counts : 0, truth[index] ? counts : 0)
                                both &+= one & other
                                predicted &+= one
                                true_ &+= other
                                all &+= counts
                            }
                        }
                    } else {
                        for index in first..<end {
                            let (one, other): (Int32, Int32) = (prediction[index] ? 1 : 0, truth[index] ? 1 : 0)
                            both &+= one & other
                            predicted &+= one
                            true_ &+= other
                        }
                        all = Int32(end - first)
                    }
                    counts.both += Int(both)
                    counts.predicted += Int(predicted)
                    counts.true += Int(true_)
                    counts.all += Int(all)
                }
            }
        }
        truePositives += counts.both
        falsePositives += counts.predicted - counts.both
        falseNegatives += counts.true - counts.both
        trueNegatives += counts.all - counts.predicted - counts.true + counts.both
    }

    /// The sums of the counts.
    public static func + (a: Overlap, b: Overlap) -> Overlap {
        Overlap(
            truePositives: a.truePositives + b.truePositives, falsePositives: a.falsePositives + b.falsePositives,
            falseNegatives: a.falseNegatives + b.falseNegatives, trueNegatives: a.trueNegatives + b.trueNegatives)
    }

    public static func += (a: inout Overlap, b: Overlap) { a = a + b }

    /// The Dice coefficient, which equals F1: 2 TP / (2 TP + FP + FN); nil where both masks are empty.
    public var dice: Double? { ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives) }

    /// The Jaccard index TP / (TP + FP + FN); nil where both masks are empty.
    public var intersectionOverUnion: Double? { ratio(truePositives, truePositives + falsePositives + falseNegatives) }

    /// TP / (TP + FP); nil where nothing was predicted.
    public var precision: Double? { ratio(truePositives, truePositives + falsePositives) }

    /// TP / (TP + FN); nil where there is no truth.
    public var recall: Double? { ratio(truePositives, truePositives + falseNegatives) }
}

/// `part / whole`; nil where `whole` is 0.
func ratio(_ part: Int, _ whole: Int) -> Double? { whole == 0 ? nil : Double(part) / Double(whole) }

/// F-beta, the weighted harmonic mean (1 + β²) P R / (β² P + R) of precision P and recall R. A value that is nil counts as 0;
/// the result is nil where both are.
func harmonicMean(_ precision: Double?, _ recall: Double?, beta: Double = 1) -> Double? {
    guard precision != nil || recall != nil else { return nil }
    let (precision, recall) = (precision ?? 0, recall ?? 0)
    let weighted = beta * beta * precision + recall
    return weighted > 0 ? (1 + beta * beta) * precision * recall / weighted : 0
}
