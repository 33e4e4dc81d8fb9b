internal import Basics
internal import Tensors

/// A Krylov space of a symmetric matrix, grown by blocks and cut back to the best of it when it is full.
///
/// All products of the basis are taken explicitly: orthogonality does not rest on the three-term recurrence, which rounding
/// breaks as soon as an eigenvector converges.
struct LanczosProcess {
    /// Products with fewer vectors take as long: the kernel computes panels of 32.
    static let blockSize = 32

    let affinity: AffinityOperator
    let n: Int
    /// Vectors at most.
    let capacity: Int
    /// `[capacity, n]`, of which `size` rows are orthonormal.
    private var basis: Tensor
    private(set) var size = 0
    /// Rows at the front that are eigenvectors for good, and their eigenvalues. They stand outside `projected`: an eigenvalue a
    /// thousand times the others would leave them its rounding.
    private(set) var locked: [Float] = []
    /// `[capacity, capacity]`: the matrix on the basis less the locked vectors.
    private var projected: [Float]
    /// `[b, n]`: what the last block's products have outside the basis.
    private var remainder: Tensor
    private(set) var products = 0
    private var numbers: RandomStream

    /// Eigenpairs of the matrix on the basis less the locked vectors.
    struct RitzPairs {
        let values: [Float]
        /// `[count, size − locked]`
        let coefficients: Tensor
        /// What their residuals are, as far as the basis knows.
        let residuals: [Float]

        /// The first of them.
        func prefix(_ count: Int) -> RitzPairs {
            let count = min(count, values.count)
            let size = coefficients.shape[1]
            return RitzPairs(
                values: Array(values.prefix(count)),
                coefficients: Tensor(shape: [count, size], values: Array(coefficients.values.prefix(count * size))),
                residuals: Array(residuals.prefix(count)))
        }
    }

    /// - Parameter capacity: below n by two blocks at least.
    init(_ affinity: AffinityOperator, capacity: Int, seed: UInt64) {
        (self.affinity, self.capacity, n) = (affinity, capacity, affinity.grid.count)
        basis = Tensor(shape: [capacity, n])
        projected = [Float](repeating: 0, count: capacity * capacity)
        remainder = Tensor(shape: [0, n])
        numbers = RandomStream(seed: seed, for: .startVectors)
    }

    /// Grows the basis by what the last products have outside of it, or by random vectors where they have nothing.
    ///
    /// - Precondition: room for another block.
    /// - Returns: false where products are not finite.
    mutating func grow() -> Bool {
        let scale = (locked.count..<size).reduce(Float(0)) { max($0, abs(projected[$1 * capacity + $1])) }
        var next = remainder
        // Below this it is rounding.
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

    /// Makes vectors orthonormal to the basis and each other, and appends those that are left.
    private mutating func append(_ vectors: inout Tensor, least: Float) -> Int {
        let (size, n) = (self.size, n)
        var count = vectors.shape[0]
        vectors.withUnsafeMutableBufferPointer { vectors in
            guard let vectors = vectors.baseAddress else { return }
            count = VectorBlock.orthonormalize(vectors, count: count, n: n, least: least)
            basis.withUnsafeMutableBufferPointer { basis in
                guard let basis = basis.baseAddress, count > 0 else { return }
                // Now that all are of length 1, what rounding left of the basis in them shows, and goes.
                Self.subtract(basis, size: size, from: vectors, count: count, n: n)
                count = VectorBlock.orthonormalize(vectors, count: count, n: n, least: 0.5)
                (basis + size * n).update(from: vectors, count: count * n)
            }
        }
        self.size += count
        return count
    }

    /// Subtracts from the remainder what lies in the basis.
    ///
    /// - Returns: `[size, b]`, the products with the basis.
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

    /// The eigenpairs of the largest eigenvalues of the matrix on the basis; nil where LAPACK finds none.
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

    /// The locked vectors, and those that coefficients stand for: `[locked + count, n]`.
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

    /// Cuts the basis back to the vectors of these pairs. The remainder stays what it is, and couples to all of them.
    ///
    /// - Parameter locks: how many of the first pairs are eigenvectors for good.
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
