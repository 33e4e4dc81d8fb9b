public import Tensors

/// The self-attention of a U-Net for one image: affinities between its tokens (positions of the grid), and their queries and
/// keys, averaged over several timesteps.
public struct AttentionFeatures: Sendable {
    /// Which features to gather, and from which layers.
    public struct Selection: Sendable, Hashable {
        /// Whether to gather affinities.
        public var affinities: Bool
        /// Whether to gather queries and keys.
        public var tokens: Bool
        /// The parts of the network whose layers are used.
        public var groups: Set<AttentionLayer.Group>
        /// How many principal components to keep of a layer's queries and keys.
        public var rank: Int

        /// By default the affinities of all parts.
        public init(
            affinities: Bool = true, tokens: Bool = false, groups: Set<AttentionLayer.Group> = Set(AttentionLayer.Group.allCases),
            rank: Int = 64
        ) {
            (self.affinities, self.tokens, self.groups, self.rank) = (affinities, tokens, groups, rank)
        }
    }

    /// The affinity between the n = height · width tokens at one resolution in one part of the network: the mean of (P + Pᵀ) / 2
    /// over layers, heads and timesteps, with the attention matrices P.
    public struct Affinity: Sendable {
        /// The part of the network.
        public let group: AttentionLayer.Group
        /// The resolution, as ``AttentionLayer/level``.
        public let level: Int
        /// The height of the grid of tokens.
        public let height: Int
        /// The width of the grid of tokens.
        public let width: Int
        /// The number of layers in the mean.
        public let layers: Int
        let sum: AffinityAccumulator

        /// The affinity, `[n, n]`, tokens in row-major order of the grid. Rows sum to about 1.
        ///
        /// - Complexity: O(n²), 4 n² bytes; computed at each call.
        public func matrix() -> Tensor { sum.meanAffinity() }

        /// The upper triangle of the matrix with its diagonal, row after row, each value multiplied by `scale`: n (n + 1) / 2
        /// values.
        public func upperTriangle(scale: Float) -> [Float] {
            let n = sum.tokens
            return matrix().withUnsafeBufferPointer { matrix in
                [Float](unsafeUninitializedCapacity: n * (n + 1) / 2) { target, count in
                    for row in 0..<n {
                        for index in row * n + row..<(row + 1) * n {
                            target[count] = matrix[index] * scale
                            count += 1
                        }
                    }
                }
            }
        }

        /// The same as ``upperTriangle(scale:)``, as bit patterns of float16.
        public func halfUpperTriangle(scale: Float) -> [UInt16] {
            let values = upperTriangle(scale: scale)
            return [UInt16](unsafeUninitializedCapacity: values.count) { target, count in
                values.withUnsafeBufferPointer {
                    Half.float32ToFloat16($0, UnsafeMutableBufferPointer(rebasing: target[..<values.count]))
                }
                count = values.count
            }
        }
    }

    /// The queries and keys of one layer, concatenated, averaged over timesteps, and reduced to principal components.
    public struct Tokens: Sendable {
        /// The layer.
        public let layer: AttentionLayer
        /// The height of the grid of tokens.
        public let height: Int
        /// The width of the grid of tokens.
        public let width: Int
        /// The principal components; scores are `[height · width, rank]`, tokens in row-major order of the grid.
        public let components: PrincipalComponents
    }

    /// One for each resolution and part of the network: finest resolution first, then encoder, middle, decoder.
    public let affinities: [Affinity]
    /// One for each layer, in the order of a pass.
    public let tokens: [Tokens]
}

/// Gathers ``AttentionFeatures`` during one pass of latents through a U-Net.
final class AttentionCollector: UNetObserver {
    private struct Key: Hashable {
        let level: Int
        let group: AttentionLayer.Group
    }

    private let selection: AttentionFeatures.Selection
    private let latentHeight: Int
    private let latentWidth: Int
    private var sums: [Key: (sum: AffinityAccumulator, layers: Set<String>)] = [:]
    private var tokenSums: [(layer: AttentionLayer, sum: Tensor, count: Int)] = []

    init(_ selection: AttentionFeatures.Selection, latentHeight: Int, latentWidth: Int) {
        (self.selection, self.latentHeight, self.latentWidth) = (selection, latentHeight, latentWidth)
    }

    func attention(_ layer: AttentionLayer, query: Tensor, key: Tensor) -> AffinityAccumulator? {
        guard selection.groups.contains(layer.group) else { return nil }
        if selection.tokens { addTokens(layer, query, key) }
        guard selection.affinities else { return nil }
        let group = Key(level: layer.level, group: layer.group)
        var entry = sums[group] ?? (AffinityAccumulator(tokens: query.shape[1]), [])
        entry.layers.insert(layer.name)
        sums[group] = entry
        return entry.sum
    }

    /// Adds queries and keys, concatenated along the channels, to the layer's sum over the images.
    private func addTokens(_ layer: AttentionLayer, _ query: Tensor, _ key: Tensor) {
        let (images, tokens, channels) = (query.shape[0], query.shape[1], query.shape[2])
        let index = tokenSums.firstIndex { $0.layer == layer } ?? tokenSums.count
        if index == tokenSums.count { tokenSums.append((layer, Tensor(shape: [tokens, 2 * channels]), 0)) }
        tokenSums[index].count += images
        for (part, offset) in [(query, 0), (key, channels)] {
            part.withUnsafeBufferPointer { source in
                tokenSums[index].sum.withUnsafeMutableBufferPointer { target in
                    for row in 0..<images * tokens {
                        let first = row % tokens * 2 * channels + offset
                        for channel in 0..<channels { target[first + channel] += source[row * channels + channel] }
                    }
                }
            }
        }
    }

    /// The features of the passes so far.
    ///
    /// - Throws: ``DiffusionError`` if affinities, queries or keys hold numbers that are not finite.
    /// - Complexity: reads each affinity; an eigenvalue problem for each layer if queries and keys were gathered.
    func features(path: String) throws(DiffusionError) -> AttentionFeatures {
        for (key, entry) in sums where !entry.sum.isFinite {
            throw .notFinite("the affinity of \(key.group.rawValue) layers at level \(key.level)", path: path)
        }
        let order = AttentionLayer.Group.allCases
        let affinities = sums.sorted {
            ($0.key.level, order.firstIndex(of: $0.key.group) ?? 0) < ($1.key.level, order.firstIndex(of: $1.key.group) ?? 0)
        }.map { key, entry in
            AttentionFeatures.Affinity(
                group: key.group, level: key.level, height: latentHeight >> key.level, width: latentWidth >> key.level,
                layers: entry.layers.count, sum: entry.sum)
        }
        var tokens: [AttentionFeatures.Tokens] = []
        for entry in tokenSums {
            guard let components = PrincipalComponents(entry.sum, rank: selection.rank) else {
                throw .notFinite("the tokens of \(entry.layer.name)", path: path)
            }
            tokens.append(
                AttentionFeatures.Tokens(
                    layer: entry.layer, height: latentHeight >> entry.layer.level, width: latentWidth >> entry.layer.level,
                    components: components))
        }
        return AttentionFeatures(affinities: affinities, tokens: tokens)
    }
}
