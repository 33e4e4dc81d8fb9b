internal import Foundation

/// The mean of rows and the directions in which they vary most: principal components.
struct PrincipalAxes: Codable, Hashable, Sendable {
    /// The mean of each component.
    let mean: [Double]
    /// Directions of length 1, `[axis][component]`: the one with the greatest variance first.
    let axes: [[Double]]
    /// The variance along each axis, above 0.
    let variances: [Double]

    /// The part of the greatest variance below which an axis says nothing.
    private static let leastPart = 0.01

    /// Finds the axes of rows.
    ///
    /// - Parameters:
    ///   - rows: `[row][component]`, one after the other.
    ///   - dimension: the number of components, 1 to 1024.
    ///   - most: how many axes there are at most. Those with less than a hundredth of the greatest variance are left out.
    /// - Throws: ``MiningError`` where the number of values is no multiple of the dimension, or one is NaN or infinite.
    /// - Complexity: O(n d²) and, for the axes of the covariance, O(d³); memory is d² numbers.
    init(of rows: [Float], dimension: Int, most: Int) throws(MiningError) {
        guard (1...1024).contains(dimension), !rows.isEmpty, rows.count.isMultiple(of: dimension) else {
            throw .row(rows.count % max(dimension, 1), of: dimension)
        }
        let count = rows.count / dimension
        var mean = [Double](repeating: 0, count: dimension)
        for row in 0..<count {
            for index in 0..<dimension {
                let value = rows[row * dimension + index]
                guard value.isFinite else { throw .notFinite(row: row) }
                mean[index] += Double(value)
            }
        }
        for index in mean.indices { mean[index] /= Double(count) }
        var covariance = CovarianceMatrix(dimension)
        var centred = [Double](repeating: 0, count: dimension)
        for row in 0..<count {
            for index in 0..<dimension { centred[index] = Double(rows[row * dimension + index]) - mean[index] }
            covariance.add(centred, weight: 1 / Double(count))
        }
        let (values, vectors) = covariance.eigenvectors()
        let greatest = values.first ?? 0
        let kept = values.prefix { $0 > greatest * Self.leastPart && $0 > 0 }.count
        self.mean = mean
        axes = Array(vectors.prefix(min(kept, max(most, 1))))
        variances = Array(values.prefix(axes.count))
    }

    /// The coordinates of a row along the axes.
    ///
    /// - Parameter row: as many components as ``mean`` has.
    func callAsFunction(_ row: ArraySlice<Float>) -> [Double] {
        axes.map { axis in
            var sum = 0.0
            for (index, value) in row.enumerated() { sum += (Double(value) - mean[index]) * axis[index] }
            return sum
        }
    }
}

/// A symmetric matrix of doubles, `[row][column]`.
struct CovarianceMatrix: Hashable, Sendable {
    let size: Int
    var values: [Double]

    init(_ size: Int) { (self.size, values) = (size, [Double](repeating: 0, count: size * size)) }

    subscript(row: Int, column: Int) -> Double {
        get { values[row * size + column] }
        set { values[row * size + column] = newValue }
    }

    /// Adds weight · v vᵀ.
    mutating func add(_ vector: [Double], weight: Double) {
        for row in 0..<size {
            let factor = weight * vector[row]
            guard factor != 0 else { continue }
            for column in 0..<size { values[row * size + column] += factor * vector[column] }
        }
    }

    /// The inverse of its Cholesky factor, lower triangular, and the logarithm of its determinant; nil where it is not positive definite.
    func inverseFactor() -> (inverse: CovarianceMatrix, logDeterminant: Double)? {
        var factor = CovarianceMatrix(size)
        var logDeterminant = 0.0
        for row in 0..<size {
            for column in 0...row {
                var sum = self[row, column]
                for index in 0..<column { sum -= factor[row, index] * factor[column, index] }
                if row == column {
                    guard sum > 0, sum.isFinite else { return nil }
                    factor[row, row] = sum.squareRoot()
                    logDeterminant += log(sum)
                } else {
                    factor[row, column] = sum / factor[column, column]
                }
            }
        }
        var inverse = CovarianceMatrix(size)
        for column in 0..<size {
            inverse[column, column] = 1 / factor[column, column]
            for row in (column + 1)..<max(size, column + 1) {
                var sum = 0.0
                for index in column..<row { sum -= factor[row, index] * inverse[index, column] }
                inverse[row, column] = sum / factor[row, row]
            }
        }
        return (inverse, logDeterminant)
    }

    /// Its eigenvalues, descending, with their vectors of length 1: by Jacobi's rotations, until nothing changes. Of each vector the component
    /// that is greatest by amount is positive.
    ///
    /// - Complexity: some ten sweeps of O(n³).
    func eigenvectors() -> (values: [Double], vectors: [[Double]]) {
        var matrix = self
        var vectors = CovarianceMatrix(size)
        for index in 0..<size { vectors[index, index] = 1 }
        let scale = values.reduce(0) { max($0, abs($1)) }
        for _ in 0..<60 where scale > 0 {
            var isDone = true
            for p in 0..<size {
                for q in (p + 1)..<max(size, p + 1) where abs(matrix[p, q]) > scale * 1e-14 {
                    isDone = false
                    let theta = (matrix[q, q] - matrix[p, p]) / (2 * matrix[p, q])
                    let t = (theta >= 0 ? 1 : -1) / (abs(theta) + (theta * theta + 1).squareRoot())
                    let c = 1 / (t * t + 1).squareRoot()
                    let s = t * c
                    for k in 0..<size {
                        let (a, b) = (matrix[k, p], matrix[k, q])
                        (matrix[k, p], matrix[k, q]) = (c * a - s * b, s * a + c * b)
                    }
                    for k in 0..<size {
                        let (a, b) = (matrix[p, k], matrix[q, k])
                        (matrix[p, k], matrix[q, k]) = (c * a - s * b, s * a + c * b)
                    }
                    for k in 0..<size {
                        let (a, b) = (vectors[p, k], vectors[q, k])
                        (vectors[p, k], vectors[q, k]) = (c * a - s * b, s * a + c * b)
                    }
                }
            }
            if isDone { break }
        }
        let order = (0..<size).sorted { (matrix[$1, $1], $0) < (matrix[$0, $0], $1) }
        return (
            order.map { matrix[$0, $0] },
            order.map { index in
                let vector = (0..<size).map { vectors[index, $0] }
                let greatest = vector.max { abs($0) < abs($1) } ?? 1
                return greatest < 0 ? vector.map { -$0 } : vector
            }
        )
    }
}
