internal import CKernels
import Synchronization

/// Multi-head attention: softmax(Q Kᵀ / √d) V for each head (Vaswani et al., 2017), d being the channels of a head. Q, K and V
/// are already projected.
public struct Attention: Sendable {
    /// The number of heads. The channels are divided evenly among them.
    public let heads: Int
    /// Whether a token attends only to itself and to earlier tokens (a causal mask).
    public let isCausal: Bool

    private let numbers: ck_numbers

    /// - Parameter arithmetic: the numbers that are multiplied: queries with keys, and the softmax with values. The softmax itself, and its
    ///   sums, are float32.
    /// - Precondition: at least one head.
    public init(heads: Int, isCausal: Bool = false, arithmetic: Arithmetic = .float32) {
        precondition(heads > 0, "attention with \(heads) heads")
        (self.heads, self.isCausal, numbers) = (heads, isCausal, arithmetic.numbers)
    }

    /// The attended values, `[N, n, C]`.
    ///
    /// - Parameters:
    ///   - query: `[N, n, C]`, N images of n tokens with C channels (head h is channels h · C / heads and following).
    ///   - key: `[N, m, C]`
    ///   - value: `[N, m, C]`
    ///   - affinity: if given, the softmax of every image and head is added to it; needs n = m = its tokens.
    /// - Precondition: the number of heads divides C.
    /// - Complexity: 4 N n m C operations. The n × m matrix is never stored.
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

    /// Adds the softmax of every image and head to `affinity`, without computing the attended values.
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
        let copied = heads * m * max(keyStride(channels / heads), valueStride(channels / heads))
        let imagesAtATime = min(max(Attention.mostCopied / copied, 1), images)
        for first in stride(from: 0, to: images, by: imagesAtATime) {
            let some = min(imagesAtATime, images - first)
            let size = some * copied
            TensorStorage.withScratch(value == nil ? size : 2 * size) { copies in
                splitKeys(key, images: first..<first + some, imageStride: copied, into: copies)
                if let value { splitValues(value, images: first..<first + some, imageStride: copied, into: copies + size) }
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
                // One task adds to a block's sums, image after image, so that the order of the sums is fixed.
                Threads.perform(blocks) { block in
                    affinity.withBlock(block) { sums in
                        for image in 0..<some { attend(image, block, sums) }
                    }
                }
            }
        }
        affinity?.noteAdded(images * heads)
    }

    /// The most floats of keys (and as many of values) that are copied at a time. Keys and values are copied so that those of a
    /// head lie together, for as many images at a time as fit.
    private static let mostCopied = 4_194_304

    /// Floats from one key's copy to the next, for `width` channels of a head.
    private func keyStride(_ width: Int) -> Int { separated(ck_slots(width, numbers)) }

    /// Floats from the copy of one value, or of one pair of values, to the next.
    private func valueStride(_ width: Int) -> Int { separated(width) }

    /// Rows a multiple of 1 KiB apart would map to few sets of the caches.
    private func separated(_ count: Int) -> Int { count % 256 == 0 ? count + 16 : count }

    /// Copies keys, `[N, m, C]`, to `[N][head][m][keyStride]`, for some of the images, each `imageStride` from the next.
    private func splitKeys(_ keys: Tensor, images: Range<Int>, imageStride: Int, into target: UnsafeMutablePointer<Float>) {
        let (m, width) = (keys.shape[1], keys.shape[2] / heads)
        let stride = keyStride(width)
        split(keys, images: images, tokensOfRow: 1) { image, token, source in
            for head in 0..<heads {
                let to = target + image * imageStride + (head * m + token) * stride
                if numbers == CK_BFLOAT16 {
                    ck_pair_neighbours(source + head * width, to, width)
                } else {
                    to.update(from: source + head * width, count: width)
                }
            }
        }
    }

    /// Copies values, `[N, m, C]`, to `[N][head][m or pairs of m][valueStride]`, for some of the images.
    private func splitValues(_ values: Tensor, images: Range<Int>, imageStride: Int, into target: UnsafeMutablePointer<Float>) {
        let (m, channels) = (values.shape[1], values.shape[2])
        let (width, rows) = (channels / heads, ck_slots(m, numbers))
        let stride = valueStride(width)
        split(values, images: images, tokensOfRow: numbers == CK_BFLOAT16 ? 2 : 1) { image, row, source in
            for head in 0..<heads {
                let to = target + image * imageStride + (head * rows + row) * stride
                if numbers == CK_BFLOAT16 {
                    ck_pair_rows(source + head * width, 2 * row + 1 < m ? source + channels + head * width : nil, to, width)
                } else {
                    to.update(from: source + head * width, count: width)
                }
            }
        }
    }

    /// Calls the body for each row of some images, on all threads: the image's number, the row's, and the first token of the row.
    private func split(
        _ x: Tensor, images: Range<Int>, tokensOfRow: Int,
        _ body: (_ image: Int, _ row: Int, _ source: UnsafePointer<Float>) -> Void
    ) {
        let (m, channels) = (x.shape[1], x.shape[2])
        let rows = (m + tokensOfRow - 1) / tokensOfRow
        let rowsOfTask = max(Tensor.chunk / max(channels, 1), 1)
        let tasks = (rows + rowsOfTask - 1) / rowsOfTask
        Threads.perform(images.count * tasks) { task in
            let image = task / tasks
            for row in task % tasks * rowsOfTask..<min((task % tasks + 1) * rowsOfTask, rows) {
                body(image, row, x.storage.base + ((images.lowerBound + image) * m + row * tokensOfRow) * channels)
            }
        }
    }

    /// Attention of all heads of one image for one block of 32 queries, on the calling thread.
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
                let keyOffset = head * keyCount * keyStride(width)
                let valueOffset = head * ck_slots(keyCount, numbers) * valueStride(width)
                var work = ck_attention(
                    query: query.storage.base + offset, key: keys + keyOffset, value: values.map { $0 + valueOffset },
                    result: result.map { $0 + offset }, stride: channels, key_stride: keyStride(width),
                    value_stride: valueStride(width),
                    queries: min(AffinityAccumulator.block, n - first), keys: keyCount, width: width,
                    scale: 1 / Float(width).squareRoot(), causal_from: isCausal ? first : .max, sums: sums, scratch: scratch,
                    numbers: numbers)
                ck_attention_panel(&work)
            }
        }
    }
}

/// The sum of attention matrices P (n × n, each row sums to 1) over heads, images and layers.
///
/// The sum is stored as it is and made symmetric only when a result is read. It takes 4 n² bytes of memory: 64 MB for 4,096
/// tokens. Several layers may add to it at the same time, but then the order of the sums, and therefore their last bits, vary
/// between runs. Read results only while no layer is running.
public final class AffinityAccumulator: @unchecked Sendable {
    /// n, the number of tokens.
    public let tokens: Int
    /// The number of matrices (images × heads) that were added.
    public var count: Int { matrices.withLock { $0 } }
    private let matrices = Mutex(0)
    /// `[block of 32 queries][key][32]`: the sums that one attention panel needs are contiguous.
    private let sums: TensorStorage
    /// One lock for each block. Only a thread that is computing holds one, so that no deadlock with the thread pool is possible.
    private let locks: [BlockLock]

    private final class BlockLock: Sendable {
        let mutex = Mutex(())
    }

    /// Queries of a block.
    static let block = 32

    /// An empty sum: zeros.
    public init(tokens: Int) {
        precondition(tokens >= 0, "an affinity of \(tokens) tokens")
        self.tokens = tokens
        let blocks = (tokens + AffinityAccumulator.block - 1) / AffinityAccumulator.block
        let count = blocks * AffinityAccumulator.block * tokens
        sums = .filled(count: count) { $0.update(repeating: 0, count: count) }
        locks = (0..<blocks).map { _ in BlockLock() }
    }

    /// Calls the body with the sums of one block of queries, `[key][32]`, while it holds the block's lock.
    func withBlock(_ block: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        locks[block].mutex.withLock { _ in body(sums.base + block * AffinityAccumulator.block * tokens) }
    }

    /// Increases `count`: this many matrices were added.
    func noteAdded(_ added: Int) { matrices.withLock { $0 += added } }

    /// The mean of (P + Pᵀ) / 2 over all matrices, `[n, n]`; zeros if none was added.
    public func meanAffinity() -> Tensor {
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

    /// Whether all sums are finite.
    ///
    /// - Complexity: reads 4 n² bytes.
    public var isFinite: Bool {
        let blocks = (tokens + AffinityAccumulator.block - 1) / AffinityAccumulator.block
        let faults = Mutex(0)
        Threads.perform(blocks) { block in
            let queries = min(AffinityAccumulator.block, tokens - block * AffinityAccumulator.block)
            let own = sums.base + block * AffinityAccumulator.block * tokens
            for key in 0..<tokens {
                // Of the last block, only the columns of queries that exist are sums.
                for query in 0..<queries where !own[key * AffinityAccumulator.block + query].isFinite {
                    return faults.withLock { $0 += 1 }
                }
            }
        }
        return faults.withLock { $0 } == 0
    }
}
