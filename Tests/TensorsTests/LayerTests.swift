import Foundation
import TestSupport
import Testing

@testable import Tensors

extension TensorsTests {
    @Suite("Linear layers, normalisation and activations")
    struct LayerTests {
        @Test("a linear layer agrees with PyTorch's, also where the sums take several rounds")
        func linear() throws {
            let layer = Linear(weight: noise(2, 40, 1500), bias: noise(3, 40))
            let x = noise(1, 2, 37, 1500)
            try expectMatches(layer(x), "linear", tolerance: 3e-6)
            let residual = noise(4, 2, 37, 40, scale: 10)
            expectClose(layer(x, addingTo: residual).values, layer(x).adding(residual).values, tolerance: 1e-6)
        }

        @Test("a linear layer without a bias takes a single row")
        func linearRow() throws {
            try expectMatches(Linear(weight: noise(2, 96, 1024), bias: nil)(noise(1, 1, 1024)), "linear_row", tolerance: 3e-6)
        }

        @Test("softmax over the last axis: shares of e^x, however large the values are; a NaN stays in its row")
        func softmax() {
            let shares = Tensor(shape: [1, 3, 2], values: [0, logf(3), 500, 500, .nan, 0]).softmax()
            #expect(shares.shape == [1, 3, 2])
            expectClose(Array(shares.values[..<4]), [0.25, 0.75, 0.5, 0.5], tolerance: 1e-6)
            #expect(shares.values[4...].allSatisfy { $0.isNaN })
        }

        @Test("group normalisation agrees with PyTorch's", arguments: [Activation.none, .silu, .gelu])
        func groupNorm(_ activation: Activation) throws {
            let layer = GroupNorm(groups: 32, epsilon: 1e-5, weight: noise(2, 64), bias: noise(3, 64))
            let names: [Activation: String] = [.none: "", .silu: "_silu", .gelu: "_gelu"]
            let name = try #require(names[activation])
            try expectMatches(layer(noise(1, 2, 5, 7, 64), activation: activation), "group_norm\(name)", tolerance: 2e-6)
        }

        @Test("a mean a thousand times the deviation costs group normalisation no digits")
        func distantMean() throws {
            let x = Tensor(shape: [1, 8, 8, 32], values: noise(1, 1, 8, 8, 32, scale: 0.5).values.map { $0 + 1000 })
            let layer = GroupNorm(groups: 4, epsilon: 1e-6, weight: noise(2, 32), bias: noise(3, 32))
            // Scale and shift are rounded to float32, which a value of 1,000 deviations shows.
            try expectMatches(layer(x), "group_norm_distant", tolerance: 2e-4)
        }

        @Test("layer normalisation agrees with PyTorch's")
        func layerNorm() throws {
            let layer = LayerNorm(epsilon: 1e-5, weight: noise(2, 80), bias: noise(3, 80))
            try expectMatches(layer(noise(1, 3, 7, 80)), "layer_norm", tolerance: 2e-6)
        }

        @Test(
            "activations agree with PyTorch's from −20 to 20",
            arguments: [(Activation.silu, "silu"), (.gelu, "gelu"), (.quickGELU, "quick_gelu")])
        func activations(_ activation: Activation, _ name: String) throws {
            // torch.linspace counts from both ends.
            let step = Float(40) / 4000
            let points = (0...4000).map { $0 < 2000 ? -20 + step * Float($0) : 20 - step * Float(4000 - $0) }
            try expectMatches(Tensor(shape: [4001], values: points).applying(activation), name, tolerance: 3e-7)
        }

        @Test("activations of infinities and NaN are defined", arguments: [Activation.silu, .gelu, .quickGELU])
        func specialValues(_ activation: Activation) {
            let values = Tensor(shape: [4], values: [.infinity, .nan, 0, 3e38]).applying(activation).values
            #expect(values[0] == .infinity)
            #expect(values[1].isNaN)
            #expect(values[2] == 0)
            #expect(values[3] == 3e38)
        }

        @Test("the gated GELU agrees with PyTorch's")
        func gated() throws {
            let result = noise(1, 3, 5, 48, scale: 4).gatedGELU()
            #expect(result.shape == [3, 5, 24])
            try expectMatches(result, "gated_gelu", tolerance: 3e-7)
        }

        @Test("a linear layer with a gated GELU gives what one after the other gives", arguments: [128, 1280, 70])
        func linearGated(outputs: Int) {
            let layer = Linear(weight: noise(2, outputs, 96), bias: noise(3, outputs))
            let x = noise(1, 2, 300, 96)
            let result = layer.gatedGELU(x)
            #expect(result.shape == [2, 300, outputs / 2])
            #expect(result.values == layer(x).gatedGELU().values)
        }
    }
}
