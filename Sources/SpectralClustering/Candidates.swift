import Basics
internal import Tensors

/// Approximate eigenvectors from a solver, with Rayleigh quotients and residuals from a product with the matrix M itself.
struct Candidates {
    /// Rayleigh quotients ⟨x, Mx⟩ / ⟨x, x⟩.
    let values: [Double]
    /// `[values.count, n]`, one vector in each row.
    let vectors: Tensor
    /// ‖Mx − λx‖ / ‖x‖ of each vector.
    let residuals: [Double]
    /// The number of products of M with a block, for the report.
    let products: Int

    /// The most vectors that are refined: Jacobi rotations take a time of the order count³.
    private static let mostRefined = 128

    /// Computes Rayleigh quotients and residuals with one product of M with all vectors.
    ///
    /// - Parameters:
    ///   - vectors: `[count, n]`
    ///   - refines: whether to replace the vectors by the Ritz vectors of their span (the Rayleigh-Ritz method, in double
    ///     precision), in descending order of values. Needs orthonormal vectors, at most 128; others stay as they are.
    init(_ vectors: Tensor, of affinity: AffinityOperator, products: Int, refines: Bool = false) {
        var (vectors, images) = (vectors, affinity.multiply(vectors))
        if refines, let rotation = Self.rotation(vectors, images) {
            (vectors, images) = (Self.combined(vectors, rotation), Self.combined(images, rotation))
        }
        let n = vectors.shape[1]
        let (values, residuals) = vectors.withUnsafeBufferPointer { vectors in
            images.withUnsafeBufferPointer { images in
                let squares = Self.rowProducts(vectors, vectors, n)
                let values = zip(Self.rowProducts(vectors, images, n), squares).map(/)
                let residuals = values.indices.map { row in
                    (row * n..<(row + 1) * n).reduce(0.0) { sum, element in
                        let difference = Double(images[element]) - values[row] * Double(vectors[element])
                        return sum + difference * difference
                    }
                }
                return (values, zip(residuals, squares).map { ($0 / $1).squareRoot() })
            }
        }
        (self.values, self.vectors, self.residuals, self.products) = (values, vectors, residuals, products)
    }

    /// ⟨a_i, b_i⟩ for each row i.
    private static func rowProducts(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>, _ n: Int) -> [Double] {
        stride(from: 0, to: a.count, by: n).map { first in
            (first..<first + n).reduce(0.0) { $0 + Double(a[$1]) * Double(b[$1]) }
        }
    }

    /// The rotation to Ritz vectors, `[count][count]`: each row holds the coefficients of one Ritz vector. nil where the vectors
    /// are not nearly orthonormal, or there are more than 128.
    private static func rotation(_ vectors: Tensor, _ images: Tensor) -> [Double]? {
        let count = vectors.shape[0]
        guard count <= mostRefined else { return nil }
        let gram = products(vectors, vectors)
        var matrix = products(vectors, images)
        for row in 0..<count {
            for column in 0..<row {
                let mean = (matrix[row * count + column] + matrix[column * count + row]) / 2
                (matrix[row * count + column], matrix[column * count + row]) = (mean, mean)
            }
        }
        // X is orthonormal except for rounding: G = XᵀX = 1 + E, and G^−½ = 1 − E / 2 up to terms of the order E².
        let isNearlyOrthonormal = (0..<count * count).allSatisfy { abs(gram[$0] - ($0 % (count + 1) == 0 ? 1 : 0)) < 1e-4 }
        guard isNearlyOrthonormal else { return nil }
        let root = (0..<count * count).map { ($0 % (count + 1) == 0 ? 1.5 : 0) - gram[$0] / 2 }
        let eigen = SymmetricEigenvectors(multiplied(multiplied(root, matrix, count), root, count), n: count)
        return multiplied(eigen.vectors, root, count)
    }

    /// A Bᵀ: the inner products of all rows of a with all rows of b, `[count][count]`.
    private static func products(_ a: Tensor, _ b: Tensor) -> [Double] {
        let (count, n) = (a.shape[0], a.shape[1])
        var result = [Double](repeating: 0, count: count * count)
        result.withUnsafeMutableBufferPointer { result in
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    guard let left = a.baseAddress, let right = b.baseAddress else { return }
                    Threads.perform(count) { row in
                        for column in 0..<count {
                            result[row * count + column] = VectorBlock.preciseDot(left + row * n, right + column * n, n)
                        }
                    }
                }
            }
        }
        return result
    }

    /// The product of two n × n matrices.
    private static func multiplied(_ a: [Double], _ b: [Double], _ n: Int) -> [Double] {
        var result = [Double](repeating: 0, count: n * n)
        for row in 0..<n {
            for inner in 0..<n {
                for column in 0..<n { result[row * n + column] += a[row * n + inner] * b[inner * n + column] }
            }
        }
        return result
    }

    /// rotation · vectors, `[count, n]`.
    private static func combined(_ vectors: Tensor, _ rotation: [Double]) -> Tensor {
        let (count, n) = (vectors.shape[0], vectors.shape[1])
        return Tensor(shape: vectors.shape) { target in
            vectors.withUnsafeBufferPointer { vectors in
                Threads.perform(count) { row in
                    var sums = [Double](repeating: 0, count: n)
                    for other in 0..<count {
                        let factor = rotation[row * count + other]
                        for element in 0..<n { sums[element] += factor * Double(vectors[other * n + element]) }
                    }
                    for element in 0..<n { target[row * n + element] = Float(sums[element]) }
                }
            }
        }
    }

    /// The first `count` vectors as maps, without the first constant one.
    ///
    /// - Parameter constantTolerance: see ``Eigensolver/constantTolerance``.
    func selected(
        for affinity: AffinityOperator, constantTolerance: Double, count: Int, isConverged: Bool
    ) -> Eigenvectors {
        let n = affinity.grid.count
        let maps = vectors.withUnsafeBufferPointer { vectors in
            values.indices.prefix(count + 1).map { index in
                Self.map(UnsafeBufferPointer(rebasing: vectors[index * n..<(index + 1) * n]), scale: affinity.walkScale)
            }
        }
        let constant = maps.prefix(count).firstIndex { Self.isConstant($0, tolerance: constantTolerance) }
        let kept = Array(maps.indices.filter { $0 != constant }.prefix(count))
        let next = (kept.last ?? 0) + 1
        return Eigenvectors(
            grid: affinity.grid, values: kept.map { values[$0] },
            vectors: Tensor(shape: [kept.count, n], values: kept.flatMap { maps[$0] }), residuals: kept.map { residuals[$0] },
            gap: next < values.count ? values[next - 1] - values[next] : nil, droppedConstant: constant.map { values[$0] },
            products: products, isConverged: isConverged)
    }

    /// A vector times `scale`, scaled to length 1 and with the sign that makes its value of largest magnitude positive.
    private static func map(_ vector: UnsafeBufferPointer<Float>, scale: [Float]?) -> [Float] {
        var map = Array(vector)
        if let scale { for index in map.indices { map[index] *= scale[index] } }
        let length = map.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let largest = map.reduce(Float(0)) { abs($1) > abs($0) ? $1 : $0 }
        let factor = Float((largest < 0 ? -1 : 1) / length)
        return map.map { $0 * factor }
    }

    /// Whether a map of length 1 has a standard deviation of at most `tolerance` times its root mean square; false for a
    /// tolerance of 0.
    private static func isConstant(_ map: [Float], tolerance: Double) -> Bool {
        let mean = map.reduce(0.0) { $0 + Double($1) } / Double(map.count)
        // The mean square of a map of length 1 is 1 / n.
        return tolerance > 0 && 1 - mean * mean * Double(map.count) <= tolerance * tolerance
    }
}

/// All eigenvectors of a small symmetric matrix in double precision by the cyclic Jacobi method, which is fast for a nearly
/// diagonal matrix.
private struct SymmetricEigenvectors {
    /// `[n][n]`: one eigenvector in each row, in descending order of eigenvalues.
    let vectors: [Double]

    /// - Parameter matrix: `[n][n]`, symmetric and finite.
    init(_ matrix: [Double], n: Int) {
        var a = matrix
        var rotations = [Double](repeating: 0, count: n * n)
        for index in 0..<n { rotations[index * n + index] = 1 }
        a.withUnsafeMutableBufferPointer { a in
            rotations.withUnsafeMutableBufferPointer { rotations in
                // Convergence is quadratic: each sweep squares the off-diagonal rest. Some eight sweeps are enough.
                for _ in 0..<30 {
                    var isDiagonal = true
                    for p in 0..<n {
                        for q in p + 1..<max(n, p + 1) where Self.rotate(a, rotations, p, q, n) { isDiagonal = false }
                    }
                    if isDiagonal { break }
                }
            }
        }
        let diagonal = (0..<n).map { a[$0 * n + $0] }
        let order = (0..<n).sorted { (diagonal[$1], $0) < (diagonal[$0], $1) }
        vectors = order.flatMap { rotations[$0 * n..<($0 + 1) * n] }
    }

    /// One Jacobi rotation that makes the entries (p, q) and (q, p) zero; false where they already are, up to rounding.
    private static func rotate(
        _ a: UnsafeMutableBufferPointer<Double>, _ rotations: UnsafeMutableBufferPointer<Double>, _ p: Int, _ q: Int, _ n: Int
    ) -> Bool {
        let (pp, qq, pq) = (a[p * n + p], a[q * n + q], a[p * n + q])
        guard abs(pq) > 1e-16 * (abs(pp) + abs(qq)) else { return false }
        let turn = JacobiRotation(pp: pp, qq: qq, pq: pq)
        for k in 0..<n { (a[k * n + p], a[k * n + q]) = turn(a[k * n + p], a[k * n + q]) }
        for k in 0..<n {
            (a[p * n + k], a[q * n + k]) = turn(a[p * n + k], a[q * n + k])
            (rotations[p * n + k], rotations[q * n + k]) = turn(rotations[p * n + k], rotations[q * n + k])
        }
        return true
    }
}
