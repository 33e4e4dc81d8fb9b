public import Tensors

/// What self-attention says about the tokens of one image, gathered over passes at several timesteps.
public struct AttentionFeatures: Sendable {
    /// What to gather.
    public struct Selection: Sendable, Hashable {
        public var affinities: Bool
        public var tokens: Bool
        public var groups: Set<AttentionLayer.Group>
        /// Principal components to keep of the tokens of a layer.
        public var rank: Int

        public init(
            affinities: Bool = true, tokens: Bool = false, groups: Set<AttentionLayer.Group> = Set(AttentionLayer.Group.allCases),
            rank: Int = 64
        ) {
            (self.affinities, self.tokens, self.groups, self.rank) = (affinities, tokens, groups, rank)
        }
    }

    /// The affinity of the layers of one group at one resolution: the mean of (P + Pᵀ) / 2 over layers, heads and timesteps.
    public struct Affinity: Sendable {
        public let group: AttentionLayer.Group
        public let level: Int
        public let height: Int
        public let width: Int
        /// How many layers it is the mean of.
        public let layers: Int
        let sum: AffinityAccumulator

        /// `[n, n]` of the tokens of the grid, row by row; rows sum to about 1.
        public func matrix() -> Tensor { sum.symmetric() }

        /// The matrix from its diagonal to the right, row after row, each value multiplied by `scale`: n (n + 1) / 2 values.
        public func upperTriangle(scale: Float) -> [Float] {
            let n = sum.tokens
            return matrix().withUnsafeBufferPointer { matrix in
                [Float](unsafeUninitializedCapacity: n * (n + 1) / 2) { target, count in
                    for row in 0..<n {
                        for place in row * n + row..<(row + 1) * n {
                            target[count] = matrix[place] * scale
                            count += 1
                        }
                    }
                }
            }
        }

        /// The same as bit patterns of float16.
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

    /// The queries and keys of one layer, side by side, mean over timesteps, reduced to principal components.
    public struct Tokens: Sendable {
        public let layer: AttentionLayer
        public let height: Int
        public let width: Int
        public let components: PrincipalComponents
    }

    /// By resolution from the finest, encoder before middle before decoder.
    public let affinities: [Affinity]
    /// In the order of a pass.
    public let tokens: [Tokens]
}

/// Gathers ``AttentionFeatures`` while latents pass through a U-Net.
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
        let place = Key(level: layer.level, group: layer.group)
        var entry = sums[place] ?? (AffinityAccumulator(tokens: query.shape[1]), [])
        entry.layers.insert(layer.name)
        sums[place] = entry
        return entry.sum
    }

    /// Adds up queries and keys side by side, over the images.
    private func addTokens(_ layer: AttentionLayer, _ query: Tensor, _ key: Tensor) {
        let (images, tokens, channels) = (query.shape[0], query.shape[1], query.shape[2])
        let index = tokenSums.firstIndex { $0.layer == layer } ?? tokenSums.count
        if index == tokenSums.count { tokenSums.append((layer, Tensor(shape: [tokens, 2 * channels]), 0)) }
        tokenSums[index].count += images
        for (part, offset) in [(query, 0), (key, channels)] {
            part.withUnsafeBufferPointer { source in
                tokenSums[index].sum.withUnsafeMutableBufferPointer { target in
                    for row in 0..<images * tokens {
                        let place = row % tokens * 2 * channels + offset
                        for channel in 0..<channels { target[place + channel] += source[row * channels + channel] }
                    }
                }
            }
        }
    }

    /// - Throws: ``DiffusionError`` where the network gave numbers that are not finite.
    func features(path: String) throws(DiffusionError) -> AttentionFeatures {
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
