public import Basics
public import ImageProcessing

/// Precision and recall at every threshold of a score.
public struct PrecisionRecallCurve: Sendable {
    /// What comes of predicting everything whose score is at least the threshold.
    public struct Point: Hashable, Codable, Sendable {
        public let threshold: Double
        public let precision: Double
        public let recall: Double

        /// The harmonic mean of both.
        public var f1: Double { precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0 }
    }

    /// A point for each score that occurs, the highest first; none where there is no truth.
    public let points: [Point]
    /// How many there are to be found.
    public let positives: Int

    /// - Parameters:
    ///   - scores: of what was predicted, in any order; what has one score is predicted together.
    ///   - isTrue: whether each is right.
    ///   - positives: how many there are to be found, also those that nothing predicts.
    /// - Throws: ``MetricsError`` where the numbers of scores and truths differ, a score is no number, or more is right than
    ///   there is to be found.
    /// - Complexity: n log n.
    public init(scores: [Double], isTrue: [Bool], positives: Int) throws(MetricsError) {
        guard scores.count == isTrue.count else {
            throw MetricsError(
                .invalidSize, "there are \(scores.count) scores and \(isTrue.count) truths; there must be one for each")
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

    /// A pick is right where the greedy rule pairs it. The rule takes picks in order of score, so that those above any
    /// threshold are paired as they would be alone.
    ///
    /// - Throws: as ``PickRule/score(_:truth:)``.
    public init(picks: [Pick], truth: [SIMD3<Double>], radiusInAngstroms: Double) throws(MetricsError) {
        let score = try PickRule.greedy(radiusInAngstroms: radiusInAngstroms).score(picks, truth: truth)
        var isTrue = [Bool](repeating: false, count: picks.count)
        for pair in score.pairs { isTrue[pair.pick] = true }
        try self.init(scores: picks.map(\.score), isTrue: isTrue, positives: truth.count)
    }

    /// - Parameter steps: how much more is predicted at each threshold, the highest first.
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

    /// Σ (Rₙ − Rₙ₋₁) Pₙ, the area below the curve as steps, as scikit-learn has it; nil where there is no truth.
    public var averagePrecision: Double? {
        guard positives > 0 else { return nil }
        var (area, recall) = (0.0, 0.0)
        for point in points {
            area += (point.recall - recall) * point.precision
            recall = point.recall
        }
        return area
    }

    /// The point of the highest F1; of equal ones that of the highest threshold. Nil where there is none.
    public var best: Point? { points.max { $0.f1 < $1.f1 || $0.f1 == $1.f1 && $0.threshold < $1.threshold } }
}

/// How often each of the 256 levels of a probability is foreground and background: all that a sweep of thresholds needs.
///
/// ```swift
/// var histogram = ProbabilityHistogram()
/// for z in 0..<depth { try histogram.add(probability: probability(z), truth: truth(z)) }
/// let best = histogram.curve().best
/// ```
public struct ProbabilityHistogram: Hashable, Sendable {
    /// Voxels of each level that are background, and that are foreground.
    public private(set) var background = [Int](repeating: 0, count: 256)
    public private(set) var foreground = [Int](repeating: 0, count: 256)

    public init() {}

    /// Counts the voxels of a slice.
    ///
    /// - Parameters:
    ///   - probability: 255 is 1.
    ///   - region: where voxels are counted; everywhere without it.
    /// - Throws: ``MetricsError`` where sizes differ.
    /// - Complexity: a pass over the pixels.
    public mutating func add(probability: Image<UInt8>, truth: Mask, region: Mask? = nil) throws(MetricsError) {
        try truth.requireSize(of: probability, "truth")
        try region?.requireSize(of: probability, "region")
        // Four tables in turn: neighbours are alike, and a count would wait for the one before it.
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

    /// Precision and recall where everything of at least a level is predicted; thresholds are level / 255.
    public func curve() -> PrecisionRecallCurve {
        let steps = (0..<256).reversed().map {
            (threshold: Double($0) / 255, right: foreground[$0], wrong: background[$0])
        }
        return PrecisionRecallCurve(steps, positives: foreground.reduce(0, +))
    }
}
