internal import COpenBLAS

/// Matrix products by OpenBLAS, each call on one thread.
public enum BLAS {
    /// True; the first read stops OpenBLAS from starting its own threads in addition to those of `Threads`.
    fileprivate static let isSingleThreaded: Bool = {
        openblas_set_num_threads(1)
        return true
    }()

    /// The processor type whose kernels OpenBLAS selected, such as "SkylakeX" or "Haswell".
    public static var kernelName: String {
        openblas_get_corename().map { String(cString: $0) } ?? "unknown"
    }

    /// A float32 matrix in memory: row-major, or column-major if `transposed`.
    public struct Operand {
        let base: UnsafePointer<Float>
        let stride: Int
        let isTransposed: Bool

        /// - Parameters:
        ///   - base: the first value; it must stay valid while the operand is in use.
        ///   - stride: floats from one row in memory to the next (from one column to the next if `transposed`).
        ///   - transposed: whether the operand is the transpose of the matrix in memory.
        public init(_ base: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
            (self.base, self.stride, isTransposed) = (base, stride, transposed)
        }
    }

    /// SGEMM: C ← alpha · A · B + beta · C with A `[rows, inner]`, B `[inner, columns]` and C `[rows, columns]`, row-major.
    ///
    /// Runs on the calling thread; split the rows with ``Threads/perform(_:_:)`` to use more threads.
    ///
    /// - Parameter stride: floats from one row of C to the next.
    public static func multiply(
        rows: Int, columns: Int, inner: Int, alpha: Float = 1, _ a: Operand, _ b: Operand, beta: Float = 0,
        into c: UnsafeMutablePointer<Float>, stride: Int
    ) {
        guard rows > 0, columns > 0, isSingleThreaded else { return }
        cblas_sgemm(
            CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
            blasint(rows), blasint(columns), blasint(inner), alpha, a.base, blasint(a.stride), b.base, blasint(b.stride),
            beta, c, blasint(stride))
    }
}

/// The largest eigenvalues of a dense symmetric matrix and their eigenvectors, by LAPACK's `ssyevr` in float32.
public struct SymmetricEigenproblem: Sendable {
    /// The eigenvalues in descending order.
    public let values: [Float]
    /// `[count, n]`: row i is the eigenvector of `values[i]`, of length 1.
    public let vectors: Tensor

    /// Solves the eigenproblem.
    ///
    /// - Parameters:
    ///   - matrix: `[n, n]`, of which the upper triangle is read.
    ///   - count: how many eigenpairs; more than n count as n.
    /// - Returns: nil where `count` or n is 0, where the matrix holds numbers that are not finite, or where LAPACK does not
    ///   converge.
    /// - Complexity: 4/3 n³ multiplications.
    public init?(_ matrix: Tensor, count: Int) {
        let n = matrix.shape[0]
        let wanted = min(count, n)
        precondition(matrix.shape == [n, n], "\(matrix.shape) is not square")
        guard wanted > 0, BLAS.isSingleThreaded, matrix.withUnsafeBufferPointer({ $0.allSatisfy(\.isFinite) }) else { return nil }
        var size = CInt(n)
        var (first, last) = (CInt(n - wanted + 1), CInt(n))
        var (lower, upper, tolerance): (Float, Float, Float) = (0, 0, 0)
        var (found, info): (CInt, CInt) = (0, 0)
        var a = matrix.values
        var ascending = [Float](repeating: 0, count: n)
        var vectors = [Float](repeating: 0, count: n * wanted)
        var support = [CInt](repeating: 0, count: 2 * wanted)
        var (workCount, integerCount) = (CInt(26 * n), CInt(10 * n))
        var work = [Float](repeating: 0, count: Int(workCount))
        var integers = [CInt](repeating: 0, count: Int(integerCount))
        // LAPACK is column-major: the upper triangle in row-major order is its lower one.
        ssyevr_(
            "V", "I", "L", &size, &a, &size, &lower, &upper, &first, &last, &tolerance, &found, &ascending, &vectors, &size,
            &support, &work, &workCount, &integers, &integerCount, &info, 1, 1, 1)
        guard info == 0, Int(found) == wanted else { return nil }
        values = ascending.prefix(wanted).reversed()
        self.vectors = Tensor(
            shape: [wanted, n], values: (0..<wanted).reversed().flatMap { vectors[$0 * n..<($0 + 1) * n] })
    }
}
