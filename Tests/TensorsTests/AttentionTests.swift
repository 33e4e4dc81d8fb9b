import TestSupport
import Testing

@testable import Tensors

extension TensorsTests {
    @Suite("Attention")
    struct AttentionTests {
        @Test("attention agrees with PyTorch's: across, causal, and over many keys of one wide head")
        func golden() throws {
            let cross = Attention(heads: 3)(query: noise(1, 1, 50, 120), key: noise(2, 1, 77, 120), value: noise(3, 1, 77, 120))
            try expectMatches(cross, "attention_cross", tolerance: 2e-6)
            let causal = Attention(heads: 2, isCausal: true)(
                query: noise(1, 1, 45, 32), key: noise(2, 1, 45, 32), value: noise(3, 1, 45, 32))
            try expectMatches(causal, "attention_causal", tolerance: 2e-6)
            let long = Attention(heads: 1)(query: noise(1, 1, 33, 256), key: noise(2, 1, 600, 256), value: noise(3, 1, 600, 256))
            try expectMatches(long, "attention_long", tolerance: 3e-6)
        }

        private let query = noise(1, 2, 70, 48, scale: 6)
        private let key = noise(2, 2, 70, 48, scale: 6)
        private let value = noise(3, 2, 70, 48, scale: 6)

        @Test("the affinity is the mean over heads and images, made symmetric")
        func affinity() throws {
            let sums = AffinityAccumulator(tokens: 70)
            #expect(sums.meanAffinity().values.allSatisfy { $0 == 0 })
            let result = Attention(heads: 2)(query: query, key: key, value: value, accumulatingInto: sums)
            // Logits of up to 60, each rounded to 24 bits.
            try expectMatches(result, "attention_self", tolerance: 1e-5)
            #expect(sums.count == 4)
            try expectMatches(sums.meanAffinity(), "affinity", tolerance: 1e-5)
        }

        @Test("collecting changes no bit of the result, and the affinity alone is the same")
        func collecting() {
            let (with, alone) = (AffinityAccumulator(tokens: 70), AffinityAccumulator(tokens: 70))
            let attention = Attention(heads: 2)
            let plain = attention(query: query, key: key, value: value)
            #expect(attention(query: query, key: key, value: value, accumulatingInto: with).values == plain.values)
            attention.affinity(query: query, key: key, into: alone)
            #expect(with.meanAffinity().values == alone.meanAffinity().values)
        }

        @Test("the mean affinity is symmetric in every bit")
        func isSymmetric() {
            let sums = AffinityAccumulator(tokens: 70)
            Attention(heads: 2).affinity(query: query, key: key, into: sums)
            #expect(sums.isFinite)
            let matrix = sums.meanAffinity().values
            for row in 0..<70 {
                for column in 0..<70 { #expect(matrix[row * 70 + column] == matrix[column * 70 + row]) }
            }
        }

        @Test("sums with a NaN are found, in the last block too", arguments: [0, 69])
        func notFinite(token: Int) {
            let sums = AffinityAccumulator(tokens: 70)
            var broken = query
            let width = broken.shape[2]
            broken.withUnsafeMutableBufferPointer { $0[token * width] = .nan }
            Attention(heads: 2).affinity(query: broken, key: key, into: sums)
            #expect(!sums.isFinite)
        }

        @Test("rows of an affinity sum to 1 in the mean")
        func total() {
            let sums = AffinityAccumulator(tokens: 70)
            for _ in 0..<3 { Attention(heads: 2).affinity(query: query, key: key, into: sums) }
            let total = sums.meanAffinity().values.reduce(0.0) { $0 + Double($1) }
            #expect(abs(total - 70) < 1e-4)
        }

        @Test("large logits do not overflow, and a NaN stays in its own row")
        func specialValues() {
            var query = Tensor(shape: [1, 2, 8], repeating: 1e4)
            let key = Tensor(shape: [1, 3, 8], values: (0..<24).map { $0 < 8 ? 1e4 : -1e4 })
            let value = Tensor(shape: [1, 3, 8], values: (0..<24).map { Float($0 / 8 + 1) })
            let attention = Attention(heads: 1)
            #expect(attention(query: query, key: key, value: value).values.allSatisfy { $0 == 1 })
            query.withUnsafeMutableBufferPointer { $0[3] = .nan }
            let result = attention(query: query, key: key, value: value).values
            #expect(result[..<8].allSatisfy { $0.isNaN })
            #expect(result[8...].allSatisfy { $0 == 1 })
        }

        @Test("each image of a batch gives what it gives alone")
        func batch() {
            let both = Attention(heads: 2)(query: query, key: key, value: value).values
            for image in 0..<2 {
                let parts = [query, key, value].map {
                    Tensor(shape: [1, 70, 48], values: Array($0.values[image * 3360..<(image + 1) * 3360]))
                }
                let one = Attention(heads: 2)(query: parts[0], key: parts[1], value: parts[2]).values
                #expect(one == Array(both[image * 3360..<(image + 1) * 3360]))
            }
        }

        @Test("no queries and no keys give no values and zeros")
        func empty() {
            let none = Tensor(shape: [1, 0, 16])
            #expect(Attention(heads: 2)(query: none, key: none, value: none).count == 0)
            let result = Attention(heads: 2)(query: noise(1, 1, 3, 16), key: none, value: none)
            #expect(result.values == [Float](repeating: 0, count: 48))
        }
    }
}
