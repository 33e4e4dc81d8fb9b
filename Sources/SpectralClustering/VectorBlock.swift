import Basics
internal import Tensors

/// Operations on blocks of vectors, `[vector][n]`. The order of sums does not depend on the number of threads.
enum VectorBlock {
    /// The inner product ⟨a, b⟩ in float32, in 16 lanes.
    static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ n: Int) -> Float {
        let (left, right) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
        var lanes = SIMD16<Float>.zero
        let whole = n / 16 * 16
        for index in stride(from: 0, to: whole, by: 16) {
            lanes +=
                left.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
                * right.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
        }
        var sum = lanes.sum()
        for index in whole..<n { sum += a[index] * b[index] }
        return sum
    }

    /// The inner product ⟨a, b⟩ in double precision, in 8 lanes.
    static func preciseDot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ n: Int) -> Double {
        let (left, right) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
        var lanes = SIMD8<Double>.zero
        let whole = n / 8 * 8
        for index in stride(from: 0, to: whole, by: 8) {
            lanes +=
                SIMD8<Double>(left.loadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self))
                * SIMD8<Double>(right.loadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self))
        }
        var sum = lanes.sum()
        for index in whole..<n { sum += Double(a[index]) * Double(b[index]) }
        return sum
    }

    /// A Bᵀ: the inner products of all rows of A `[rows][n]` with all rows of B `[columns][n]`, `[rows, columns]`.
    static func products(
        _ a: UnsafePointer<Float>, rows: Int, _ b: UnsafePointer<Float>, columns: Int, n: Int,
        into result: UnsafeMutablePointer<Float>
    ) {
        let rowsOfTask = 32
        Threads.perform((rows + rowsOfTask - 1) / rowsOfTask) { task in
            let first = task * rowsOfTask
            BLAS.multiply(
                rows: min(rowsOfTask, rows - first), columns: columns, inner: n, .init(a + first * n, stride: n),
                .init(b, stride: n, transposed: true), into: result + first * columns, stride: columns)
        }
    }

    /// target ← beta · target + alpha · Cᵀ V with V `[inner][n]`, C `[inner, stride]`, of which the first `rows` columns are
    /// used, and target `[rows][n]`.
    static func combine(
        _ v: UnsafePointer<Float>, inner: Int, coefficients: UnsafePointer<Float>, stride: Int, rows: Int, n: Int, alpha: Float,
        beta: Float, into target: UnsafeMutablePointer<Float>
    ) {
        let columnsOfTask = 512
        Threads.perform((n + columnsOfTask - 1) / columnsOfTask) { task in
            let first = task * columnsOfTask
            BLAS.multiply(
                rows: rows, columns: min(columnsOfTask, n - first), inner: inner, alpha: alpha,
                .init(coefficients, stride: stride, transposed: true), .init(v + first, stride: n), beta: beta,
                into: target + first, stride: n)
        }
    }

    /// Orthonormalises the vectors in place by modified Gram-Schmidt. Vectors that are not longer than `least`, or depend
    /// linearly on earlier ones, are left out.
    ///
    /// - Returns: the number of orthonormal vectors, which are moved to the front.
    static func orthonormalize(_ vectors: UnsafeMutablePointer<Float>, count: Int, n: Int, least: Float) -> Int {
        var kept = 0
        for index in 0..<count {
            let vector = vectors + index * n
            let before = dot(vector, vector, n).squareRoot()
            guard before > least else { continue }
            for other in 0..<kept {
                let share = -dot(vectors + other * n, vector, n)
                let earlier = vectors + other * n
                for element in 0..<n { vector[element] += share * earlier[element] }
            }
            let length = dot(vector, vector, n).squareRoot()
            guard length > least, length > 1e-4 * before else { continue }
            let target = vectors + kept * n
            for element in 0..<n { target[element] = vector[element] / length }
            kept += 1
        }
        return kept
    }
}

/// A dense symmetric n × n matrix of float32. Both triangles are stored, so that a product reads whole rows.
///
/// Rows are `stride` values apart and padded with zeros. Rows a multiple of 4 KiB apart would map to a few sets of the
/// first-level cache, and a product would take twice as long.
struct SymmetricMatrix: Sendable {
    let n: Int
    let stride: Int
    /// `[n, stride]`
    let values: Tensor

    /// Floats from one row to the next: n, or n + 16 where n is a multiple of 512.
    static func stride(of n: Int) -> Int { n % 512 == 0 ? n + 16 : n }

    /// - Parameter values: `[n, stride]`, symmetric, zero beyond n.
    init(n: Int, values: Tensor) {
        (self.n, self.values) = (n, values)
        stride = SymmetricMatrix.stride(of: n)
    }

    /// Unpacks Σ scale · (triangle − 1) from packed upper triangles.
    ///
    /// - Returns: nil where a triangle holds a number that is not finite.
    init?(n: Int, triangles: [(triangle: AffinityTerm.Triangle, scale: Float)]) {
        let stride = SymmetricMatrix.stride(of: n)
        // For each row 0, or NaN where a number is not finite.
        var check = [Float](repeating: 0, count: n)
        let values = Tensor(shape: [n, stride]) { target in
            check.withUnsafeMutableBufferPointer { check in
                SymmetricMatrix.unpack(triangles, n: n, stride: stride, into: target, check: check)
            }
            SymmetricMatrix.mirror(target, n: n, stride: stride)
        }
        guard check.allSatisfy({ $0 == 0 }) else { return nil }
        self.init(n: n, values: values)
    }

    /// Writes each row from the diagonal on, and the zeros at its end.
    private static func unpack(
        _ triangles: [(triangle: AffinityTerm.Triangle, scale: Float)], n: Int, stride: Int,
        into target: UnsafeMutableBufferPointer<Float>, check: UnsafeMutableBufferPointer<Float>
    ) {
        let rowsOfTask = 16
        Threads.perform((n + rowsOfTask - 1) / rowsOfTask) { task in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: n) { scratch in
                for row in task * rowsOfTask..<min((task + 1) * rowsOfTask, n) {
                    let first = row * n - row * (row - 1) / 2
                    let part = UnsafeMutableBufferPointer(rebasing: target[row * stride + row..<row * stride + n])
                    target[row * stride + n..<(row + 1) * stride].update(repeating: 0)
                    for (index, (triangle, scale)) in triangles.enumerated() {
                        triangle.withFloats(first..<first + n - row, scratch: scratch) { source in
                            if index == 0 {
                                for column in 0..<part.count { part[column] = scale * (source[column] - 1) }
                            } else {
                                for column in 0..<part.count { part[column] += scale * (source[column] - 1) }
                            }
                        }
                    }
                    check[row] = SymmetricMatrix.zeroIfFinite(UnsafeBufferPointer(part))
                }
            }
        }
    }

    /// 0, or NaN where one of the values is not finite.
    static func zeroIfFinite(_ values: UnsafeBufferPointer<Float>) -> Float {
        var lanes = SIMD16<Float>.zero
        let whole = values.count / 16 * 16
        if let base = values.baseAddress {
            let raw = UnsafeRawPointer(base)
            for index in Swift.stride(from: 0, to: whole, by: 16) {
                lanes += raw.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self) * 0
            }
        }
        return values[whole...].reduce(lanes.sum()) { $0 + $1 * 0 }
    }

    /// Copies the upper triangle to the lower one, in squares of 32 × 32.
    static func mirror(_ matrix: UnsafeMutableBufferPointer<Float>, n: Int, stride: Int) {
        guard let base = matrix.baseAddress else { return }
        let side = 32
        Threads.perform((n + side - 1) / side) { block in
            let rows = block * side..<min((block + 1) * side, n)
            for first in Swift.stride(from: 0, through: rows.lowerBound, by: side) {
                for row in rows {
                    let target = base + row * stride
                    for column in first..<min(first + side, row) { target[column] = base[column * stride + row] }
                }
            }
        }
    }

    /// The product with b vectors: `[b, stride]`, zero beyond n → `[n, b]`.
    func multiplied(by x: Tensor) -> Tensor { Linear(weight: x, bias: nil)(values) }
}

/// The purposes for which this target draws random numbers. The raw value is added to the seed. In the cycle of 2⁶⁴ states of
/// SplitMix64, each purpose begins at least 2⁶² numbers from any other, for every seed, so that two purposes never draw the same
/// numbers.
enum RandomPurpose: UInt64, CaseIterable {
    /// Pairs of tokens whose median distance sets the width of the Gaussian affinity.
    case pairsOfTokens = 0
    /// Vectors with which the Lanczos process begins, or continues where its remainder is zero.
    case startVectors = 0x4000_0000_0000_0000
    /// The first weights of the reference solver's network.
    case weights = 0x8000_0000_0000_0000
}

extension RandomStream {
    /// The random numbers of one purpose.
    init(seed: UInt64, for purpose: RandomPurpose) { self.init(state: seed &+ purpose.rawValue) }
}
