/// A particle that was found.
public struct Peak: Hashable, Sendable {
    /// Its centre (x, y, z), in voxels; whole numbers are centres of voxels.
    public var center: SIMD3<Double>
    /// How full of the class its neighbourhood is, 0.1 … 1: the value of the pooled map.
    public var score: Float

    public init(center: SIMD3<Double>, score: Float) {
        self.center = center
        self.score = score
    }
}

extension [Peak] {
    /// Those that have no better peak within a distance, the best first.
    ///
    /// Peaks are taken in falling order of score, equal ones in order of z, y and x; one is left out if it lies within the
    /// distance of one that was kept.
    ///
    /// - Precondition: a positive distance in voxels.
    /// - Complexity: n log n.
    public func separated(by distance: Double) -> [Peak] {
        precondition(distance > 0, "peaks cannot be \(distance) voxels apart")
        var kept: [Peak] = []
        var cells: [SIMD3<Int>: [Int]] = [:]
        for peak in sorted(by: { $0.comes(before: $1) }) {
            let scaled = (peak.center / distance).rounded(.down)
            let cell = SIMD3(Int(scaled.x), Int(scaled.y), Int(scaled.z))
            let isNear = (-1...1).contains { dz in
                (-1...1).contains { dy in
                    (-1...1).contains { dx in
                        (cells[cell &+ SIMD3(dx, dy, dz)] ?? []).contains { index in
                            let offset = kept[index].center - peak.center
                            return (offset * offset).sum() <= distance * distance
                        }
                    }
                }
            }
            guard !isNear else { continue }
            cells[cell, default: []].append(kept.count)
            kept.append(peak)
        }
        return kept
    }
}

extension Peak {
    fileprivate func comes(before other: Peak) -> Bool {
        guard score == other.score else { return score > other.score }
        let (a, b) = (center, other.center)
        return (a.z, a.y, a.x) < (b.z, b.y, b.x)
    }
}
