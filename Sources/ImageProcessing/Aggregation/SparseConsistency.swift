public import Basics

/// Consistency along z where only some slices of a slab were looked at: ``SliceConsistency`` for a slab with gaps.
///
/// Outliers are sought among the slices that were looked at, each beside its nearest neighbours of the kind. The maps of the others are then
/// interpolated linearly along z, those beyond the first and the last are these, and all are averaged with their neighbours, one slice apart.
/// Without gaps the result is that of ``SliceConsistency``.
public struct SparseConsistency: Sendable {
    /// Whether each slice of the slab was looked at, from the first.
    private let isLookedAt: [Bool]
    /// Of those that were looked at. Without gaps it decides everything.
    private var outliers: SliceConsistencyStream
    /// Averages all slices, and replaces none; nil without gaps.
    private var smoothing: SliceConsistencyStream?
    /// The last map that was looked at, and the next slice of the slab that has no map yet.
    private var last: Image<Float>?
    private var next = 0
    /// Decisions about slices that were looked at and replaced, by their index in the slab.
    private var replaced: [Int: SliceDecision] = [:]

    /// - Parameters:
    ///   - rule: the range, the thresholds and the weight.
    ///   - isLookedAt: for each slice of the slab.
    /// - Throws: ``ImageError`` where no slice was looked at.
    public init(_ rule: SliceConsistency, isLookedAt: [Bool]) throws(ImageError) {
        guard isLookedAt.contains(true) else {
            throw .parameter("the number of slices that were looked at", 0, mustBe: "1 or more")
        }
        self.isLookedAt = isLookedAt
        if isLookedAt.contains(false) {
            outliers = try rule.with(weight: 1, sliceThreshold: rule.sliceThreshold).stream()
            smoothing = try rule.with(weight: rule.sliceWeight, sliceThreshold: -1).stream()
        } else {
            outliers = rule.stream()
        }
    }

    /// Adds the map of the next slice that was looked at.
    ///
    /// - Parameter give: receives the results that this completes, in order.
    /// - Throws: ``ImageError`` where sizes differ, or maps are smaller than the window of SSIM; what `give` throws.
    /// - Complexity: up to four SSIM indices for each slice. Memory is that of six slices, however wide the gaps.
    public mutating func add(_ map: Image<Float>, give: (ConsistentSlice) throws -> Void) throws {
        if let slice = try outliers.add(map) { try take(slice, give) }
    }

    /// Ends the slab.
    ///
    /// - Parameter give: receives the remaining results, in order.
    public mutating func finish(give: (ConsistentSlice) throws -> Void) throws {
        if let slice = outliers.finish() { try take(slice, give) }
        guard let last, smoothing != nil else { return }
        while next < isLookedAt.count { try smooth(last, give) }
        if let slice = smoothing?.finish() { try give(decided(slice)) }
    }

    /// Takes a slice that was looked at, after outliers were replaced.
    private mutating func take(_ slice: ConsistentSlice, _ give: (ConsistentSlice) throws -> Void) throws {
        guard smoothing != nil else { return try give(slice) }
        guard let own = isLookedAt[next...].firstIndex(of: true) else { return }
        if slice.decision.rule == .replaced { replaced[own] = slice.decision.moved(to: own) }
        let (first, count) = (next, Float(own - next + 1))
        while next < own {
            let part = Float(next - first + 1) / count
            try smooth(last.map { Self.between($0, slice.map, part) } ?? slice.map, give)
        }
        try smooth(slice.map, give)
        last = slice.map
    }

    /// Gives the next slice of the slab to the stream that averages.
    private mutating func smooth(_ map: Image<Float>, _ give: (ConsistentSlice) throws -> Void) throws {
        next += 1
        if let slice = try smoothing?.add(map) { try give(decided(slice)) }
    }

    /// A slice that was averaged, with the decision that counts.
    private mutating func decided(_ slice: ConsistentSlice) -> ConsistentSlice {
        let index = slice.decision.index
        let decision =
            replaced.removeValue(forKey: index) ?? (isLookedAt[index] ? slice.decision : SliceDecision(interpolated: index))
        return ConsistentSlice(map: slice.map, decision: decision)
    }

    /// (1 − part) · a + part · b.
    private static func between(_ a: Image<Float>, _ b: Image<Float>, _ part: Float) -> Image<Float> {
        Image<Float>(sizeOf: a) { result in
            for index in result.indices { result[index] = (1 - part) * a.values[index] + part * b.values[index] }
        }
    }
}
