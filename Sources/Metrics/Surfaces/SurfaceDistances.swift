/// The distances between two surfaces, in Å.
///
/// Where one of them is empty, nothing can be said of distances: they are nil, and the surface Dice is 0. Where both are,
/// that is nil as well.
public struct SurfaceDistances: Sendable {
    /// From each element of the prediction's surface to the nearest of the truth's.
    public let predictionToTruth: Direction
    /// From each element of the truth's surface to the nearest of the prediction's.
    public let truthToPrediction: Direction
    public let convention: SurfaceComparison.Convention

    /// The distances from one surface to the other.
    public struct Direction: Sendable {
        /// The number of elements.
        public let elements: Int
        /// What they weigh together: Å², or their number.
        public let weight: Double
        /// The distances that occur, rising, and what weighs so much and lies so far; empty where there is no other surface.
        private let distances: [Double]
        private let shares: [Share]
        private let convention: SurfaceComparison.Convention

        init(_ shares: [UInt64: Share], _ convention: SurfaceComparison.Convention) {
            // The sums are taken in order of distance, so that they are the same each time.
            let sorted = shares.sorted { $0.key < $1.key }
            elements = sorted.reduce(0) { $0 + $1.value.elements }
            weight = sorted.reduce(0) { $0 + $1.value.weight }
            let finite = sorted.filter { Double(bitPattern: $0.key).isFinite }
            distances = finite.map { Double(bitPattern: $0.key).squareRoot() }
            self.shares = finite.map(\.value)
            self.convention = convention
        }

        /// The mean distance, weighted; nil where either surface is empty.
        public var mean: Double? { distances.isEmpty ? nil : sum / weight }

        var sum: Double { zip(distances, shares).reduce(0) { $0 + $1.0 * $1.1.weight } }

        /// The distance that so many per cent of the surface do not exceed, as the convention has it; nil where either surface
        /// is empty, or the number is no percentage.
        public func percentile(_ percent: Double) -> Double? {
            guard (0...100).contains(percent), !distances.isEmpty else { return nil }
            switch convention {
            case .elements:
                var reached = 0.0
                for (distance, share) in zip(distances, shares) {
                    reached += share.weight
                    if reached / weight >= percent / 100 { return distance }
                }
                return distances.last
            case .voxels:
                let place = Double(elements - 1) * percent / 100
                let lower = Int(place)
                let (below, above) = (distance(ofElement: lower), distance(ofElement: min(lower + 1, elements - 1)))
                return below + (above - below) * (place - Double(lower))
            }
        }

        private func distance(ofElement index: Int) -> Double {
            var passed = 0
            for (distance, share) in zip(distances, shares) {
                passed += share.elements
                if index < passed { return distance }
            }
            return distances.last ?? 0
        }

        /// The part of the surface that is at most so far from the other; nil where this surface is empty, 0 where the other is.
        public func fraction(within toleranceInAngstroms: Double) -> Double? {
            elements == 0 ? nil : weight(within: toleranceInAngstroms) / weight
        }

        func weight(within tolerance: Double) -> Double {
            zip(distances, shares).reduce(0) { $1.0 <= tolerance ? $0 + $1.1.weight : $0 }
        }
    }

    /// What has one distance.
    struct Share: Sendable {
        var elements = 0
        var weight = 0.0

        mutating func add(_ weight: Double) {
            elements += 1
            self.weight += weight
        }

        static func + (a: Share, b: Share) -> Share { Share(elements: a.elements + b.elements, weight: a.weight + b.weight) }
    }

    /// The average symmetric distance: the mean over the elements of both surfaces; nil where either is empty.
    public var mean: Double? {
        guard predictionToTruth.mean != nil, truthToPrediction.mean != nil else { return nil }
        return (predictionToTruth.sum + truthToPrediction.sum) / (predictionToTruth.weight + truthToPrediction.weight)
    }

    /// The larger of the two directions' percentiles, the Hausdorff distance at 100; nil where either surface is empty.
    public func hausdorff(percentile: Double = 95) -> Double? {
        guard let one = predictionToTruth.percentile(percentile), let other = truthToPrediction.percentile(percentile) else {
            return nil
        }
        return max(one, other)
    }

    /// The surface Dice: the part of both surfaces that is at most so far from the other one; nil where both are empty, 0 where
    /// one is.
    public func dice(toleranceInAngstroms tolerance: Double) -> Double? {
        let whole = predictionToTruth.weight + truthToPrediction.weight
        guard predictionToTruth.elements + truthToPrediction.elements > 0 else { return nil }
        return (predictionToTruth.weight(within: tolerance) + truthToPrediction.weight(within: tolerance)) / whole
    }
}
