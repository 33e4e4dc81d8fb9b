public import Basics
public import ImageProcessing

/// Precision and recall for every threshold of a score.
public struct PrecisionRecallCurve: Sendable {
    /// Precision and recall of the predictions whose score is at least the threshold.
    public struct Point: Hashable, Codable, Sendable {
        /// The least score of a prediction.
        public let threshold: Double
        /// The fraction of the predictions that are right.
        public let precision: Double
        /// The fraction of the positives that are predicted.
        public let recall: Double

        /// The harmonic mean of both.
        public var f1: Double { precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0 }
    }

    /// One point for each score that occurs, the highest score first; empty where there are no positives.
    public let points: [Point]
    /// The number of true objects.
    public let positives: Int

    /// The curve of scored predictions.
    ///
    /// - Parameters:
    ///   - scores: the score of each prediction, in any order. Predictions with equal scores share one threshold.
    ///   - isTrue: whether each prediction is right.
    ///   - positives: the number of true objects, including those without a prediction.
    /// - Throws: ``MetricsError`` where the numbers of scores and truths differ, a score is NaN, or more predictions are right
    ///   than there are positives.
    /// - Complexity: n log n in the predictions.
    public init(scores: [Double], isTrue: [Bool], positives: Int) throws(MetricsError) {
        guard scores.count == isTrue.count else {
            throw MetricsError(
                .invalidSize, "there are \(scores.count) scores and \(isTrue.count) truths; give one of each for each prediction")
        }
        if let index = scores.firstIndex(where: \.isNaN) {
            throw MetricsError(.invalidInput, "score \(index) is no number; give it one, or leave the prediction out")
        }
        let right = isTrue.count { $0 }
        guard positives >= right else {
            throw .parameter("the number of positives", positives, mustBe: "at least the \(right) predictions that are right")
        }
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        var steps: [(threshold: Double, right: Int, wrong: Int)] = []
        for index in order {
            if steps.last?.threshold != scores[index] { steps.append((scores[index], 0, 0)) }
            if isTrue[index] { steps[steps.count - 1].right += 1 } else { steps[steps.count - 1].wrong += 1 }
        }
        self.init(steps, positives: positives)
    }

    /// The curve of picks. A pick is right if ``PickRule/greedy(radiusInAngstroms:)`` pairs it. This rule processes picks in
    /// descending order of score, so that the picks above any threshold have the same pairs as without the others.
    ///
    /// - Throws: as ``PickRule/score(_:truth:)``.
    /// - Complexity: as ``PickRule/score(_:truth:)``.
    public init(picks: [Pick], truth: [SIMD3<Double>], radiusInAngstroms: Double) throws(MetricsError) {
        let score = try PickRule.greedy(radiusInAngstroms: radiusInAngstroms).score(picks, truth: truth)
        var isTrue = [Bool](repeating: false, count: picks.count)
        for pair in score.pairs { isTrue[pair.pick] = true }
        try self.init(scores: picks.map(\.score), isTrue: isTrue, positives: truth.count)
    }

    /// - Parameters:
    ///   - steps: the numbers of right and wrong predictions that each threshold adds, the highest threshold first.
    ///   - positives: the number of true objects.
    init(_ steps: [(threshold: Double, right: Int, wrong: Int)], positives: Int) {
        self.positives = positives
        var (right, predicted) = (0, 0)
        var points: [Point] = []
        for step in steps where positives > 0 && step.right + step.wrong > 0 {
            right += step.right
            predicted += step.right + step.wrong
            points.append(
                Point(
                    threshold: step.threshold, precision: Double(right) / Double(predicted),
                    recall: Double(right) / Double(positives)))
        }
        self.points = points
    }

    /// The average precision Σ (Rₙ − Rₙ₋₁) Pₙ, the area below the curve of steps, as in scikit-learn; nil where there are no
    /// positives.
    public var averagePrecision: Double? {
        guard positives > 0 else { return nil }
        var (area, recall) = (0.0, 0.0)
        for point in points {
            area += (point.recall - recall) * point.precision
            recall = point.recall
        }
        return area
    }

    /// The point with the highest F1, of several the one with the highest threshold; nil where there is no point.
    public var best: Point? { points.max { $0.f1 < $1.f1 || $0.f1 == $1.f1 && $0.threshold < $1.threshold } }
}

/// The number of foreground and background voxels at each of the 256 levels of an 8-bit probability. It is sufficient for the
/// precision and recall of all thresholds.
///
/// ```swift
/// var histogram = ProbabilityHistogram()
/// for z in 0..<depth { try histogram.add(probability: probability(z), truth: truth(z)) }
/// let best = histogram.curve().best
/// ```
public struct ProbabilityHistogram: Hashable, Sendable {
    /// The number of background voxels of each level.
    public private(set) var background = [Int](repeating: 0, count: 256)
    /// The number of foreground voxels of each level.
    public private(set) var foreground = [Int](repeating: 0, count: 256)

    /// An empty histogram.
    public init() {}

    /// Counts the voxels of a slice.
    ///
    /// - Parameters:
    ///   - probability: the probability `[y][x]`, as 0 … 255 for 0 … 1.
    ///   - truth: the true mask.
    ///   - region: the voxels that are counted; all by default.
    /// - Throws: ``MetricsError`` where sizes differ.
    /// - Complexity: one pass over the pixels.
    public mutating func add(probability: Image<UInt8>, truth: Mask, region: Mask? = nil) throws(MetricsError) {
        try truth.requireSize(of: probability, "truth")
        try region?.requireSize(of: probability, "region")
        // Four tables are used in turn, so that the increments of equal neighbours do not depend on each other.
        var counts = [UInt32](repeating: 0, count: 4 * 512)
        counts.withUnsafeMutableBufferPointer { counts in
            probability.values.withUnsafeBufferPointer { probability in
                truth.values.withUnsafeBufferPointer { truth in
                    func count(_ index: Int) {
                        counts[(index & 3) << 9 | (truth[index] ? 256 : 0) | Int(probability[index])] &+= 1
                    }
                    if let region {
                        for index in probability.indices where region.values[index] { count(index) }
                    } else {
                        for index in probability.indices { count(index) }
                    }
                }
            }
        }
        for level in 0..<256 {
            for table in 0..<4 {
                background[level] += Int(counts[table << 9 | level])
                foreground[level] += Int(counts[table << 9 | 256 | level])
            }
        }
    }

    /// Precision and recall of the masks "at least this level", for thresholds level / 255.
    public func curve() -> PrecisionRecallCurve {
        let steps = (0..<256).reversed().map {
            (threshold: Double($0) / 255, right: foreground[$0], wrong: background[$0])
        }
        return PrecisionRecallCurve(steps, positives: foreground.reduce(0, +))
    }
}
