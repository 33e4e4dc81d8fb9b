import ImageProcessing

extension Peak {
    /// The particles on which several networks agree.
    ///
    /// Scores of networks differ in what they mean: one that learned for minutes is sure of everything. So each network's score is divided by
    /// twice the least score at which it takes a particle, at most 1: one half is what it would just take. Peaks of different networks within
    /// a distance are one particle, at the place of the highest; its score is the mean over all networks, 0 for those without a peak there. It is
    /// taken from one half on: where both just take it, or where one is sure enough for two.
    ///
    /// - Parameters:
    ///   - maps: the peaks of each network, ``PeakFinder/finish()``.
    ///   - leastScores: of each network; where one is 0, all peaks are kept, and scores are compared as they are.
    ///   - distance: in voxels; above 0.
    /// - Returns: the particles, the highest score first, no two within the distance.
    /// - Complexity: O(n log n) in the number of peaks.
    public static func agreed(_ maps: [[Peak]], leastScores: [Float], within distance: Double) -> [Peak] {
        let keepsAll = leastScores.contains { $0 <= 0 }
        var peaks: [(map: Int, peak: Peak)] = []
        for (map, found) in maps.enumerated() {
            for peak in found {
                let score = keepsAll ? peak.score : min(peak.score / (2 * leastScores[map]), 1)
                peaks.append((map, Peak(center: peak.center, score: score)))
            }
        }
        peaks.sort { $0.peak == $1.peak ? $0.map < $1.map : $0.peak.comes(before: $1.peak) }
        var places = CellList(distance: distance)
        for (index, entry) in peaks.enumerated() { places.add(index, at: entry.peak.center) }
        var isTaken = [Bool](repeating: false, count: peaks.count)
        var particles: [Peak] = []
        for (index, entry) in peaks.enumerated() where !isTaken[index] {
            isTaken[index] = true
            var sum = entry.peak.score
            let near = places.near(entry.peak.center)
            for map in maps.indices where map != entry.map {
                func squaredDistance(_ other: Int) -> Double {
                    let offset = peaks[other].peak.center - entry.peak.center
                    return (offset * offset).sum()
                }
                let others = near.filter { peaks[$0].map == map && !isTaken[$0] && squaredDistance($0) <= distance * distance }
                guard let nearest = others.min(by: { squaredDistance($0) < squaredDistance($1) }) else { continue }
                isTaken[nearest] = true
                sum += peaks[nearest].peak.score
            }
            let score = sum / Float(max(maps.count, 1))
            if keepsAll || score >= 0.5 { particles.append(Peak(center: entry.peak.center, score: score)) }
        }
        return particles.separated(by: distance)
    }
}
