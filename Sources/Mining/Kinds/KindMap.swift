public import Basics

/// A plane on which kinds lie as far apart as on any: canonical variates (C. R. Rao, 1948).
///
/// Coordinates are those in which the covariance that kinds share is 1, so that a kind is a disc of radius 1 about its mean; of them the plane
/// keeps the two directions in which the means of kinds vary most, each weighted with its part of the particles. Where kinds are too few to
/// span a plane, the rest is the direction in which all particles vary most.
public struct KindMap: Sendable {
    private let axes: PrincipalAxes
    /// Of each axis of the plane a direction among the principal axes.
    private let directions: [[Double]]

    /// The weight of the variance of all particles beside that of kinds: it decides only where kinds do not.
    private static let restWeight = 1e-6

    /// - Complexity: O(axes³).
    public init(_ model: KindModel) {
        let (mixture, side) = (model.mixture, model.axes.axes.count)
        let inverse = mixture.inverseFactor
        /// Coordinates in which the covariance is 1.
        func whitened(_ point: [Double]) -> [Double] {
            (0..<side).map { row in (0...row).reduce(0) { $0 + inverse[row * side + $1] * point[$1] } }
        }
        let means = mixture.means.map(whitened)
        let total = mixture.weights.reduce(0, +)
        let middle = (0..<side).map { index in
            zip(means, mixture.weights).reduce(0) { $0 + $1.0[index] * $1.1 } / max(total, .leastNormalMagnitude)
        }
        var between = CovarianceMatrix(side)
        for (mean, weight) in zip(means, mixture.weights) {
            between.add(zip(mean, middle).map { $0 - $1 }, weight: weight / max(total, .leastNormalMagnitude))
        }
        for (index, variance) in mixture.backgroundVariances.enumerated() {
            var unit = [Double](repeating: 0, count: side)
            unit[index] = variance.squareRoot()
            between.add(whitened(unit), weight: Self.restWeight)
        }
        axes = model.axes
        directions = between.eigenvectors().vectors.prefix(2).map { direction in
            // A direction among whitened coordinates, as one among the principal axes: its product with the inverse factor.
            (0..<side).map { column in (column..<side).reduce(0) { $0 + direction[$1] * inverse[$1 * side + column] } }
        }
    }

    /// The places of rows that stand one after the other, in standard deviations of a kind; y is 0 where particles have one axis alone. What
    /// is NaN or infinite has no place, and is NaN.
    ///
    /// - Throws: ``MiningError`` where the number of values is no multiple of the dimension.
    /// - Complexity: O(d · axes) for each.
    public func places(of rows: [Float]) throws(MiningError) -> [SIMD2<Double>] {
        let dimension = axes.mean.count
        guard dimension > 0, rows.count.isMultiple(of: dimension) else {
            throw .row(rows.count % max(dimension, 1), of: dimension)
        }
        return stride(from: 0, to: rows.count, by: dimension).map { first in
            let point = axes(rows[first..<first + dimension])
            let values = directions.map { direction in zip(direction, point).reduce(0) { $0 + $1.0 * $1.1 } }
            return SIMD2(values.first ?? 0, values.count > 1 ? values[1] : 0)
        }
    }
}
