internal import CKernels

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
