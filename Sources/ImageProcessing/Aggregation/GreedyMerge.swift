public import Basics

/// Merges several maps of a slice into one by greedy selection. It begins with the map of the greatest diversity, and merges
/// those that raise the diversity.
///
/// The maps are scaled to 0 … 1. The base is the map of the greatest ``DiversityScore``. The others are candidates, in
/// descending order of their own score. A candidate is merged if, and only if,
///
/// 1. it is similar to the base: the similarity is at least the threshold,
/// 2. the diversity after merging is greater than before,
/// 3. the number of contours after merging is not greater than before (``Image/contourCount()`` of the foreground by
///    Otsu's threshold).
///
/// Merging takes the running mean: after n maps, merged ← (n · merged + candidate) / (n + 1). Maps with equal scores keep
/// their order.
///
/// The similarity of two maps is not their correlation, which is zero for all pairs of eigenvectors since these are
/// orthogonal. It is that of their bright regions.
public struct GreedyMerge: Hashable, Sendable {
    /// How two maps are compared.
    public enum Similarity: String, Codable, CaseIterable, Hashable, Sendable {
        /// The Dice coefficient of the foregrounds by Otsu's threshold.
        case overlap
        /// The SSIM index of the scaled maps.
        case structure
    }

    /// How a candidate is compared with the base.
    public let similarity: Similarity
    /// The least similarity to the base with which a candidate is merged.
    public let threshold: Double
    /// The score that selects maps.
    public let diversity: DiversityScore
    /// The scaling of the maps to 0 … 1.
    public let scaling: MapScaling
    private let structure: StructuralSimilarity

    /// - Throws: ``ImageError`` unless the threshold is in −1 … 1.
    public init(
        similarity: Similarity = .overlap, threshold: Double = 0.5, diversity: DiversityScore, scaling: MapScaling
    ) throws(ImageError) {
        guard (-1...1).contains(threshold) else { throw .parameter("the least similarity", threshold, mustBe: "in −1 … 1") }
        self.similarity = similarity
        self.threshold = threshold
        self.diversity = diversity
        self.scaling = scaling
        structure = try StructuralSimilarity(dataRange: 1)
    }

    /// The merged map, in 0 … 1, and the log of all decisions.
    ///
    /// - Parameters:
    ///   - maps: maps `[y][x]` of the same size, with the sign for which structures are bright (``MapOrientation``). A single
    ///     map is only scaled.
    ///   - chosen: the index of the base; by default it is the map of the greatest diversity.
    /// - Throws: ``ImageError`` where there is no map, or none with the index `chosen`, where sizes differ, or where maps to be
    ///   compared by SSIM are smaller than its window.
    /// - Complexity: sorts the pixels of each map; the rest is linear in them.
    public func callAsFunction(_ maps: [Image<Float>], base chosen: Int? = nil) throws(ImageError) -> MergedMap {
        guard let first = maps.first, chosen.map(maps.indices.contains) ?? true else {
            throw ImageError(.invalidParameter, "there is no map to merge; compute at least one eigenvector")
        }
        for map in maps { try first.requireSize(of: map) }
        let candidates = maps.map { Candidate(scaling($0), diversity) }
        // The index decides between equal scores, because `sorted(by:)` is not guaranteed to be stable.
        var order = candidates.indices.sorted { a, b in
            (candidates[b].diversity, a) < (candidates[a].diversity, b)
        }
        if let chosen {
            order.removeAll { $0 == chosen }
            order.insert(chosen, at: 0)
        }
        let base = candidates[order[0]]
        var merged = base
        var count: Float = 1
        var decisions: [MergeDecision] = []
        for index in order.dropFirst() {
            let candidate = candidates[index]
            let next = Candidate(merged.map.runningMean(of: count, with: candidate.map), diversity)
            let decision = MergeDecision(
                map: index, ownDiversity: candidate.diversity, similarity: try similarity(of: candidate, to: base),
                threshold: threshold, diversityBefore: merged.diversity, diversityAfter: next.diversity,
                contoursBefore: merged.contours, contoursAfter: next.contours)
            decisions.append(decision)
            if decision.outcome == .merged {
                merged = next
                count += 1
            }
        }
        let log = MergeLog(
            base: order[0], baseDiversity: base.diversity, baseContours: base.contours, finalDiversity: merged.diversity,
            finalContours: merged.contours, decisions: decisions)
        return MergedMap(map: merged.map, log: log)
    }

    private func similarity(of candidate: Candidate, to base: Candidate) throws(ImageError) -> Double {
        switch similarity {
        case .overlap: try candidate.foreground.dice(with: base.foreground)
        case .structure: try structure(candidate.map, base.map)
        }
    }

    /// A scaled map and the properties that are compared.
    private struct Candidate {
        let map: Image<Float>
        let diversity: Double
        let foreground: Mask
        let contours: Int

        init(_ map: Image<Float>, _ score: DiversityScore) {
            self.map = map
            diversity = score(map)
            foreground = map.thresholded(above: map.otsuThreshold())
            contours = foreground.contourCount()
        }
    }
}

extension Image<Float> {
    /// The mean of count + 1 images, where this image is the mean of the first `count`, and `other` is the last.
    fileprivate func runningMean(of count: Float, with other: Image<Float>) -> Image<Float> {
        Image(sizeOf: self) { result in
            for index in result.indices { result[index] = (count * values[index] + other.values[index]) / (count + 1) }
        }
    }
}

/// The diversity of a map: the standard deviation over its patches of the standard deviation inside a patch.
///
/// ```
/// diversity = std over patches of (std inside the patch)
/// ```
///
/// It is low for a map that is flat everywhere or rough everywhere, and high for one with structures in some places. Both
/// are population standard deviations (divided by n), in float64.
public struct DiversityScore: Hashable, Sendable {
    /// The side of a patch in pixels.
    public let patchSize: Int

    /// - Throws: ``ImageError`` unless the patch is 2 … 4096 pixels wide.
    public init(patchSize: Int = 8) throws(ImageError) {
        guard (2...4096).contains(patchSize) else {
            throw .parameter("the patch of the diversity score", patchSize, mustBe: "in 2 … 4096 pixels")
        }
        self.patchSize = patchSize
    }

    /// The score of a map `[y][x]`. Patches begin at the upper left corner; pixels at the right and at the bottom that do not
    /// fill a patch are ignored. The score is 0 for a map of fewer than two patches, and where a value is not finite.
    ///
    /// - Complexity: two passes over the pixels.
    public func callAsFunction(_ map: Image<Float>) -> Double {
        var deviations: [Double] = []
        for y in stride(from: 0, through: map.height - patchSize, by: patchSize) {
            for x in stride(from: 0, through: map.width - patchSize, by: patchSize) {
                var pixels: [Double] = []
                for row in y..<y + patchSize {
                    let first = row * map.width + x
                    pixels += map.values[first..<first + patchSize].lazy.map(Double.init)
                }
                deviations.append(Self.standardDeviation(of: pixels))
            }
        }
        let score = deviations.count < 2 ? 0 : Self.standardDeviation(of: deviations)
        return score.isFinite ? score : 0
    }

    private static func standardDeviation(of values: [Double]) -> Double {
        let mean = values.reduce(0, +) / Double(values.count)
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    }
}

/// The result of ``GreedyMerge``.
public struct MergedMap: Sendable {
    /// The merged map `[y][x]` in 0 … 1, of the size of the maps.
    public let map: Image<Float>
    /// The decision for each map.
    public let log: MergeLog
}

/// Which maps were merged, and why.
public struct MergeLog: Codable, Hashable, Sendable {
    /// The index of the base among the maps.
    public let base: Int
    /// The diversity score of the base alone.
    public let baseDiversity: Double
    /// The number of contours of the base alone.
    public let baseContours: Int
    /// The diversity score of the result.
    public let finalDiversity: Double
    /// The number of contours of the result.
    public let finalContours: Int
    /// One decision for each map but the base, in the order in which they were made.
    public let decisions: [MergeDecision]

    /// The indices of the maps in the result: the base, then the maps merged into it.
    public var mergedMaps: [Int] { [base] + decisions.filter { $0.outcome == .merged }.map(\.map) }
}

/// The decision whether a map is merged, and the numbers that it was based on.
public struct MergeDecision: Codable, Hashable, Sendable {
    /// `merged`, or the first condition that the map does not meet.
    public enum Outcome: String, Codable, CaseIterable, Hashable, Sendable {
        case merged, dissimilar, diversityDoesNotRise, contoursRise
    }

    /// The index of the map among the maps.
    public let map: Int
    /// The diversity score of the map alone.
    public let ownDiversity: Double
    /// The similarity of the map to the base.
    public let similarity: Double
    /// The least similarity for merging.
    public let threshold: Double
    /// The diversity score of the merged map without this map.
    public let diversityBefore: Double
    /// The diversity score of the merged map with this map.
    public let diversityAfter: Double
    /// The number of contours of the merged map without this map.
    public let contoursBefore: Int
    /// The number of contours of the merged map with this map.
    public let contoursAfter: Int
    /// The decision.
    public let outcome: Outcome

    fileprivate init(
        map: Int, ownDiversity: Double, similarity: Double, threshold: Double, diversityBefore: Double, diversityAfter: Double,
        contoursBefore: Int, contoursAfter: Int
    ) {
        self.map = map
        self.ownDiversity = ownDiversity
        self.similarity = similarity
        self.threshold = threshold
        self.diversityBefore = diversityBefore
        self.diversityAfter = diversityAfter
        self.contoursBefore = contoursBefore
        self.contoursAfter = contoursAfter
        // The comparison is negated so that NaN counts as dissimilar.
        outcome =
            !(similarity >= threshold)
            ? .dissimilar
            : diversityAfter <= diversityBefore ? .diversityDoesNotRise : contoursAfter > contoursBefore ? .contoursRise : .merged
    }

    /// The decision in one sentence.
    public var explanation: String {
        let outcome =
            switch outcome {
            case .merged: "merged"
            case .dissimilar: "left out, not similar to the base"
            case .diversityDoesNotRise: "left out, the diversity would not rise"
            case .contoursRise: "left out, there would be more contours"
            }
        func short(_ number: Double) -> String {
            guard number.isFinite else { return "\(number)" }
            return "\((number * 10_000).rounded() / 10_000)"
        }
        return "map \(map) \(outcome): similarity \(short(similarity)) (at least \(short(threshold))), "
            + "diversity \(short(diversityBefore)) → \(short(diversityAfter)), contours \(contoursBefore) → \(contoursAfter)"
    }
}
