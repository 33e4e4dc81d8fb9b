import CKernels
import TestSupport
import Testing

@testable import Tensors

extension TensorsTests {
    /// Only where the processor multiplies numbers of 16 bits: elsewhere layers are those of float32.
    @Suite("Numbers of 16 bits", .enabled(if: Arithmetic.multipliesBfloat16))
    struct ArithmeticTests {
        /// The nearest bfloat16, ties to even, as IEEE 754 rounds to fewer bits.
        private func rounded(_ x: Tensor) -> Tensor {
            Tensor(
                shape: x.shape,
                values: x.values.map { value in
                    let (below, bits) = (value.bitPattern & 0xFFFF_0000, value.bitPattern & 0xFFFF)
                    let isUp = bits > 0x8000 || bits == 0x8000 && below & 0x10000 != 0
                    return Float(bitPattern: isUp ? below + 0x10000 : below)
                })
        }

        struct Shape: Sendable { let rows, inputs, outputs: Int }

        @Test(
            "a linear layer multiplies rounded operands exactly, of any shape",
            arguments: [
                Shape(rows: 1, inputs: 7, outputs: 3), Shape(rows: 15, inputs: 33, outputs: 33),
                Shape(rows: 29, inputs: 1, outputs: 64),
                Shape(rows: 40, inputs: 1500, outputs: 96), Shape(rows: 3, inputs: 5120, outputs: 31),
            ])
        func linear(_ shape: Shape) {
            let (weight, bias) = (noise(2, shape.outputs, shape.inputs), noise(3, shape.outputs))
            let (x, residual) = (noise(1, shape.rows, shape.inputs), noise(4, shape.rows, shape.outputs))
            let layer = Linear(weight: weight, bias: bias, arithmetic: .bfloat16)
            let exact = Linear(weight: rounded(weight), bias: bias)
            expectClose(layer(x).values, exact(rounded(x)).values, tolerance: 3e-6)
            expectClose(layer(x, addingTo: residual).values, exact(rounded(x), addingTo: residual).values, tolerance: 3e-6)
        }

        @Test("so do its gated form and convolutions by patches")
        func patches() {
            let wide = (weight: noise(2, 128, 96), x: noise(1, 50, 96))
            expectClose(
                Linear(weight: wide.weight, bias: noise(3, 128), arithmetic: .bfloat16).gatedGELU(wide.x).values,
                Linear(weight: rounded(wide.weight), bias: noise(3, 128)).gatedGELU(rounded(wide.x)).values, tolerance: 3e-6)
            // With an odd number of channels nothing is paired, and nothing rounded.
            for channels in [3, 20] {
                let (weight, x) = (noise(2, 33, channels, 3, 3), noise(1, 2, 9, 8, channels))
                let layer = Convolution2D(
                    weight: weight, bias: noise(3, 33), stride: 2, padding: Padding2D(1), arithmetic: .bfloat16)
                let isRounded = channels % 2 == 0
                let exact = Convolution2D(
                    weight: isRounded ? rounded(weight) : weight, bias: noise(3, 33), stride: 2, padding: Padding2D(1))
                expectClose(layer(x).values, exact(isRounded ? rounded(x) : x).values, tolerance: 3e-6)
            }
        }

        struct Image: Sendable { let side, inputs, outputs: Int }

        /// Plain products of bfloat16 leave .0024 of noise, and Winograd's algorithm with bfloat16 .010.
        @Test(
            "Winograd's convolution loses no more than half a percent, also where channels take several blocks and rounds",
            arguments: [
                Image(side: 9, inputs: 16, outputs: 32), Image(side: 16, inputs: 48, outputs: 64),
                Image(side: 21, inputs: 144, outputs: 32),
                Image(side: 3, inputs: 1024, outputs: 32), Image(side: 44, inputs: 704, outputs: 160),
            ])
        func winograd(_ image: Image) {
            let weight = noise(2, image.outputs, image.inputs, 3, 3)
            let x = noise(1, 2, image.side, image.side, image.inputs)
            func layer(_ arithmetic: Arithmetic) -> Convolution2D {
                Convolution2D(
                    weight: weight, bias: noise(3, image.outputs), stride: 1, padding: Padding2D(1), arithmetic: arithmetic)
            }
            let (half, exact) = (layer(.bfloat16), layer(.float32))
            #expect(half.suitsWinograd)
            let error = half(x).relativeNoise(to: exact(x))
            #expect(error > 0.0001 && error < 0.005)
            let residual = noise(4, 2, image.side, image.side, image.outputs)
            expectClose(half(x, addingTo: residual).values, half(x).adding(residual).values, tolerance: 1e-6)
            let norm = BatchNorm(
                weight: noise(5, image.inputs), bias: noise(6, image.inputs), mean: noise(7, image.inputs),
                variance: Tensor(shape: [image.inputs], values: Array(repeating: 1, count: image.inputs)), epsilon: 1e-5)
            #expect(half(normalizing: x, by: norm).relativeNoise(to: exact(normalizing: x, by: norm)) < 0.005)
        }

        @Test(
            "scales follow what they scale: zeros, channels of very different sizes, the smallest and the largest values, a NaN")
        func scales() {
            let weight = noise(2, 32, 32, 3, 3)
            let half = Convolution2D(weight: weight, bias: noise(3, 32), stride: 1, padding: Padding2D(1), arithmetic: .bfloat16)
            let exact = Convolution2D(weight: weight, bias: noise(3, 32), stride: 1, padding: Padding2D(1))
            let zeros = Tensor(shape: [1, 8, 8, 32])
            #expect(half(zeros).values == exact(zeros).values)
            let x = noise(1, 1, 8, 8, 32)
            let plain = Convolution2D(weight: weight, bias: nil, stride: 1, padding: Padding2D(1), arithmetic: .bfloat16)
            let plainExact = Convolution2D(weight: weight, bias: nil, stride: 1, padding: Padding2D(1))
            for size: Float in [1e-28, 1e-20, 1e20] {
                let scaled = Tensor(shape: x.shape, values: x.values.map { $0 * size })
                #expect(plain(scaled).relativeNoise(to: plainExact(scaled)) < 0.005, "\(size)")
            }
            for size: Float in [1e-38, 1e-33] {
                #expect(plain(Tensor(shape: x.shape, values: x.values.map { $0 * size })).values.allSatisfy { abs($0) < 1e-28 })
            }
            // Some channels are a thousand times larger than others, and their weights as much smaller; or only the channels.
            for isBalanced in [true, false] {
                let sizes = (0..<32).map { channel in channel < 4 ? Float(1000) : 1 }
                let uneven = Tensor(shape: x.shape, values: x.values.enumerated().map { $1 * sizes[$0 % 32] })
                let weights = Tensor(
                    shape: weight.shape, values: weight.values.enumerated().map { isBalanced ? $1 / sizes[$0 / 9 % 32] : $1 })
                let results = [Arithmetic.bfloat16, .float32].map { arithmetic in
                    Convolution2D(weight: weights, bias: nil, stride: 1, padding: Padding2D(1), arithmetic: arithmetic)(uneven)
                }
                #expect(results[0].relativeNoise(to: results[1]) < 0.005, "\(isBalanced)")
            }
            for broken in [Float.nan, .infinity] {
                var values = x.values
                values[(1 * 8 + 1) * 32 + 5] = broken
                let result = plain(Tensor(shape: x.shape, values: values)).values
                // The tile with it, and the far corner, which does not read it.
                #expect(result[..<32].allSatisfy { !$0.isFinite })
                #expect(result.suffix(32).allSatisfy { $0.isFinite })
            }
            var lame = weight.values
            lame[0] = .nan
            let spoiled = Convolution2D(
                weight: Tensor(shape: weight.shape, values: lame), bias: nil, stride: 1, padding: Padding2D(1),
                arithmetic: .bfloat16)
            let result = spoiled(x).values
            #expect(result.indices.allSatisfy { result[$0].isNaN == ($0 % 32 == 0) })
        }

        struct Tokens: Sendable { let queries, keys, heads, width: Int }

        @Test(
            "attention loses no more than a percent, with odd numbers of keys and channels too",
            arguments: [
                Tokens(queries: 70, keys: 77, heads: 3, width: 40), Tokens(queries: 33, keys: 600, heads: 1, width: 256),
                Tokens(queries: 5, keys: 1, heads: 2, width: 7), Tokens(queries: 45, keys: 45, heads: 2, width: 16),
            ])
        func attention(_ tokens: Tokens) {
            let channels = tokens.heads * tokens.width
            let (query, key) = (noise(1, 2, tokens.queries, channels, scale: 2), noise(2, 2, tokens.keys, channels, scale: 2))
            let value = noise(3, 2, tokens.keys, channels)
            for isCausal in [false, tokens.queries == tokens.keys] {
                let half = Attention(heads: tokens.heads, isCausal: isCausal, arithmetic: .bfloat16)
                let exact = Attention(heads: tokens.heads, isCausal: isCausal)
                let attended = half(query: query, key: key, value: value)
                #expect(attended.relativeNoise(to: exact(query: query, key: key, value: value)) < 0.01)
                guard tokens.queries == tokens.keys else { continue }
                let (a, b) = (AffinityAccumulator(tokens: tokens.keys), AffinityAccumulator(tokens: tokens.keys))
                half.affinity(query: query, key: key, into: a)
                exact.affinity(query: query, key: key, into: b)
                #expect(a.meanAffinity().relativeNoise(to: b.meanAffinity()) < 0.01)
            }
        }

        @Test("results have the same bits on any number of threads")
        func sameBits() {
            let convolution = Convolution2D(
                weight: noise(2, 96, 160, 3, 3), bias: nil, stride: 1, padding: Padding2D(1), arithmetic: .bfloat16)
            let linear = Linear(weight: noise(4, 320, 96), bias: noise(5, 320), arithmetic: .bfloat16)
            func pass() -> [UInt32] {
                let y = linear(convolution(noise(1, 2, 30, 30, 160)).reshaped([2, 900, 96]))
                return Attention(heads: 4, arithmetic: .bfloat16)(query: y, key: y, value: y).values.map(\.bitPattern)
            }
            let before = Threads.count
            defer { Threads.count = before }
            Threads.count = 1
            let expected = pass()
            for threads in [2, 5] {
                Threads.count = threads
                #expect(pass() == expected, "\(threads) threads")
            }
        }
    }

    @Suite("Numbers of 16 bits on other processors") struct OtherProcessorTests {
        @Test("a processor without products of them computes what float32 gives, bit by bit")
        func elsewhere() {
            ck_limit_instruction_set(1)
            defer { ck_limit_instruction_set(2) }
            #expect(!Arithmetic.multipliesBfloat16)
            let (weight, x) = (noise(2, 32, 64, 3, 3), noise(1, 1, 12, 12, 64))
            let results = Arithmetic.allCases.map { arithmetic in
                let y = Convolution2D(weight: weight, bias: nil, stride: 1, padding: Padding2D(1), arithmetic: arithmetic)(x)
                let z = Linear(weight: noise(4, 32, 32), bias: nil, arithmetic: arithmetic)(y.reshaped([1, 144, 32]))
                return Attention(heads: 2, arithmetic: arithmetic)(query: z, key: z, value: z).values
            }
            #expect(results[0] == results[1])
        }
    }
}
