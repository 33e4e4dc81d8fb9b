internal import Foundation

/// To which component of a mixture points belong: the mixture in coordinates in which its covariance is 1, so that a point costs its square once, and
/// a component only a distance.
struct MixtureDensity {
    /// Of the point that was visited last: the probability that it belongs to none, and to each component. They sum to 1.
    private(set) var parts: [Double]
    private let dimension: Int
    private let inverseFactor: [Double]
    /// `[component][coordinate]`.
    private let means: [Double]
    /// log w − ½ log det S.
    private let offsets: [Double]
    private let (backgroundMean, backgroundWeights, backgroundOffset): ([Double], [Double], Double)
    private var white: [Double]

    init(_ mixture: NormalMixture) {
        let dimension = mixture.backgroundMean.count
        let inverse = mixture.inverseFactor
        self.dimension = dimension
        inverseFactor = inverse
        means = mixture.means.flatMap { mean in
            (0..<dimension).map { row in (0...row).reduce(0) { $0 + inverse[row * dimension + $1] * mean[$1] } }
        }
        offsets = mixture.weights.map { log(max($0, 1e-300)) - 0.5 * mixture.logDeterminant }
        backgroundMean = mixture.backgroundMean
        backgroundWeights = mixture.backgroundVariances.map { 0.5 / $0 }
        backgroundOffset = log(mixture.backgroundWeight) - 0.5 * mixture.backgroundVariances.reduce(0) { $0 + log($1) }
        parts = [Double](repeating: 0, count: offsets.count + 1)
        white = [Double](repeating: 0, count: dimension)
    }

    /// Computes ``parts`` of a point, and gives the logarithm of its density.
    ///
    /// - Parameter point: as many finite coordinates as the points that were fitted.
    /// - Complexity: O(d² + k d).
    mutating func visit(_ point: [Double]) -> Double {
        var broad = backgroundOffset
        for row in 0..<dimension {
            var sum = 0.0
            for column in 0...row { sum += inverseFactor[row * dimension + column] * point[column] }
            white[row] = sum
            let offset = point[row] - backgroundMean[row]
            broad -= offset * offset * backgroundWeights[row]
        }
        parts[0] = broad
        var greatest = broad
        for component in offsets.indices {
            var square = 0.0
            for index in 0..<dimension {
                let offset = white[index] - means[component * dimension + index]
                square += offset * offset
            }
            let value = offsets[component] - 0.5 * square
            parts[component + 1] = value
            greatest = max(greatest, value)
        }
        var total = 0.0
        for index in parts.indices {
            parts[index] = exp(parts[index] - greatest)
            total += parts[index]
        }
        for index in parts.indices { parts[index] /= total }
        return greatest + log(total) - 0.5 * Double(dimension) * log(2 * Double.pi)
    }
}
