internal import COpenBLAS

/// Products of matrices, by OpenBLAS on one thread for each call.
public enum BLAS {
    /// Keeps OpenBLAS from starting threads of its own beside the pool's.
    static let isSingleThreaded: Bool = {
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
