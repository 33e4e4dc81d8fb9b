public import Basics

/// What a distance of two descriptors means: how it stands among the distances of pairs of one kind.
///
/// ```swift
/// let calibration = try DistanceCalibration(distancesWithinKinds: distances)
/// calibration.alikeness(at: 7.2)   // 0.5: as alike as two of one kind usually are
/// ```
///
/// Pairs should be as many for each kind, and of different tomograms where kinds have such: two particles of one tomogram share
/// its optics.
public struct DistanceCalibration: Codable, Hashable, Sendable {
    /// The percentiles 0, 1, … 100 of distances within kinds, ascending.
    public let percentiles: [Float]

    /// The fewest pairs.
    public static let leastPairs = 20

    /// - Parameter distances: of pairs of particles of one kind, in any order.
    /// - Throws: ``MiningError`` with less than ``leastPairs``, or where one is negative, NaN or infinite.
    /// - Complexity: O(n log n).
    public init(distancesWithinKinds distances: [Float]) throws(MiningError) {
        guard distances.count >= Self.leastPairs else {
            throw MiningError(
                .tooFew,
                "\(distances.count) pairs of one kind are too few to calibrate distances; "
                    + "give \(Self.leastPairs) or more, or name more particles")
        }
        guard let index = distances.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) else {
            let sorted = distances.sorted()
            percentiles = (0...100).map { percent in
                let rank = Quantile.rank(ofPercentile: Double(percent), count: sorted.count)
                return Float(Quantile.value(atRank: rank, count: sorted.count) { Double(sorted[$0]) })
            }
            return
        }
        throw MiningError(
            .invalidInput, "the distance of pair \(index) is \(distances[index]); give finite distances of 0 or more")
    }

    /// The part of the pairs of one kind that are at least as far apart, 0 … 1: 1 is nearer than all of them, 0.5 as near as two
    /// of one kind usually are, 0 farther than all.
    ///
    /// - Parameter distance: NaN gives 0.
    /// - Complexity: O(1): seven comparisons and an interpolation.
    public func alikeness(at distance: Float) -> Double {
        guard percentiles.count == 101, distance <= percentiles[100] else { return 0 }
        guard distance > percentiles[0] else { return 1 }
        // The first percentile at or above the distance.
        var (lower, upper) = (0, 100)
        while upper - lower > 1 {
            let middle = (lower + upper) / 2
            if percentiles[middle] < distance { lower = middle } else { upper = middle }
        }
        let (below, above) = (Double(percentiles[lower]), Double(percentiles[upper]))
        let part = above > below ? (Double(distance) - below) / (above - below) : 1
        return 1 - (Double(lower) + part) / 100
    }
}
