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
