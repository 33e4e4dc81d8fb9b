import CKernels
import TestSupport
import Testing

@testable import Tensors

extension TensorsTests {
    @Suite("Batch normalisation and pooling")
    struct BatchNormTests {
        private func norm(_ channels: Int) -> BatchNorm {
            BatchNorm(
                weight: noise(6, channels), bias: noise(7, channels), mean: noise(4, channels),
                variance: Tensor(shape: [channels], values: noise(5, channels).values.map { 1 + 0.5 * $0 }), epsilon: 1e-5)
        }

        @Test("batch normalisation agrees with PyTorch's", arguments: [Activation.none, .silu, .gelu])
        func norm(_ activation: Activation) throws {
            let names: [Activation: String] = [.none: "", .silu: "_silu", .gelu: "_gelu"]
            let name = try #require(names[activation])
            try expectMatches(norm(10)(noise(1, 2, 5, 7, 10), activation: activation), "batch_norm\(name)", tolerance: 2e-6)
        }

        @Test("a linear layer that takes up a normalisation gives what both give")
        func folded() throws {
            let layer = norm(10).folded(into: noise(2, 6, 10), bias: noise(3, 6))
            try expectMatches(layer(noise(1, 2, 5, 7, 10)), "batch_norm_linear", tolerance: 2e-6)
        }

        @Test(
            "a convolution of normalised pixels agrees with PyTorch's, with an offset for each image and a residual",
            arguments: [("winograd", 9, 7, 48, 32), ("patches", 5, 6, 10, 8)])
        func convolution(_ name: String, _ height: Int, _ width: Int, _ inputs: Int, _ outputs: Int) throws {
            let layer = Convolution2D(
                weight: noise(2, outputs, inputs, 3, 3), bias: noise(3, outputs), stride: 1, padding: Padding2D(1))
            #expect(layer.suitsWinograd == (name == "winograd"))
            let result = layer(
                normalizing: noise(1, 2, height, width, inputs), by: norm(inputs), offset: noise(8, 2, inputs),
                addingTo: noise(9, 2, height, width, outputs))
            try expectMatches(result, "normalized_convolution_\(name)", tolerance: 5e-6)
        }

        @Test("a convolution that normalises pixels as it reads them gives what one after the other gives, on every processor")
        func fusedConvolution() {
            let layer = Convolution2D(weight: noise(2, 64, 32, 3, 3), bias: nil, stride: 1, padding: Padding2D(1))
            let x = noise(1, 3, 21, 18, 32)
            defer { ck_limit_instruction_set(2) }
            for highest in 0...2 {
                ck_limit_instruction_set(Int32(highest))
                let separate = layer(norm(32)(x, activation: .relu))
                expectClose(layer(normalizing: x, by: norm(32)).values, separate.values, tolerance: 2e-6)
            }
        }

        @Test("a NaN passes through normalisation, ReLU, convolution and pooling to what sees it")
        func notANumber() {
            var x = noise(1, 1, 12, 12, 32)
            x.withUnsafeMutableBufferPointer { $0[(5 * 12 + 6) * 32 + 3] = .nan }
            #expect(norm(32)(x, activation: .relu).values.filter(\.isNaN).count == 1)
            let layer = Convolution2D(weight: noise(2, 32, 32, 3, 3), bias: nil, stride: 1, padding: Padding2D(1))
            let result = layer(normalizing: x, by: norm(32)).values
            for pixel in [4 * 12 + 5, 5 * 12 + 6, 6 * 12 + 7] { #expect(result[pixel * 32].isNaN) }
            #expect(result[0].isFinite && result[143 * 32].isFinite)
            #expect(x.maxPooled2x().values.filter(\.isNaN).count == 1)
        }

        @Test("the largest of four pixels, and the means of channels, agree with PyTorch's")
        func pooling() throws {
            let x = noise(1, 2, 5, 7, 10)
            #expect(x.maxPooled2x().shape == [2, 2, 3, 10])
            try expectMatches(x.maxPooled2x(), "max_pool", tolerance: 0)
            #expect(x.channelMeans().shape == [2, 10])
            try expectMatches(x.channelMeans(), "channel_means", tolerance: 1e-7)
        }

        @Test("a ReLU cuts off what is negative, and nothing else")
        func relu() {
            let values = Tensor(shape: [5], values: [-1, 0, 2, -.infinity, .infinity]).applying(.relu).values
            #expect(values == [0, 0, 2, 0, .infinity])
        }
    }
}
