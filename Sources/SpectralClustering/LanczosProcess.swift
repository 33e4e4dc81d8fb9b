internal import Basics
internal import Tensors

/// The state of block Lanczos with thick restarts: an orthonormal basis of a Krylov space of a symmetric matrix M, which grows by
/// blocks and is reduced to the best Ritz vectors when it is full.
///
/// Each new block is orthogonalised against the whole basis (full reorthogonalisation). The three-term recurrence alone would
/// lose orthogonality by rounding as soon as an eigenvector converges.
struct LanczosProcess {
    /// Vectors in a block. Products with fewer vectors take as long, because the kernel computes panels of 32 columns.
    static let blockSize = 32

    let affinity: AffinityOperator
    /// Tokens: the length of a vector.
    let n: Int
    /// The most vectors of the basis.
    let capacity: Int
    /// `[capacity, n]`, of which `size` rows are orthonormal.
    private var basis: Tensor
    /// The number of vectors of the basis.
    private(set) var size = 0
    /// Eigenvalues of the locked vectors: the first rows of the basis, which are final eigenvectors. They are left out of the
    /// eigenproblem of `projected`, because the rounding error of an eigenvalue a thousand times the others would spoil these.
    private(set) var locked: [Float] = []
    /// `[capacity, capacity]`: M projected onto the basis, X M Xᵀ. Rows and columns of locked vectors are not used.
    private var projected: [Float]
    /// `[b, n]`: the products of M with the last block, minus their projection onto the basis.
    private var remainder: Tensor
    /// The number of products of M with a block so far.
    private(set) var products = 0
    private var numbers: RandomStream

    /// Ritz pairs: eigenpairs of the matrix projected onto the basis without the locked vectors, in descending order of values.
    struct RitzPairs {
        let values: [Float]
        /// `[count, size − locked]`: the Ritz vectors in terms of the basis.
        let coefficients: Tensor
        /// Estimates of ‖Mx − λx‖ from the remainder, without another product.
        let residuals: [Float]

        /// The first `count` pairs.
        func prefix(_ count: Int) -> RitzPairs {
            let count = min(count, values.count)
            let size = coefficients.shape[1]
            return RitzPairs(
                values: Array(values.prefix(count)),
                coefficients: Tensor(shape: [count, size], values: Array(coefficients.values.prefix(count * size))),
                residuals: Array(residuals.prefix(count)))
        }
    }

    /// An empty basis.
    ///
    /// - Parameter capacity: the most vectors of the basis; at least two blocks below n.
    init(_ affinity: AffinityOperator, capacity: Int, seed: UInt64) {
        (self.affinity, self.capacity, n) = (affinity, capacity, affinity.grid.count)
        basis = Tensor(shape: [capacity, n])
        projected = [Float](repeating: 0, count: capacity * capacity)
        remainder = Tensor(shape: [0, n])
        numbers = RandomStream(seed: seed, for: .startVectors)
    }

    /// One Lanczos step: appends the orthonormalised remainder to the basis, or random vectors where the remainder is (almost)
    /// zero, and multiplies M with the new block.
    ///
    /// - Precondition: `size` + a block ≤ `capacity`.
    /// - Returns: false where products are not finite.
    mutating func grow() -> Bool {
        let scale = (locked.count..<size).reduce(Float(0)) { max($0, abs(projected[$1 * capacity + $1])) }
        var next = remainder
        // Shorter vectors are rounding errors.
        var added = append(&next, least: 1e-7 * scale)
        if added == 0 {
            next = Tensor(shape: [Self.blockSize, n]) { values in
                for index in values.indices { values[index] = numbers.signedUnit() }
            }
            added = append(&next, least: 0)
        }
        let first = size - added
        let block = basis.withUnsafeBufferPointer { Tensor(shape: [added, n], values: Array($0[first * n..<size * n])) }
        remainder = affinity.multiply(block)
        products += 1
        let coefficients = orthogonalizeRemainder()
        guard coefficients.allSatisfy(\.isFinite) else { return false }
        for row in 0..<size {
            for column in 0..<added {
                projected[row * capacity + first + column] = coefficients[row * added + column]
                projected[(first + column) * capacity + row] = coefficients[row * added + column]
            }
        }
        return true
    }

    /// Orthonormalises vectors against each other and against the basis, and appends them.
    ///
    /// - Parameter least: vectors that are not longer than this are left out.
    /// - Returns: the number of vectors that were appended.
    private mutating func append(_ vectors: inout Tensor, least: Float) -> Int {
        let (size, n) = (self.size, n)
        var count = vectors.shape[0]
        vectors.withUnsafeMutableBufferPointer { vectors in
            guard let vectors = vectors.baseAddress else { return }
            count = VectorBlock.orthonormalize(vectors, count: count, n: n, least: least)
            basis.withUnsafeMutableBufferPointer { basis in
                guard let basis = basis.baseAddress, count > 0 else { return }
                // Scaling short vectors to length 1 has enlarged the rounding errors that lie in the span of the basis. Remove
                // them.
                Self.subtract(basis, size: size, from: vectors, count: count, n: n)
                count = VectorBlock.orthonormalize(vectors, count: count, n: n, least: 0.5)
                (basis + size * n).update(from: vectors, count: count * n)
            }
        }
        self.size += count
        return count
    }

    /// Subtracts from the remainder its projection onto the basis, twice (the second time removes the rounding of the first).
    ///
    /// - Returns: `[size, b]`, the inner products with the basis.
    private mutating func orthogonalizeRemainder() -> [Float] {
        let (size, n, count) = (self.size, n, remainder.shape[0])
        return remainder.withUnsafeMutableBufferPointer { remainder in
            basis.withUnsafeBufferPointer { basis in
                guard let basis = basis.baseAddress, let remainder = remainder.baseAddress else { return [] }
                var sums = Self.subtract(basis, size: size, from: remainder, count: count, n: n)
                let rest = Self.subtract(basis, size: size, from: remainder, count: count, n: n)
                for index in sums.indices { sums[index] += rest[index] }
                return sums
            }
        }
    }

    /// V ← V − X (Xᵀ V): subtracts from `count` vectors their projection onto the basis.
    ///
    /// - Returns: the inner products, `[size, count]`.
    @discardableResult
    private static func subtract(
        _ basis: UnsafePointer<Float>, size: Int, from vectors: UnsafeMutablePointer<Float>, count: Int, n: Int
    ) -> [Float] {
        var coefficients = [Float](repeating: 0, count: size * count)
        coefficients.withUnsafeMutableBufferPointer { coefficients in
            guard let coefficients = coefficients.baseAddress else { return }
            VectorBlock.products(basis, rows: size, vectors, columns: count, n: n, into: coefficients)
            VectorBlock.combine(
                basis, inner: size, coefficients: coefficients, stride: count, rows: count, n: n, alpha: -1, beta: 1,
                into: vectors)
        }
        return coefficients
    }

    /// The Ritz pairs of the largest values; nil where LAPACK fails.
    func ritzPairs(count: Int) -> RitzPairs? {
        let first = locked.count
        let size = self.size - first
        let matrix = Tensor(shape: [size, size]) { values in
            for row in 0..<size {
                for column in 0..<size { values[row * size + column] = projected[(first + row) * capacity + first + column] }
            }
        }
        guard let eigen = SymmetricEigenproblem(matrix, count: count) else { return nil }
        let last = remainder.shape[0]
        var gram = [Float](repeating: 0, count: last * last)
        remainder.withUnsafeBufferPointer { remainder in
            gram.withUnsafeMutableBufferPointer { gram in
                guard let remainder = remainder.baseAddress, let gram = gram.baseAddress else { return }
                VectorBlock.products(remainder, rows: last, remainder, columns: last, n: n, into: gram)
            }
        }
        let residuals = eigen.vectors.withUnsafeBufferPointer { vectors in
            eigen.values.indices.map { index in
                let own = vectors[(index + 1) * size - last..<(index + 1) * size]
                var square: Float = 0
                for (row, a) in own.enumerated() {
                    for (column, b) in own.enumerated() { square += a * b * gram[row * last + column] }
                }
                return max(square, 0).squareRoot()
            }
        }
        return RitzPairs(values: eigen.values, coefficients: eigen.vectors, residuals: residuals)
    }

    /// The locked vectors followed by the Ritz vectors of the pairs: `[locked + count, n]`.
    func vectors(_ pairs: RitzPairs) -> Tensor {
        let (first, count) = (locked.count, pairs.values.count)
        let size = self.size - first
        let transposed = Tensor(shape: [size, count]) { target in
            pairs.coefficients.withUnsafeBufferPointer { source in
                for row in 0..<size { for column in 0..<count { target[row * count + column] = source[column * size + row] } }
            }
        }
        return Tensor(shape: [first + count, n]) { target in
            basis.withUnsafeBufferPointer { basis in
                transposed.withUnsafeBufferPointer { coefficients in
                    guard let basis = basis.baseAddress, let coefficients = coefficients.baseAddress,
                        let target = target.baseAddress
                    else { return }
                    target.update(from: basis, count: first * n)
                    VectorBlock.combine(
                        basis + first * n, inner: size, coefficients: coefficients, stride: count, rows: count, n: n, alpha: 1,
                        beta: 0, into: target + first * n)
                }
            }
        }
    }

    /// A thick restart: replaces the basis by the locked vectors and the Ritz vectors of these pairs. The remainder is kept; M
    /// couples it to all of them.
    ///
    /// - Parameter locks: the number of leading pairs to lock as final eigenvectors.
    mutating func restart(with pairs: RitzPairs, locking locks: Int) {
        let vectors = vectors(pairs)
        size = vectors.shape[0]
        basis.withUnsafeMutableBufferPointer { basis in
            vectors.withUnsafeBufferPointer { vectors in
                if let source = vectors.baseAddress { basis.baseAddress?.update(from: source, count: vectors.count) }
            }
        }
        let values = locked + pairs.values
        for row in 0..<size {
            for column in 0..<size { projected[row * capacity + column] = row == column ? values[row] : 0 }
        }
        locked += pairs.values.prefix(locks)
    }
}
