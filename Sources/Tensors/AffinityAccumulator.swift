internal import CKernels
import Synchronization

/// The sum of attention matrices P (n × n, rows that sum to 1) over heads, images and layers.
///
/// Kept as it comes out of the layers and made symmetric when it is asked for. Costs 4 n² bytes, 64 MB for 4,096 tokens.
/// Several layers may add to it at the same time, though then the order of the sums, and with it their last bits, is
/// left to chance. Ask for results when no layer is at work.
public final class AffinityAccumulator: @unchecked Sendable {
    /// n, the tokens of a matrix.
    public let tokens: Int
    /// How many matrices went in.
    public var count: Int { matrices.withLock { $0 } }
    private let matrices = Mutex(0)
    /// `[block of 32 queries][key][32]`: what attention works on at a time lies together.
    private let sums: TensorStorage
    /// One for each block, held only by a thread that computes, so that nobody waits for one who waits for a thread.
    private let locks: [BlockLock]

    private final class BlockLock: Sendable {
        let mutex = Mutex(())
    }

    static let block = 32

    public init(tokens: Int) {
        precondition(tokens >= 0, "an affinity of \(tokens) tokens")
        self.tokens = tokens
        let blocks = (tokens + AffinityAccumulator.block - 1) / AffinityAccumulator.block
        let count = blocks * AffinityAccumulator.block * tokens
        sums = .filled(count: count) { $0.update(repeating: 0, count: count) }
        locks = (0..<blocks).map { _ in BlockLock() }
    }

    /// Lends the sums of one block of queries, `[key][32]`.
    func withBlock(_ block: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        locks[block].mutex.withLock { _ in body(sums.base + block * AffinityAccumulator.block * tokens) }
    }

    /// Notes that so many matrices went in.
    func noteAdded(_ added: Int) { matrices.withLock { $0 += added } }

    /// The mean of (P + Pᵀ) / 2, n × n; zeros if nothing went in.
    public func symmetric() -> Tensor {
        let count = self.count
        let n = tokens
        let block = AffinityAccumulator.block
        let scale = count > 0 ? 0.5 / Float(count) : 0
        return Tensor(
            shape: [n, n],
            storage: .filled(count: n * n) { result in
                Threads.perform((n + block - 1) / block) { index in
                    let rows = index * block..<min((index + 1) * block, n)
                    let own = sums.base + index * block * n
                    for other in stride(from: 0, to: n, by: block) {
                        for row in rows {
                            let transposed = sums.base + other * n + row * block
                            for column in other..<min(other + block, n) {
                                let sum = own[column * block + row - rows.lowerBound] + transposed[column - other]
                                result[row * n + column] = sum * scale
                            }
                        }
                    }
                }
            })
    }

    /// The upper triangle of `symmetric()` with its diagonal, row after row, as bit patterns of IEEE halves:
    /// n (n + 1) / 2 values.
    public func packedUpperTriangle() -> [UInt16] {
        let matrix = symmetric()
        let n = tokens
        return [UInt16](unsafeUninitializedCapacity: n * (n + 1) / 2) { buffer, count in
            count = n * (n + 1) / 2
            guard let base = buffer.baseAddress else { return }
            Threads.perform(n) { row in
                let target = base + row * n - row * (row - 1) / 2
                ck_float_to_half(matrix.storage.base + row * n + row, target, n - row)
            }
        }
    }
}
