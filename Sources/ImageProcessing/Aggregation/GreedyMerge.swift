public import Basics

/// Makes one map of several: the most diverse is the base, and others are merged into it as long as that helps.
///
/// The maps are scaled to 0 … 1. The base is the map of the greatest ``DiversityScore``. The others are candidates, in
/// descending order of their own score; a candidate is merged if, and only if,
///
/// 1. it is similar to the base: the similarity is at least the threshold,
/// 2. the diversity after merging is greater than before,
/// 3. the number of contours after merging is not greater than before (``Image/contourCount()`` of the foreground by
///    Otsu's threshold).
///
/// Merging takes the running mean: after n maps, merged ← (n · merged + candidate) / (n + 1). Of maps with equal scores
/// the first comes first.
///
/// Eigenvectors are orthogonal: their correlation is zero and says nothing about what they show. Their similarity is
/// therefore that of what is bright in them.
public struct GreedyMerge: Hashable, Sendable {
    /// In what two maps are compared.
    public enum Similarity: String, Codable, CaseIterable, Hashable, Sendable {
        /// The Dice coefficient of the foregrounds by Otsu's threshold.
        case overlap
        /// The SSIM index of the scaled maps.
        case structure
    }

    public let similarity: Similarity
    /// The least similarity to the base of a map that is merged.
    public let threshold: Double
    public let diversity: DiversityScore
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

    /// The merged map, in 0 … 1, and why it is what it is.
    ///
    /// - Parameters:
    ///   - maps: of one size, in the sign in which structures are bright. A single map is scaled, and that is all.
    ///   - chosen: the index of the base, where it is not to be the most diverse.
    /// - Throws: ``ImageError`` where there is no map, or none of that index, their sizes differ, or they are smaller than the window of SSIM,
    ///   by which they are to be compared.
    public func callAsFunction(_ maps: [Image<Float>], base chosen: Int? = nil) throws(ImageError) -> MergedMap {
        guard let first = maps.first, chosen.map(maps.indices.contains) ?? true else {
            throw ImageError(.invalidParameter, "there is no map to merge; compute at least one eigenvector")
        }
        for map in maps { try first.requireSize(of: map) }
        let candidates = maps.map { Candidate(scaling($0), diversity) }
        // A stable order: `sorted(by:)` of the standard library does not promise one.
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

    /// A scaled map and what is asked of it.
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
    /// The mean of this image, itself the mean of `count`, and one more.
    fileprivate func runningMean(of count: Float, with other: Image<Float>) -> Image<Float> {
        Image(sizeOf: self) { result in
            for index in result.indices { result[index] = (count * values[index] + other.values[index]) / (count + 1) }
        }
    }
}
