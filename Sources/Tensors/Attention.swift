internal import CKernels
import Synchronization

/// Multi-head attention, softmax(Q Kᵀ / √d) V for each head (Vaswani et al., 2017), of projected queries, keys and values.
public struct Attention: Sendable {
    /// Heads that share the channels evenly.
    public let heads: Int
    /// Whether a token sees only itself and what comes before.
    public let isCausal: Bool

    public init(heads: Int, isCausal: Bool = false) {
        precondition(heads > 0, "attention with \(heads) heads")
        (self.heads, self.isCausal) = (heads, isCausal)
    }

    /// - Parameters:
    ///   - query: `[N, n, C]`
    ///   - key: `[N, m, C]`
    ///   - value: `[N, m, C]`
    ///   - affinity: receives the softmax of every image and head; needs n = m = its tokens.
    /// - Returns: `[N, n, C]`
    public func callAsFunction(
        query: Tensor, key: Tensor, value: Tensor, accumulatingInto affinity: AffinityAccumulator? = nil
    ) -> Tensor {
        precondition(value.shape == key.shape, "values \(value.shape) for keys \(key.shape)")
        return Tensor(
            shape: query.shape,
            storage: .filled(count: query.count) { result in
                attend(query: query, key: key, value: value, result: result, affinity: affinity)
            })
    }

    /// Only the affinity, where nobody needs the attended values.
    public func affinity(query: Tensor, key: Tensor, into affinity: AffinityAccumulator) {
        attend(query: query, key: key, value: nil, result: nil, affinity: affinity)
    }

    private func attend(
        query: Tensor, key: Tensor, value: Tensor?, result: UnsafeMutablePointer<Float>?, affinity: AffinityAccumulator?
    ) {
        precondition(
            query.shape.count == 3 && key.shape.count == 3 && query.shape[0] == key.shape[0]
                && query.shape[2] == key.shape[2] && query.shape[2] % heads == 0,
            "queries \(query.shape) and keys \(key.shape) for \(heads) heads")
        let block = AffinityAccumulator.block
        let (images, n, m, channels) = (query.shape[0], query.shape[1], key.shape[1], key.shape[2])
        guard query.count > 0 else { return }
        guard m > 0 else {
            result?.update(repeating: 0, count: query.count)
            return
        }
        precondition(
            affinity.map { n == m && n == $0.tokens } ?? true,
            "an affinity of \(affinity?.tokens ?? 0) tokens for \(n) × \(m)")
        let blocks = (n + block - 1) / block
        let copied = heads * m * copiedWidth(channels / heads)
        let imagesAtATime = min(max(Attention.mostCopied / copied, 1), images)
        for first in stride(from: 0, to: images, by: imagesAtATime) {
            let some = min(imagesAtATime, images - first)
            let size = some * copied
            TensorStorage.withScratch(value == nil ? size : 2 * size) { copies in
                splitHeads(key, images: first..<first + some, into: copies)
                if let value { splitHeads(value, images: first..<first + some, into: copies + size) }
                func attend(_ image: Int, _ block: Int, _ sums: UnsafeMutablePointer<Float>?) {
                    self.attend(
                        query: query, image: first + image, block: block, keys: copies + image * copied,
                        values: value.map { _ in UnsafePointer(copies + size + image * copied) }, keyCount: m,
                        result: result, sums: sums)
                }
                guard let affinity else {
                    Threads.perform(blocks * some) { task in attend(task / blocks, task % blocks, nil) }
                    return
                }
                // A block's sums belong to one task, which adds image after image.
                Threads.perform(blocks) { block in
                    affinity.withBlock(block) { sums in
                        for image in 0..<some { attend(image, block, sums) }
                    }
                }
            }
        }
        affinity?.noteAdded(images * heads)
    }

    /// Floats of copied keys: some images' keys and values at a time are copied to lie together head by head.
    private static let mostCopied = 4_194_304

    /// Floats from one token's copy to the next. Rows a multiple of 1 KiB apart would share few lines of the caches.
    private func copiedWidth(_ width: Int) -> Int { width % 256 == 0 ? width + 16 : width }

    /// `[N, m, C]` → `[N][head][m][C / heads]`
    private func splitHeads(_ x: Tensor, images: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        let (m, channels) = (x.shape[1], x.shape[2])
        let width = channels / heads
        let copiedWidth = copiedWidth(width)
        let tokensOfTask = max(Tensor.chunk / max(channels, 1), 1)
        let tasks = (m + tokensOfTask - 1) / tokensOfTask
        Threads.perform(images.count * tasks) { task in
            let image = task / tasks
            for token in task % tasks * tokensOfTask..<min((task % tasks + 1) * tokensOfTask, m) {
                let source = x.storage.base + ((images.lowerBound + image) * m + token) * channels
                for head in 0..<heads {
                    (target + ((image * heads + head) * m + token) * copiedWidth)
                        .update(from: source + head * width, count: width)
                }
            }
        }
    }

    /// All heads of one image for 32 queries.
    private func attend(
        query: Tensor, image: Int, block: Int, keys: UnsafePointer<Float>, values: UnsafePointer<Float>?, keyCount: Int,
        result: UnsafeMutablePointer<Float>?, sums: UnsafeMutablePointer<Float>?
    ) {
        let (n, channels) = (query.shape[1], query.shape[2])
        let width = channels / heads
        let first = block * AffinityAccumulator.block
        TensorStorage.withScratch((2 * width + keyCount) * AffinityAccumulator.block) { scratch in
            for head in 0..<heads {
                let offset = (image * n + first) * channels + head * width
                let keyOffset = head * keyCount * copiedWidth(width)
                var work = ck_attention(
                    query: query.storage.base + offset, key: keys + keyOffset, value: values.map { $0 + keyOffset },
                    result: result.map { $0 + offset }, stride: channels, key_stride: copiedWidth(width),
                    queries: min(AffinityAccumulator.block, n - first), keys: keyCount, width: width,
                    scale: 1 / Float(width).squareRoot(), causal_from: isCausal ? first : .max, sums: sums, scratch: scratch)
                ck_attention_panel(&work)
            }
        }
    }
}

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
