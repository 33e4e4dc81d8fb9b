import TestSupport
import Testing

@testable import Tensors

extension TensorsTests {
    @Suite("Convolution")
    struct ConvolutionTests {
        struct Golden: Sendable, CustomTestStringConvertible {
            let name: String
            let image: (Int, Int, Int, Int)
            let outputs: Int
            let kernel: (Int, Int)
            let stride: Int
            let padding: Padding2D

            var testDescription: String { name }
            var x: Tensor { noise(1, image.0, image.1, image.2, image.3) }
            var layer: Convolution2D {
                Convolution2D(
                    weight: noise(2, outputs, image.3, kernel.0, kernel.1), bias: noise(3, outputs), stride: stride,
                    padding: padding)
            }
        }

        static let goldens = [
            Golden(name: "winograd", image: (2, 9, 7, 48), outputs: 32, kernel: (3, 3), stride: 1, padding: Padding2D(1)),
            Golden(name: "even", image: (1, 8, 12, 16), outputs: 64, kernel: (3, 3), stride: 1, padding: Padding2D(1)),
            Golden(name: "down", image: (2, 9, 8, 20), outputs: 33, kernel: (3, 3), stride: 2, padding: Padding2D(1)),
            Golden(
                name: "encoder", image: (1, 8, 8, 32), outputs: 32, kernel: (3, 3), stride: 2,
                padding: Padding2D(top: 0, left: 0, bottom: 1, right: 1)),
            Golden(name: "point", image: (2, 3, 5, 24), outputs: 40, kernel: (1, 1), stride: 1, padding: Padding2D(0)),
            Golden(
                name: "odd", image: (1, 7, 9, 5), outputs: 6, kernel: (5, 3), stride: 1,
                padding: Padding2D(top: 2, left: 0, bottom: 1, right: 3)),
        ]

        @Test("a convolution agrees with PyTorch's", arguments: goldens)
        func golden(_ golden: Golden) throws {
            // Winograd's transforms round somewhat more often than plain sums.
            try expectMatches(
                golden.layer(golden.x), "convolution_\(golden.name)", tolerance: golden.layer.suitsWinograd ? 5e-6 : 3e-6)
        }

        @Test("a residual is added", arguments: goldens)
        func residual(_ golden: Golden) {
            let plain = golden.layer(golden.x)
            let residual = Tensor(shape: plain.shape, values: (0..<plain.count).map { Float($0 % 7) })
            let sum = golden.layer(golden.x, addingTo: residual)
            expectClose(sum.values, plain.adding(residual).values, tolerance: 1e-6)
        }

        @Test(
            "Winograd's way gives what patches give, also where channels take several rounds", arguments: [(3, 1024), (44, 352)])
        func winograd(side: Int, inputs: Int) {
            let x = noise(1, 1, side, side, inputs)
            let weight = noise(2, 32, inputs, 3, 3)
            let layer = Convolution2D(weight: weight, bias: noise(3, 32), stride: 1, padding: Padding2D(1))
            #expect(layer.suitsWinograd)
            // Four rows of zeros more above make no other sums, but another way of computing them.
            let patches = Convolution2D(
                weight: weight, bias: noise(3, 32), stride: 1, padding: Padding2D(top: 5, left: 1, bottom: 1, right: 1))
            #expect(!patches.suitsWinograd)
            let (a, b) = (layer(x), patches(x))
            #expect(b.shape == [1, side + 4, side, 32])
            expectClose(a.values, Array(b.values.dropFirst(4 * side * 32)), tolerance: 5e-6)
        }

        @Test("each image of a batch gives what it gives alone")
        func batch() {
            let golden = ConvolutionTests.goldens[0]
            let both = golden.layer(golden.x).values
            let size = 9 * 7 * 48
            for image in 0..<2 {
                let one = Tensor(shape: [1, 9, 7, 48], values: Array(golden.x.values[image * size..<(image + 1) * size]))
                let result = golden.layer(one).values
                #expect(result == Array(both[image * result.count..<(image + 1) * result.count]))
            }
        }

        @Test("an image smaller than the kernel gives no pixels, and no images none")
        func empty() {
            let layer = Convolution2D(weight: noise(1, 2, 3, 3, 3), bias: nil, stride: 1, padding: Padding2D(0))
            #expect(layer(noise(1, 1, 2, 5, 3)).shape == [1, 0, 3, 2])
            #expect(layer(Tensor(shape: [0, 5, 5, 3])).count == 0)
            let winograd = Convolution2D(weight: noise(1, 32, 16, 3, 3), bias: nil, stride: 1, padding: Padding2D(1))
            #expect(winograd(Tensor(shape: [0, 5, 5, 16])).shape == [0, 5, 5, 32])
        }
    }
}
