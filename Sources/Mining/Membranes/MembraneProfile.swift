import Basics

/// The mean density of a tomogram across a membrane, along the normals of its centre surface.
public struct MembraneProfile: Hashable, Codable, Sendable {
    /// How a thickness was found.
    public enum Method: String, Codable, CaseIterable, Hashable, Sendable {
        /// The distance between the two extremes, of the leaflets.
        case leaflets
        /// The width at half of the depth, where leaflets are not resolved.
        case halfDepth
    }

    /// The distance between two values.
    public let stepInAngstroms: Double
    /// The mean densities, of which the middle one is at the centre surface; nil where no place has a density.
    public let densities: [Double?]
    /// How many places have a density at the centre surface.
    public let points: Int
    /// The thickness of the membrane; nil where neither a trough nor a peak stands out from the density around.
    public let thicknessInAngstroms: Double?
    /// How it was found; nil where it was not.
    public let method: Method?

    /// Of the least thickness at which a minimum is a leaflet's.
    private static let leafletReach = 60.0

    init(step: Double, densities: [Double?], points: Int) {
        (stepInAngstroms, self.densities, self.points) = (step, densities, points)
        let found = Self.thickness(densities, step: step)
        (thicknessInAngstroms, method) = (found?.0, found?.1)
    }

    private static func thickness(_ densities: [Double?], step: Double) -> (Double, Method)? {
        let known = densities.compactMap { $0 }
        guard known.count == densities.count, known.count >= 9 else { return nil }
        let middle = known.count / 2
        let reach = min(middle - 1, max(2, Int(leafletReach / step)))
        let near = middle - reach...middle + reach
        // What is around: the outer third of both sides, of which the median.
        let around = (known.prefix(middle / 3) + known.suffix(middle / 3)).sorted()
        guard !around.isEmpty else { return nil }
        // Whichever way densities are stored, the membrane is the peak.
        let isDark = known[near].reduce(0, +) / Double(near.count) < around[around.count / 2]
        let values = isDark ? known.map { -$0 } : known
        let outer = isDark ? around.map { -$0 }.reversed() : around
        let base = outer[outer.count / 2]
        let deviation = outer.map { abs($0 - base) }.sorted()[outer.count / 2]
        guard let top = near.max(by: { (values[$0], $1) < (values[$1], $0) }) else { return nil }
        let height = values[top] - base
        guard height > 0, height > 4 * deviation else { return nil }
        let peaks = near.filter { index in
            index > 0 && index < values.count - 1 && values[index] > values[index - 1] && values[index] >= values[index + 1]
                && values[index] - base > 0.3 * height
        }
        // The second leaflet is the highest other peak with a valley between the two.
        let others = peaks.filter { other in
            guard other != top else { return false }
            let between = values[min(other, top)...max(other, top)].min() ?? 0
            return min(values[other], values[top]) - between > 0.05 * height
        }
        if let other = others.max(by: { (values[$0], $1) < (values[$1], $0) }) {
            return (abs(peak(values, other) - peak(values, top)) * step, .leaflets)
        }
        let half = base + height / 2
        var (low, high) = (top, top)
        while low > 0, values[low] > half { low -= 1 }
        while high < values.count - 1, values[high] > half { high += 1 }
        guard values[low] <= half, values[high] <= half else { return nil }
        let left = Double(low) + (half - values[low]) / max(values[low + 1] - values[low], 1e-300)
        let right = Double(high) - (half - values[high]) / max(values[high - 1] - values[high], 1e-300)
        return ((right - left) * step, .halfDepth)
    }

    /// The place of a peak, by a parabola through three values.
    private static func peak(_ values: [Double], _ index: Int) -> Double {
        guard index > 0, index < values.count - 1 else { return Double(index) }
        let (a, b, c) = (values[index - 1], values[index], values[index + 1])
        let bend = a - 2 * b + c
        return bend < 0 ? Double(index) + 0.5 * (a - c) / bend : Double(index)
    }
}
