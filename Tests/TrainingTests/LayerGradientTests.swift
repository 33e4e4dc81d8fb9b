import Tensors
import TestSupport
import Testing

@testable import Training

/// Results and derivatives of every layer against PyTorch (Golden/make_golden.py).
@Suite struct LayerGradientTests {
    /// What one golden file is of.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let shape: [Int]
        /// Shapes of the parameters, which are noise with seeds 2 and 3.
        let parameters: [[Int]]
        let layer: @Sendable (Tape, Variable, [NetworkParameter]) -> Variable
        var testDescription: String { name }
    }

    private static func convolution(
        _ name: String, _ shape: [Int], outputs: Int, kernel: Extent3D, stride: Extent3D = Extent3D(1), padding: Extent3D
    ) -> Case {
        let layer = Convolution3D(inputs: shape[4], outputs: outputs, kernel: kernel, stride: stride, padding: padding)
        return Case(name: "convolution_\(name)", shape: shape, parameters: [layer.weightShape, [outputs]]) { tape, x, p in
            tape.convolution(x, layer, weight: p[0], bias: p[1])
        }
    }

    private static func transposed(
        _ name: String, _ shape: [Int], outputs: Int, kernel: Extent3D, stride: Extent3D, padding: Extent3D, to extent: Extent3D
    ) -> Case {
        let layer = Convolution3D(inputs: outputs, outputs: shape[4], kernel: kernel, stride: stride, padding: padding)
        return Case(name: "transposed_\(name)", shape: shape, parameters: [layer.weightShape, [outputs]]) { tape, x, p in
            tape.transposedConvolution(x, layer, weight: p[0], bias: p[1], extent: extent)
        }
    }

    private static func norm(_ name: String, _ region: ChannelMoments.Region) -> [Case] {
        [false, true].map { isRectified in
            Case(name: "\(name)_norm\(isRectified ? "_relu" : "")", shape: [3, 2, 5, 7, 12], parameters: [[12], [12]]) {
                tape, x, p in
                tape.normalization(x, over: region, weight: p[0], bias: p[1], rectified: isRectified)
            }
        }
    }

    static let cases: [Case] =
        [
            convolution("volume", [2, 5, 9, 7, 16], outputs: 32, kernel: Extent3D(3), padding: Extent3D(1)),
            convolution("ragged", [1, 9, 6, 11, 27], outputs: 24, kernel: Extent3D(3), padding: Extent3D(1)),
            convolution("deep", [1, 3, 6, 5, 70], outputs: 40, kernel: Extent3D(3), padding: Extent3D(1)),
            convolution("image", [3, 1, 13, 21, 40], outputs: 48, kernel: Extent3D(1, 3, 3), padding: Extent3D(0, 1, 1)),
            convolution("first", [2, 4, 5, 6, 1], outputs: 20, kernel: Extent3D(3), padding: Extent3D(1)),
            convolution(
                "strided", [2, 5, 6, 9, 7], outputs: 9, kernel: Extent3D(3), stride: Extent3D(2), padding: Extent3D(1)),
            convolution(
                "odd", [1, 5, 6, 9, 6], outputs: 8, kernel: Extent3D(3, 1, 5), stride: Extent3D(1, 2, 1),
                padding: Extent3D(1, 0, 2)),
            convolution("point", [2, 3, 4, 5, 20], outputs: 3, kernel: Extent3D(1), padding: Extent3D(0)),
            transposed(
                "double", [2, 2, 3, 4, 10], outputs: 6, kernel: Extent3D(2), stride: Extent3D(2), padding: Extent3D(0),
                to: Extent3D(4, 6, 8)),
            transposed(
                "image", [2, 1, 3, 4, 10], outputs: 6, kernel: Extent3D(1, 2, 2), stride: Extent3D(1, 2, 2),
                padding: Extent3D(0), to: Extent3D(1, 6, 8)),
            transposed(
                "overlapping", [1, 3, 4, 5, 12], outputs: 8, kernel: Extent3D(3), stride: Extent3D(2), padding: Extent3D(1),
                to: Extent3D(6, 8, 10)),
            pooling("max_pool", [2, 5, 6, 7, 3], Pooling3D(.largest, window: Extent3D(2))),
            pooling("max_pool_image", [2, 1, 6, 8, 3], Pooling3D(.largest, window: Extent3D(1, 2, 2))),
            pooling("mean_pool", [2, 5, 6, 7, 3], Pooling3D(.mean, window: Extent3D(2))),
            Case(name: "resize", shape: [2, 3, 4, 5, 3], parameters: []) { tape, x, _ in tape.resized(x, to: Extent3D(6, 8, 10))
            },
            Case(name: "resize_odd", shape: [1, 5, 4, 7, 2], parameters: []) { tape, x, _ in
                tape.resized(x, to: Extent3D(3, 9, 7))
            },
            Case(name: "elu", shape: [2, 3, 4, 5, 6], parameters: []) { tape, x, _ in tape.elu(x) },
        ] + norm("batch", .batch) + norm("instance", .groups(12)) + norm("group", .groups(4))

    private static func pooling(_ name: String, _ shape: [Int], _ layer: Pooling3D) -> Case {
        Case(name: name, shape: shape, parameters: []) { tape, x, _ in tape.pooling(x, layer) }
    }

    @Test(arguments: cases) func `a layer and its way back are PyTorch's`(_ it: Case) throws {
        let tape = Tape()
        let x = tape.watched(noise(1, it.shape))
        let parameters = it.parameters.enumerated().map { NetworkParameter("\($0)", noise(2 + UInt64($0), $1)) }
        let y = it.layer(tape, x, parameters)
        tape.backward(from: y, gradient: noise(9, y.value.shape))
        let results = [y.value, try #require(tape.gradient(of: x))] + parameters.compactMap(\.gradient)
        var golden = try GoldenFile("\(it.name).f32", in: .module).floats()[...]
        for result in results {
            #expect(relativeError(result.values, Array(golden.prefix(result.count))) < 3e-6)
            golden = golden.dropFirst(result.count)
        }
        #expect(golden.isEmpty && results.count == 2 + parameters.count)
    }

    /// Along a direction drawn anew: (f(x + hd) − f(x − hd)) / 2h against the derivative, for x and every parameter.
    @Test(arguments: cases.filter { !$0.name.contains("pool") && !$0.name.contains("relu") })
    func `a derivative is what differences say`(_ it: Case) throws {
        let step: Float = 0.01
        let tape = Tape()
        let x = tape.watched(noise(1, it.shape))
        let parameters = it.parameters.enumerated().map { NetworkParameter("\($0)", noise(2 + UInt64($0), $1)) }
        let y = it.layer(tape, x, parameters)
        let weights = noise(9, y.value.shape)
        tape.backward(from: y, gradient: weights)
        func value(moving index: Int, by step: Float, along direction: Tensor) -> Double {
            var moved = [x.value] + parameters.map(\.value)
            moved[index].add(direction, times: step)
            let others = moved.dropFirst().enumerated().map { NetworkParameter("\($0)", $1) }
            return dot(it.layer(Tape(recording: false), Variable(moved[0]), others).value, weights)
        }
        let gradients = [try #require(tape.gradient(of: x))] + parameters.compactMap(\.gradient)
        for (index, gradient) in gradients.enumerated() {
            let direction = noise(50 + UInt64(index), gradient.shape)
            let difference =
                (value(moving: index, by: step, along: direction) - value(moving: index, by: -step, along: direction))
                / Double(2 * step)
            let expected = dot(gradient, direction)
            let scale = dot(gradient, gradient).squareRoot() * Double(gradient.count).squareRoot()
            #expect(abs(difference - expected) < 2e-3 * max(abs(expected), 0.01 * scale))
        }
    }

    /// So many inputs and tiles that the inputs are transformed in several rounds.
    @Test func `a convolution of many inputs is the sum of those of its parts`() {
        let extent = Extent3D(8, 16, 20)
        let x = noise(1, [1] + extent.lengths + [256])
        let layer = Convolution3D(inputs: 256, outputs: 40, kernel: Extent3D(3), padding: Extent3D(1))
        let weight = noise(2, layer.weightShape)
        var sum = Tensor(shape: [1] + extent.lengths + [40])
        for part in [0..<64, 64..<192, 192..<256] {
            let some = Convolution3D(inputs: part.count, outputs: 40, kernel: Extent3D(3), padding: Extent3D(1))
            let values = weight.values
            var weights: [Float] = []
            for output in 0..<40 {
                let first = output * 256 * 27
                weights += values[first + part.lowerBound * 27..<first + part.upperBound * 27]
            }
            sum.add(some(x.channels(part), weight: Tensor(shape: some.weightShape, values: weights)))
        }
        #expect(relativeError(layer(x, weight: weight).values, sum.values) < 3e-6)
    }

    @Test func `of windows of equal values the first gets the gradient`() throws {
        let tape = Tape()
        let x = tape.watched(Tensor(shape: [1, 1, 2, 2, 1], values: [3, 3, 1, 3]))
        let y = tape.pooling(x, Pooling3D(.largest, window: Extent3D(1, 2, 2)))
        tape.backward(from: y, gradient: Tensor(shape: y.value.shape, repeating: 2))
        #expect(tape.gradient(of: x)?.values == [2, 0, 0, 0])
    }

    @Test func `what is used twice gets both gradients, and parts of a concatenation their own`() throws {
        let tape = Tape()
        let x = tape.watched(noise(1, 1, 2, 2, 2, 3))
        let y = tape.concatenation([x, tape.sum(x, x)])
        let weights = noise(2, y.value.shape)
        tape.backward(from: y, gradient: weights)
        var expected = weights.channels(0..<3)
        expected.add(weights.channels(3..<6), times: 2)
        #expect(tape.gradient(of: x)?.values == expected.values)
    }

    @Test("a tape that never runs backward is freed, with all that it recorded")
    func freed() {
        weak var abandoned: Tape?
        do {
            let tape = Tape()
            abandoned = tape
            let logits = tape.elu(tape.watched(noise(1, 1, 1, 2, 2, 3)))
            _ = SegmentationLoss(.softmax)(logits, [0, 1, 2, 0], on: tape)
        }
        #expect(abandoned == nil)
    }
}

func dot(_ a: Tensor, _ b: Tensor) -> Double { zip(a.values, b.values).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
