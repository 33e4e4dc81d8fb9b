import TestSupport
import Testing

@testable import Tensors

extension TensorsTests {
    /// What inference leaves out: passes over memory that a layer can do beside its own.
    @Suite("Convolution in inference")
    struct Convolution3DInferenceTests {
        /// Winograd's way in one round and in several, patches, and a kernel of one voxel.
        static let layers = [
            (Convolution3D(inputs: 24, outputs: 40, kernel: Extent3D(1, 3, 3), padding: Extent3D(0, 1, 1)), Extent3D(2, 9, 7)),
            (Convolution3D(inputs: 352, outputs: 8, kernel: Extent3D(3), padding: Extent3D(1)), Extent3D(3, 44, 44)),
            (Convolution3D(inputs: 1, outputs: 6, kernel: Extent3D(3), padding: Extent3D(1)), Extent3D(4, 5, 6)),
            (Convolution3D(inputs: 12, outputs: 5, kernel: Extent3D(1)), Extent3D(2, 5, 6)),
        ]

        @Test("a convolution with a ReLU has the bits of one that a ReLU follows, NaN too", arguments: layers.indices)
        func rectified(number: Int) {
            let (layer, extent) = Self.layers[number]
            var values = noise(1, 2, extent.depth, extent.height, extent.width, layer.inputs).values
            values[values.count / 3] = .nan
            let x = Tensor(shape: [2] + extent.lengths + [layer.inputs], values: values)
            let weight = noise(2, layer.outputs, layer.inputs, layer.kernel.depth, layer.kernel.height, layer.kernel.width)
            let bias = noise(3, layer.outputs)
            let plain = PackedConvolution3D(layer, weight: weight, bias: bias)(x).applying(.relu)
            let fused = PackedConvolution3D(layer, weight: weight, bias: bias, isRectified: true)(x)
            #expect(plain.values.contains { $0.isNaN } && plain.values.contains(0) && !plain.values.contains { $0 < 0 })
            #expect(fused.shape == plain.shape)
            #expect(fused.values.map(\.bitPattern) == plain.values.map(\.bitPattern))
        }

        @Test(
            "windows that lie side by side give what patches added up give",
            arguments: [(Extent3D(1, 2, 2), 32), (Extent3D(2), 16), (Extent3D(3, 1, 4), 8)])
        func tiled(window: Extent3D, inputs: Int) {
            let layer = Convolution3D(inputs: inputs, outputs: 24, kernel: window, stride: window)
            let source = Extent3D(2, 3, 5)
            let extent = source.combined(window, *)
            let x = noise(1, 2, source.depth, source.height, source.width, 24)
            let weight = noise(2, 24, inputs, window.depth, window.height, window.width)
            let bias = noise(3, inputs)
            #expect(layer.tiles(extent, from: source))
            let gathered = layer.gatheredGradient(x, weight: layer.patchGradientMatrix(weight), extent: extent)
            let result = PackedTransposedConvolution3D(layer, weight: weight, bias: bias)(x, to: extent)
            #expect(result.shape == [2] + extent.lengths + [inputs])
            expectClose(result.values, gathered.adding(channels: bias).values, tolerance: 1e-6)
            // Voxels that no window reaches have the bias alone: another way.
            let longer = Extent3D(extent.depth, extent.height, extent.width + window.width - 1)
            #expect(window.width == 1 || !layer.tiles(longer, from: source))
        }
    }
}
