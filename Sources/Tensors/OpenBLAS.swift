internal import COpenBLAS

/// Products of matrices, by OpenBLAS on one thread for each call.
public enum BLAS {
    /// Keeps OpenBLAS from starting threads of its own beside the pool's.
    fileprivate static let isSingleThreaded: Bool = {
        openblas_set_num_threads(1)
        return true
    }()

    /// The processor whose kernels OpenBLAS chose, such as "SkylakeX" or "Haswell".
    public static var kernelName: String {
        openblas_get_corename().map { String(cString: $0) } ?? "unknown"
    }

    /// A matrix in memory, row-major unless it is transposed.
    public struct Operand {
        let base: UnsafePointer<Float>
        let stride: Int
        let isTransposed: Bool

        /// - Parameter stride: from one row in memory to the next.
        public init(_ base: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
            (self.base, self.stride, isTransposed) = (base, stride, transposed)
        }
    }

    /// C ← alpha · A · B + beta · C: A rows × inner, B inner × columns, C rows × columns and row-major.
    ///
    /// Runs on the thread that calls; split the rows with `Threads.perform` to use more.
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

/// The largest eigenvalues of a symmetric matrix and their eigenvectors (LAPACK's `ssyevr`).
public struct SymmetricEigenproblem: Sendable {
    /// Falling.
    public let values: [Float]
    /// `[count, n]`: one eigenvector of length 1 in each row.
    public let vectors: Tensor

    /// Solves the problem.
    ///
    /// - Parameters:
    ///   - matrix: `[n, n]`, of which the upper triangle is read.
    ///   - count: how many, at most n.
    /// - Returns: nil where the matrix holds numbers that are not finite, or LAPACK does not converge.
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
        // Row-major upper is column-major lower.
        ssyevr_(
            "V", "I", "L", &size, &a, &size, &lower, &upper, &first, &last, &tolerance, &found, &ascending, &vectors, &size,
            &support, &work, &workCount, &integers, &integerCount, &info, 1, 1, 1)
        guard info == 0, Int(found) == wanted else { return nil }
        values = ascending.prefix(wanted).reversed()
        self.vectors = Tensor(
            shape: [wanted, n], values: (0..<wanted).reversed().flatMap { vectors[$0 * n..<($0 + 1) * n] })
    }
}
