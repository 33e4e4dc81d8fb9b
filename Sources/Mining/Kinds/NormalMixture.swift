import Basics
internal import Foundation

/// A mixture of normal distributions that share one covariance, and a broad one behind them for what belongs to none.
///
/// The density of x is Σ wₖ N(x; μₖ, S) + w₀ N(x; μ, c² D): D has the variances of all rows, c = 3. It is fitted by expectation and maximisation
/// (Dempster, Laird, Rubin, 1977); S is shared, so that a kind of ten particles has its shape from all others.
struct NormalMixture: Codable, Hashable, Sendable {
    /// The mean of each component, `[component][coordinate]`.
    private(set) var means: [[Double]]
    /// The part of the rows that each has.
    private(set) var weights: [Double]
    /// The part of the rows that belong to none.
    let backgroundWeight: Double
    /// The inverse of the Cholesky factor of S, `[row][column]`, lower triangular.
    let inverseFactor: [Double]
    let logDeterminant: Double
    let backgroundMean: [Double]
    let backgroundVariances: [Double]
    /// Twice the negative logarithm of the likelihood of the rows it was fitted to, and its number of parameters times the logarithm of their
    /// number (G. Schwarz, 1978): less is better.
    let informationCriterion: Double

    /// c: how much wider than all rows the broad one is.
    private static let breadth = 3.0
    /// The least sum of probabilities of a component: a single stranger is no kind.
    private static let leastMembers = 5.0
    private static let steps = 60

    /// Fits a mixture, from the best of several starts (D. Arthur, S. Vassilvitskii, *k-means++*, 2007).
    ///
    /// - Parameters:
    ///   - points: `[point][coordinate]`, at least one, each with the same number of coordinates, all finite.
    ///   - count: of components, at least 1. Those that are left with fewer than five are dropped.
    ///   - starts: how many are tried.
    ///   - random: the source of the starts.
    /// - Complexity: O(starts · steps · n · (d² + k d)).
    init?(_ points: [[Double]], count: Int, starts: Int, random: inout RandomStream) {
        guard let first = points.first, !first.isEmpty, count >= 1 else { return nil }
        var best: NormalMixture?
        for _ in 0..<max(starts, 1) {
            guard let fitted = NormalMixture(points, from: Self.seeds(points, count, &random)) else { continue }
            if fitted.informationCriterion < best?.informationCriterion ?? .infinity { best = fitted }
        }
        guard let best else { return nil }
        self = best
    }

    /// Points that lie far from one another: the first at random, each other one with a chance that grows with its squared distance.
    private static func seeds(_ points: [[Double]], _ count: Int, _ random: inout RandomStream) -> [[Double]] {
        var seeds = [points[random.index(below: points.count)]]
        var nearest = points.map { squaredDistance($0, seeds[0]) }
        while seeds.count < count {
            let total = nearest.reduce(0, +)
            guard total > 0, total.isFinite else { break }
            var rest = random.unit() * total
            let chosen = nearest.firstIndex { value in
                rest -= value
                return rest < 0
            }
            let seed = points[chosen ?? points.count - 1]
            seeds.append(seed)
            for index in points.indices { nearest[index] = min(nearest[index], squaredDistance(points[index], seed)) }
        }
        return seeds
    }

    private static func squaredDistance(_ a: [Double], _ b: [Double]) -> Double {
        var sum = 0.0
        for index in a.indices { sum += (a[index] - b[index]) * (a[index] - b[index]) }
        return sum
    }

    /// nil where the points have no covariance.
    private init?(_ points: [[Double]], from seeds: [[Double]]) {
        let (count, dimension) = (Double(points.count), points[0].count)
        var center = [Double](repeating: 0, count: dimension)
        for point in points { for index in center.indices { center[index] += point[index] / count } }
        var spread = [Double](repeating: 0, count: dimension)
        for point in points {
            for index in center.indices {
                spread[index] += (point[index] - center[index]) * (point[index] - center[index]) / count
            }
        }
        let scale = spread.reduce(0, +) / Double(dimension)
        guard scale > 0, scale.isFinite else { return nil }
        // What never varies along an axis still has a little breadth.
        let floor = scale * 1e-3
        let backgroundMean = center
        let backgroundVariances = spread.map { Self.breadth * Self.breadth * max($0, floor) }

        // A first covariance: around the nearest seed.
        var (means, weights, background) = (seeds, [Double](repeating: 0.98 / Double(seeds.count), count: seeds.count), 0.02)
        var covariance = CovarianceMatrix(dimension)
        for point in points {
            let nearest = means.min { Self.squaredDistance(point, $0) < Self.squaredDistance(point, $1) } ?? center
            covariance.add(zip(point, nearest).map { $0 - $1 }, weight: 1 / count)
        }
        for index in 0..<dimension { covariance[index, index] += floor }
        guard var (inverse, logDeterminant) = covariance.inverseFactor() else { return nil }
        var likelihood = -Double.infinity
        for _ in 0..<Self.steps {
            var current = NormalMixture(
                means: means, weights: weights, backgroundWeight: background, inverse.values, logDeterminant, backgroundMean,
                backgroundVariances, 0
            ).density
            var sums = [[Double]](repeating: [Double](repeating: 0, count: dimension), count: means.count)
            var masses = [Double](repeating: 0, count: means.count)
            var second = CovarianceMatrix(dimension)
            var (rest, sum) = (0.0, 0.0)
            for point in points {
                sum += current.visit(point)
                let parts = current.parts
                rest += parts[0]
                for component in means.indices where parts[component + 1] > 1e-9 {
                    masses[component] += parts[component + 1]
                    for index in 0..<dimension { sums[component][index] += parts[component + 1] * point[index] }
                }
                // S = (Σ p x xᵀ − Σ m μ μᵀ) / Σ m, about the centre of all, so that the difference keeps its digits.
                second.add(zip(point, center).map { $0 - $1 }, weight: 1 - parts[0])
            }
            let alive = means.indices.filter { masses[$0] >= Self.leastMembers }
            guard !alive.isEmpty else { break }
            let mass = alive.reduce(0) { $0 + masses[$1] }
            let lost = means.count - alive.count
            means = alive.map { component in sums[component].map { $0 / masses[component] } }
            weights = alive.map { masses[$0] / count }
            background = max(rest / count, 1e-6)
            // What a lost component held belongs to others now: S and the likelihood are theirs only after another step.
            if lost > 0 {
                likelihood = -.infinity
                continue
            }
            for (mean, component) in zip(means, alive) {
                second.add(zip(mean, center).map { $0 - $1 }, weight: -masses[component])
            }
            for index in second.values.indices { second.values[index] /= mass }
            for index in 0..<dimension { second[index, index] += floor }
            guard let next = second.inverseFactor() else { break }
            (inverse, logDeterminant) = next
            let isDone = sum - likelihood < 1e-6 * count
            likelihood = sum
            if isDone { break }
        }
        let free = Double(means.count * (dimension + 1) + dimension * (dimension + 1) / 2)
        self.init(
            means: means, weights: weights, backgroundWeight: background, inverse.values, logDeterminant, backgroundMean,
            backgroundVariances, -2 * likelihood + free * log(count))
    }

    private init(
        means: [[Double]], weights: [Double], backgroundWeight: Double, _ inverseFactor: [Double], _ logDeterminant: Double,
        _ backgroundMean: [Double], _ backgroundVariances: [Double], _ informationCriterion: Double
    ) {
        (self.means, self.weights, self.backgroundWeight) = (means, weights, backgroundWeight)
        (self.inverseFactor, self.logDeterminant) = (inverseFactor, logDeterminant)
        (self.backgroundMean, self.backgroundVariances) = (backgroundMean, backgroundVariances)
        self.informationCriterion = informationCriterion
    }

    /// What says to which component a point belongs.
    var density: MixtureDensity { MixtureDensity(self) }

    /// A mixture in which two components take the place of one.
    func splitting(_ component: Int, into first: [Double], _ second: [Double], part: Double) -> NormalMixture {
        var (means, weights) = (means, weights)
        means[component] = first
        means.append(second)
        weights.append(weights[component] * (1 - part))
        weights[component] *= part
        return NormalMixture(
            means: means, weights: weights, backgroundWeight: backgroundWeight, inverseFactor, logDeterminant, backgroundMean,
            backgroundVariances, informationCriterion)
    }
}
