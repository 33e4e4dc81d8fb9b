public import ImageProcessing

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
