public import ImageProcessing

/// How two masks overlap: the voxels that are foreground in both, in either, in none.
///
/// ```swift
/// var overlap = Overlap()
/// for z in 0..<depth { try overlap.add(prediction: prediction(z), truth: truth(z)) }
/// print(overlap.dice ?? "both are empty")
/// ```
public struct Overlap: Hashable, Codable, Sendable {
    public var truePositives: Int
    public var falsePositives: Int
    public var falseNegatives: Int
    public var trueNegatives: Int

    public init(truePositives: Int = 0, falsePositives: Int = 0, falseNegatives: Int = 0, trueNegatives: Int = 0) {
        self.truePositives = truePositives
        self.falsePositives = falsePositives
        self.falseNegatives = falseNegatives
        self.trueNegatives = trueNegatives
    }

    /// Counts the voxels of a slice.
    ///
    /// - Parameter region: where voxels are counted; everywhere without it.
    /// - Throws: ``MetricsError`` where sizes differ.
    /// - Complexity: a pass over the pixels.
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

    public static func + (a: Overlap, b: Overlap) -> Overlap {
        Overlap(
            truePositives: a.truePositives + b.truePositives, falsePositives: a.falsePositives + b.falsePositives,
            falseNegatives: a.falseNegatives + b.falseNegatives, trueNegatives: a.trueNegatives + b.trueNegatives)
    }

    public static func += (a: inout Overlap, b: Overlap) { a = a + b }

    /// 2 TP / (2 TP + FP + FN), the Dice coefficient, which is F1; nil where both masks are empty.
    public var dice: Double? { ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives) }

    /// TP / (TP + FP + FN), the Jaccard index; nil where both masks are empty.
    public var intersectionOverUnion: Double? { ratio(truePositives, truePositives + falsePositives + falseNegatives) }

    /// TP / (TP + FP); nil where nothing was predicted.
    public var precision: Double? { ratio(truePositives, truePositives + falsePositives) }

    /// TP / (TP + FN); nil where there is no truth.
    public var recall: Double? { ratio(truePositives, truePositives + falseNegatives) }
}

/// A part of a whole; nil where there is no whole.
func ratio(_ part: Int, _ whole: Int) -> Double? { whole == 0 ? nil : Double(part) / Double(whole) }

/// The harmonic mean of two ratios, the second β times as important; a missing one counts as 0, and of two missing ones there is
/// none.
func harmonicMean(_ precision: Double?, _ recall: Double?, beta: Double = 1) -> Double? {
    guard precision != nil || recall != nil else { return nil }
    let (precision, recall) = (precision ?? 0, recall ?? 0)
    let weighted = beta * beta * precision + recall
    return weighted > 0 ? (1 + beta * beta) * precision * recall / weighted : 0
}
