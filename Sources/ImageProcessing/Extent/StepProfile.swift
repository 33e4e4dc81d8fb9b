/// A profile along z that is fitted by steps: outside, inside, outside, where inside is higher.
///
/// Either edge may be missing, because the sample goes on beyond the end of the profile. Steps are fitted by least squares: of
/// all pairs of edges, and of all single ones, those that leave the least sum of squares.
struct StepProfile {
    /// The least number of slices between two edges, and between an edge and an end.
    static let leastSlices = 4
    /// The least number of slices of a profile.
    static let leastCount = 3 * leastSlices
    /// The least height of a step, in standard errors. Edges are chosen to be as high as they can be: 3 to 14 % of the columns
    /// of mere noise have one. That many do not agree on a plane.
    private static let leastStep = 3.0

    /// The edges of a profile, in slices from its first one. An edge lies half a slice before the first slice on its far side.
    /// nil where no step stands out.
    struct Edges {
        var lower: Double?
        var upper: Double?
    }

    /// Two edges, or one: the first slice inside, and the first one beyond.
    private struct Fit {
        let begin: Int?
        let end: Int?
        /// The sum of squares that the levels explain.
        let explained: Double
    }

    /// The profile, less its mean.
    private let values: [Double]
    /// The sums of the first 0, 1, … values.
    private let sums: [Double]
    /// The best pair of edges, the best lower edge alone, and the best upper one alone; nil where inside is nowhere higher.
    private var pair: Fit?
    private var lower: Fit?
    private var upper: Fit?

    /// - Parameter profile: at least ``leastCount`` finite values.
    /// - Complexity: quadratic in their number.
    init(_ profile: [Double]) {
        precondition(profile.count >= Self.leastCount, "\(profile.count) slices have no two edges")
        let mean = profile.reduce(0, +) / Double(profile.count)
        values = profile.map { $0 - mean }
        sums = values.reduce(into: [0.0]) { $0.append($0[$0.count - 1] + $1) }
        pair = bestPair()
        lower = bestEdge(isLower: true)
        upper = bestEdge(isLower: false)
    }

    /// The edges of many profiles, in their order.
    ///
    /// A step stands out where it is higher than 3 standard errors of the difference of its two levels. The variance of the
    /// mean of n slices is v τ / n. v is the variance of the residuals, that of the profile or the median of all profiles,
    /// whichever is larger. τ is the autocorrelation time of all residuals: slices are smoothed, and the missing wedge smears
    /// them.
    static func edges(of profiles: [StepProfile]) -> [Edges] {
        let residuals = profiles.map { $0.residuals() }
        let time = autocorrelationTime(of: residuals)
        let variances = residuals.map { residuals in
            let count = Double(residuals.count)
            // Three levels take three independent values.
            return residuals.reduce(0) { $0 + $1 * $1 } / max(count - 3 * time, count / 4)
        }
        let typical = variances.sorted().dropFirst(variances.count / 2).first ?? 0
        return zip(profiles, variances).map { $0.edges(variance: max($1, typical) * time) }
    }

    /// - Parameter variance: v τ.
    private func edges(variance: Double) -> Edges {
        if let pair, let begin = pair.begin, let end = pair.end {
            let steps = errors(of: pair, variance)
            if min(steps.lower, steps.upper) >= Self.leastStep {
                return Edges(lower: Double(begin) - 0.5, upper: Double(end) - 0.5)
            }
        }
        let low = lower.map { errors(of: $0, variance).lower } ?? 0
        let high = upper.map { errors(of: $0, variance).upper } ?? 0
        guard max(low, high) >= Self.leastStep else { return Edges() }
        if low >= high { return Edges(lower: lower?.begin.map { Double($0) - 0.5 }) }
        return Edges(upper: upper?.end.map { Double($0) - 0.5 })
    }

    /// The heights of the steps in standard errors, infinite where an edge is missing.
    private func errors(of fit: Fit, _ variance: Double) -> (lower: Double, upper: Double) {
        let (begin, end) = (fit.begin ?? 0, fit.end ?? values.count)
        func step(to outside: Range<Int>) -> Double {
            guard !outside.isEmpty else { return .infinity }
            let error = (variance / Double(outside.count) + variance / Double(end - begin)).squareRoot()
            return (mean(begin..<end) - mean(outside)) / error
        }
        return (step(to: 0..<begin), step(to: end..<values.count))
    }

    /// What the best fit leaves.
    private func residuals() -> [Double] {
        guard let fit = [pair, lower, upper].compactMap({ $0 }).max(by: { $0.explained < $1.explained }) else { return values }
        let (begin, end) = (fit.begin ?? 0, fit.end ?? values.count)
        return [0..<begin, begin..<end, end..<values.count].filter { !$0.isEmpty }.flatMap { range in
            let level = mean(range)
            return values[range].map { $0 - level }
        }
    }

    /// τ = 1 + 2 Σ ρ_k, up to the first lag k at which the mean correlation ρ_k of the residuals is below 0.05. At least 3, since
    /// profiles are means of three slices.
    private static func autocorrelationTime(of residuals: [[Double]]) -> Double {
        let varying = residuals.filter { $0.contains { $0 != 0 } }
        guard let shortest = varying.map(\.count).min() else { return 3 }
        var time = 1.0
        for lag in 1...max(1, shortest / 4) {
            let correlations = varying.map { values in
                let squares = values.reduce(0) { $0 + $1 * $1 }
                return zip(values, values.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 } / squares
            }
            let correlation = correlations.reduce(0, +) / Double(correlations.count)
            guard correlation >= 0.05 else { break }
            time += 2 * correlation
        }
        return max(time, 3)
    }

    private func mean(_ range: Range<Int>) -> Double { (sums[range.upperBound] - sums[range.lowerBound]) / Double(range.count) }

    private func bestPair() -> Fit? {
        let (count, least) = (values.count, Self.leastSlices)
        var best: (value: Double, begin: Int, end: Int)?
        for begin in least...count - 2 * least {
            let outside = mean(0..<begin)
            let explained = sums[begin] * outside
            for end in begin + least...count - least {
                let (inner, outer) = (sums[end] - sums[begin], sums[count] - sums[end])
                let (inside, beyond) = (inner / Double(end - begin), outer / Double(count - end))
                guard inside > outside, inside > beyond else { continue }
                let value = explained + inner * inside + outer * beyond
                if value > best?.value ?? -.infinity { best = (value, begin, end) }
            }
        }
        return best.map { Fit(begin: $0.begin, end: $0.end, explained: $0.value) }
    }

    private func bestEdge(isLower: Bool) -> Fit? {
        let count = values.count
        var best: (value: Double, edge: Int)?
        for edge in Self.leastSlices...count - Self.leastSlices {
            let (before, after) = (mean(0..<edge), mean(edge..<count))
            guard isLower ? after > before : before > after else { continue }
            let value = sums[edge] * before + (sums[count] - sums[edge]) * after
            if value > best?.value ?? -.infinity { best = (value, edge) }
        }
        return best.map { Fit(begin: isLower ? $0.edge : nil, end: isLower ? nil : $0.edge, explained: $0.value) }
    }
}
