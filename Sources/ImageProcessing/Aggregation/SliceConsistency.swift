public import Basics

/// Smooths the maps of consecutive slices along z, and replaces outliers. For each slice F(z) between two neighbours:
///
/// ```
/// if SSIM(F(z+1), F(z−1)) > 0.9 and SSIM(F(z+1), F(z)) < 0.8    F(z) ← ½ F(z−1) + ½ F(z+1)
/// otherwise                                                     F(z) ← ½ F(z) + ¼ F(z−1) + ¼ F(z+1)
/// ```
///
/// All maps on the right-hand side are the original ones: no result depends on a slice that was changed before. SSIM is
/// computed from the maps scaled from the range of the slab to 0 … 1.
///
/// A slice at an end of the slab has one neighbour, which counts for both: F ← ½ F + ½ neighbour. It is never replaced, since
/// one neighbour cannot show which of the two slices is the outlier. A slab of one slice is not changed.
public struct SliceConsistency: Hashable, Sendable {
    /// The least and the greatest value of the slab.
    public let range: ClosedRange<Float>
    /// A slice is replaced only if the SSIM of its two neighbours is above this.
    public let neighbourThreshold: Double
    /// A slice is replaced only if the SSIM of it and the next slice is below this.
    public let sliceThreshold: Double
    /// The weight of a slice that is smoothed; each neighbour has half of the rest.
    public let sliceWeight: Double

    fileprivate let similarity: StructuralSimilarity

    /// - Throws: ``ImageError`` unless the range is finite, the thresholds are in −1 … 1 and the weight in 0 … 1.
    public init(
        range: ClosedRange<Float>, neighbourThreshold: Double = 0.9, sliceThreshold: Double = 0.8, sliceWeight: Double = 0.5
    ) throws(ImageError) {
        guard range.lowerBound.isFinite, range.upperBound.isFinite else {
            throw .parameter("the range of the slab", range, mustBe: "finite")
        }
        for threshold in [neighbourThreshold, sliceThreshold] where !(-1...1).contains(threshold) {
            throw .parameter("a threshold of the consistency", threshold, mustBe: "in −1 … 1")
        }
        guard (0...1).contains(sliceWeight) else {
            throw .parameter("the weight of the slice", sliceWeight, mustBe: "in 0 … 1")
        }
        self.range = range
        self.neighbourThreshold = neighbourThreshold
        self.sliceThreshold = sliceThreshold
        self.sliceWeight = sliceWeight
        similarity = try StructuralSimilarity(dataRange: 1)
    }

    /// The results for all slices of a slab, given from the first to the last. ``stream()`` gives the same results without all
    /// slices in memory.
    ///
    /// - Throws: ``ImageError`` where sizes differ, or maps are smaller than the window of SSIM.
    /// - Complexity: up to two SSIM indices for each slice.
    public func callAsFunction(_ slices: [Image<Float>]) throws(ImageError) -> [ConsistentSlice] {
        var stream = stream()
        var results: [ConsistentSlice] = []
        for slice in slices {
            if let result = try stream.add(slice) { results.append(result) }
        }
        if let last = stream.finish() { results.append(last) }
        return results
    }

    /// The same rule with another weight, and another threshold of the slice.
    func with(weight: Double, sliceThreshold: Double) throws(ImageError) -> SliceConsistency {
        try SliceConsistency(
            range: range, neighbourThreshold: neighbourThreshold, sliceThreshold: sliceThreshold, sliceWeight: weight)
    }

    /// A stream that receives slices one by one and keeps two of them.
    public func stream() -> SliceConsistencyStream { SliceConsistencyStream(rule: self) }
}

/// Processes slices one by one, from the first to the last. The result of a slice is returned when the next one is added.
public struct SliceConsistencyStream: Sendable {
    private let rule: SliceConsistency
    private var index = 0
    private var before: Slice?
    private var current: Slice?

    fileprivate init(rule: SliceConsistency) { self.rule = rule }

    /// Adds the next slice and returns the result of the slice before it; nil for the first.
    ///
    /// - Throws: ``ImageError`` where sizes differ, or maps are smaller than the window of SSIM.
    /// - Complexity: up to two SSIM indices. Memory is that of two slices and their scaled copies.
    public mutating func add(_ map: Image<Float>) throws(ImageError) -> ConsistentSlice? {
        let next = Slice(map, range: rule.range)
        guard let current else {
            current = next
            return nil
        }
        try current.map.requireSize(of: map)
        let result: ConsistentSlice
        if let before {
            result = try between(before, current, next)
        } else {
            result = atEnd(current, neighbour: next)
        }
        (before, self.current, index) = (current, next, index + 1)
        return result
    }

    /// Returns the result of the last slice, nil if there was none, and resets the stream.
    public mutating func finish() -> ConsistentSlice? {
        defer { self = SliceConsistencyStream(rule: rule) }
        guard let current else { return nil }
        guard let before else {
            return ConsistentSlice(map: current.map, decision: SliceDecision(index: index, rule: .alone))
        }
        return atEnd(current, neighbour: before)
    }

    /// The result for a slice between two neighbours.
    private func between(_ before: Slice, _ slice: Slice, _ after: Slice) throws(ImageError) -> ConsistentSlice {
        let neighbourSimilarity = try rule.similarity(after.scaled, before.scaled)
        let sliceSimilarity = try rule.similarity(after.scaled, slice.scaled)
        let isReplaced = neighbourSimilarity > rule.neighbourThreshold && sliceSimilarity < rule.sliceThreshold
        let weight = Float(isReplaced ? 0 : rule.sliceWeight)
        let share = (1 - weight) / 2
        let map = Image<Float>(sizeOf: slice.map) { result in
            for index in result.indices {
                // 0 · NaN is NaN: a slice that is replaced must not contribute.
                let own = isReplaced ? 0 : weight * slice.map.values[index]
                result[index] = own + share * (before.map.values[index] + after.map.values[index])
            }
        }
        let decision = SliceDecision(
            index: index, rule: isReplaced ? .replaced : .smoothed,
            neighbourSimilarity: neighbourSimilarity.isFinite ? neighbourSimilarity : nil,
            sliceSimilarity: sliceSimilarity.isFinite ? sliceSimilarity : nil)
        return ConsistentSlice(map: map, decision: decision)
    }

    /// The result for a slice at an end of the slab.
    private func atEnd(_ slice: Slice, neighbour: Slice) -> ConsistentSlice {
        let weight = Float(rule.sliceWeight)
        let map = Image<Float>(sizeOf: slice.map) { result in
            for index in result.indices {
                result[index] = weight * slice.map.values[index] + (1 - weight) * neighbour.map.values[index]
            }
        }
        return ConsistentSlice(map: map, decision: SliceDecision(index: index, rule: .smoothedAtEnd))
    }

    /// A map, and the map scaled for SSIM.
    private struct Slice {
        let map: Image<Float>
        let scaled: Image<Float>

        init(_ map: Image<Float>, range: ClosedRange<Float>) {
            self.map = map
            let low = Double(range.lowerBound)
            let extent = Double(range.upperBound) - low
            // All slices of a constant slab are equal.
            scaled = map.map { extent > 0 ? Float((Double($0) - low) / extent) : 0 }
        }
    }
}

/// The result of ``SliceConsistency`` for one slice.
public struct ConsistentSlice: Sendable {
    /// The map after smoothing or replacement, `[y][x]`.
    public let map: Image<Float>
    /// What was done to the slice.
    public let decision: SliceDecision
}

/// What was done to a slice, and why.
public struct SliceDecision: Codable, Hashable, Sendable {
    /// What was done to a slice.
    public enum Rule: String, Codable, CaseIterable, Hashable, Sendable {
        /// The slice was replaced by the mean of its neighbours.
        case replaced
        /// The slice was averaged with its neighbours.
        case smoothed
        /// The slice was averaged with its only neighbour.
        case smoothedAtEnd
        /// The slice has no neighbour and was not changed.
        case alone
        /// The slice was not looked at: its map was interpolated between those of other slices (``SparseConsistency``).
        case interpolated
    }

    /// The index of the slice in the slab, from 0.
    public let index: Int
    /// What was done to the slice.
    public let rule: Rule
    /// The SSIM of the slices after and before; nil at an end, and where it is NaN.
    public let neighbourSimilarity: Double?
    /// The SSIM of the slice after and this one; nil at an end, and where it is NaN.
    public let sliceSimilarity: Double?

    fileprivate init(index: Int, rule: Rule, neighbourSimilarity: Double? = nil, sliceSimilarity: Double? = nil) {
        self.index = index
        self.rule = rule
        self.neighbourSimilarity = neighbourSimilarity
        self.sliceSimilarity = sliceSimilarity
    }

    init(interpolated index: Int) { self.init(index: index, rule: .interpolated) }

    /// The same decision, about the slice of another index.
    func moved(to index: Int) -> SliceDecision {
        SliceDecision(index: index, rule: rule, neighbourSimilarity: neighbourSimilarity, sliceSimilarity: sliceSimilarity)
    }

    /// The decision in one sentence.
    public var explanation: String {
        func short(_ number: Double?) -> String { number.map { "\(($0 * 10_000).rounded() / 10_000)" } ?? "unknown" }
        let compared =
            "the slices around it are similar by \(short(neighbourSimilarity)), it and the next one by \(short(sliceSimilarity))"
        return switch rule {
        case .replaced: "became the mean of its neighbours: \(compared)"
        case .smoothed: "averaged with its neighbours: \(compared)"
        case .smoothedAtEnd: "averaged with its only neighbour, at the end of the slab"
        case .alone: "left as it is, the slab's only slice"
        case .interpolated: "not looked at (features.every): its map lies between those of the slices that were"
        }
    }
}
