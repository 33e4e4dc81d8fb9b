import Basics
import Tensors
import TestSupport
import Testing

@testable import Training

/// Losses and trainings of small networks against PyTorch (Golden/make_golden.py).
@Suite struct NetworkTrainingTests {
    /// Classes in turns of the noise; a part of the last turn is ignored.
    private static func labels(_ seed: UInt64, _ classes: Int, _ shape: [Int]) -> [UInt8] {
        noise(seed, shape).values.map { value in
            let turn = Int((Double(value) + 1) / 2 * Double(classes + 1))
            return turn == classes ? TrainingPatch.ignored : UInt8(turn)
        }
    }

    struct LossCase: CustomTestStringConvertible, Sendable {
        let name: String
        let outputs: Int
        let loss: SegmentationLoss
        var testDescription: String { name }
    }

    @Test(arguments: [
        LossCase(name: "softmax_dice", outputs: 3, loss: SegmentationLoss(.softmax, crossEntropyWeight: 0)),
        LossCase(name: "softmax_entropy", outputs: 3, loss: SegmentationLoss(.softmax, diceWeight: 0)),
        LossCase(name: "softmax_both", outputs: 2, loss: SegmentationLoss(.softmax)),
        LossCase(name: "sigmoid_dice", outputs: 1, loss: SegmentationLoss(.sigmoid, crossEntropyWeight: 0)),
        LossCase(name: "sigmoid_entropy", outputs: 2, loss: SegmentationLoss(.sigmoid, diceWeight: 0)),
        LossCase(
            name: "sigmoid_both", outputs: 2,
            loss: SegmentationLoss(.sigmoid, diceWeight: 0.5, crossEntropyWeight: 2)),
        LossCase(name: "sigmoid_weighted", outputs: 2, loss: SegmentationLoss(.sigmoid, diceWeight: 0, foregroundWeight: 3)),
        LossCase(name: "sigmoid_incomplete", outputs: 2, loss: SegmentationLoss(.sigmoid, completeness: 0.6)),
        // So few that the risk of the ground would be negative.
        LossCase(name: "sigmoid_few", outputs: 2, loss: SegmentationLoss(.sigmoid, diceWeight: 0, completeness: 0.1)),
    ]) func `a loss and its gradient are PyTorch's`(_ it: LossCase) throws {
        let tape = Tape()
        let logits = tape.watched(noise(1, [2, 3, 4, 5, it.outputs], scale: 4))
        let classes = it.loss.activation == .softmax ? it.outputs : it.outputs + 1
        let value = it.loss(logits, Self.labels(2, classes, [2, 3, 4, 5]), on: tape)
        tape.backward(from: value)
        let golden = try GoldenFile("loss_\(it.name).f32", in: .module).floats()
        #expect(abs(value.value.values[0] - golden[0]) < 1e-6 * abs(golden[0]))
        #expect(relativeError(try #require(tape.gradient(of: logits)).values, Array(golden.dropFirst())) < 2e-6)
    }

    @Test func `where nothing has a label the loss and its gradient are 0`() throws {
        let tape = Tape()
        let logits = tape.watched(noise(1, 1, 1, 2, 2, 2))
        let value = SegmentationLoss(.softmax)(logits, [255, 255, 255, 255], on: tape)
        tape.backward(from: value)
        #expect(value.value.values == [0])
        #expect(tape.gradient(of: logits)?.values == [Float](repeating: 0, count: 8))
    }

    struct TrainingCase: CustomTestStringConvertible, Sendable {
        let name: String
        let architecture: @Sendable () throws -> NetworkArchitecture
        let shape: [Int]
        let classes: Int
        let decay: Double
        /// Up to the fourth, in two of them, before a voxel comes so near a kink of ReLU or ELU that rounding decides its side: from there on
        /// trainings differ by some 1e-4, and so do PyTorch's own in single and double precision (picker: 3e-4).
        var steps = 10
        var testDescription: String { name }
    }

    static let trainings: [TrainingCase] = [
        TrainingCase(
            name: "images", architecture: { try unet(2, 3, 3, .batch, .transposed) }, shape: [2, 1, 24, 16], classes: 3,
            decay: 0.01),
        TrainingCase(
            name: "volumes", architecture: { try unet(3, 2, 3, .batch, .transposed) }, shape: [2, 8, 8, 12], classes: 2, decay: 0),
        TrainingCase(
            name: "linear", architecture: { try unet(3, 2, 3, .instance, .linear) }, shape: [2, 8, 8, 12], classes: 2, decay: 0,
            steps: 3),
        TrainingCase(
            name: "groups", architecture: { try unet(2, 2, 2, .group(2), .linear) }, shape: [2, 1, 16, 12], classes: 2, decay: 0),
        TrainingCase(
            name: "picker", architecture: { .picker(try PickerArchitecture(width: 8)) }, shape: [2, 16, 16, 16], classes: 2,
            decay: 0.01, steps: 3),
    ]

    private static func unet(
        _ dimensions: Int, _ classes: Int, _ levels: Int, _ kind: NormalizationKind, _ upsampling: UNetArchitecture.Upsampling
    ) throws -> NetworkArchitecture {
        .unet(
            try UNetArchitecture(
                dimensions: dimensions, classes: classes, width: 8, levels: levels, normalization: kind, upsampling: upsampling))
    }

    @Test(arguments: trainings) func `ten steps of Adam go as PyTorch's do`(_ it: TrainingCase) throws {
        let network = try it.architecture().network(seed: 0)
        for (number, parameter) in network.parameters.sorted(by: { $0.name < $1.name }).enumerated() {
            let values = noise(100 + UInt64(number), parameter.value.shape)
            let shape = values.shape
            let scale: Float = shape.count > 1 ? (3 / Float(shape.dropFirst().reduce(1, *))).squareRoot() : 0.2
            let offset: Float = parameter.name.hasSuffix("norm.weight") ? 1 : 0
            parameter.value = Tensor(shape: shape, values: values.values.map { offset + $0 * scale })
        }
        let isPicker = if case .picker = network.architecture { true } else { false }
        let loss = SegmentationLoss(isPicker ? .sigmoid : .softmax)
        var optimizer = AdamOptimizer(network.parameters, weightDecay: it.decay)
        let golden = try GoldenFile("training_\(it.name).f32", in: .module).floats()
        for step in 0..<it.steps {
            let tape = Tape()
            let logits = network(Variable(noise(1000 + UInt64(step), it.shape + [1])), on: tape)
            let value = loss(logits, Self.labels(2000 + UInt64(step), it.classes, it.shape), on: tape)
            tape.backward(from: value)
            optimizer.step(network.parameters, learningRate: 1e-3)
            #expect(abs(value.value.values[0] - golden[step]) < 1e-4 * abs(golden[step]), "step \(step)")
        }
        guard it.steps == 10 else { return }
        // Afterwards, in inference, with the running moments.
        #expect(relativeError(network.logits(noise(1, it.shape + [1])).values, Array(golden.dropFirst(10))) < 5e-3)
    }

    @Test(arguments: trainings) func `packed weights for inference follow each change of a weight or moment`(_ it: TrainingCase)
        throws
    {
        let network = try it.architecture().network(seed: 3)
        let loss = SegmentationLoss(.sigmoid)
        let x = noise(1, it.shape + [1])
        /// The logits of a new network with the same weights, which has packed nothing yet.
        func expected() throws -> [Float] {
            let other = try it.architecture().network(seed: 4)
            for (parameter, value) in zip(other.state, network.state) { parameter.value = value.value }
            return other.logits(x).values
        }
        let before = network.logits(x).values
        #expect(try before == expected())
        #expect(network.logits(x).values == before)
        let tape = Tape()
        tape.backward(from: loss(network(Variable(x), on: tape), Self.labels(2, it.classes, it.shape), on: tape))
        // The forward pass changed running moments in place, the optimizer changes weights in place.
        #expect(try network.logits(x).values == expected())
        var optimizer = AdamOptimizer(network.parameters)
        optimizer.step(network.parameters, learningRate: 0.1)
        #expect(network.logits(x).values != before)
        #expect(try network.logits(x).values == expected())
    }

    @Test(arguments: [NormalizationKind.batch, .group(2)]) func `a network begins with the weights of one of other classes`(
        normalization: NormalizationKind
    ) throws {
        func network(_ classes: Int, seed: UInt64) throws -> UNet {
            UNet(
                try UNetArchitecture(
                    dimensions: 2, classes: classes, width: 4, levels: 2, normalization: normalization, context: 1), seed: seed)
        }
        let (known, new, untouched) = (try network(5, seed: 1), try network(3, seed: 2), try network(3, seed: 2))
        new.begin(with: known, outputs: [0, 3, nil])
        var random = RandomStream(seed: 3)
        let x = Tensor(shape: [1, 3, 8, 8, 1], values: (0..<192).map { _ in Float(random.normal()) })
        let (a, b) = (known.logits(x).values, new.logits(x).values)
        for pixel in 0..<64 {
            #expect(abs(b[pixel * 3] - a[pixel * 5]) < 1e-5 && abs(b[pixel * 3 + 1] - a[pixel * 5 + 3]) < 1e-5)
        }
        // The output that nobody knew is as it was drawn.
        let heads = [new, untouched].map {
            $0.state.filter { $0.name.hasPrefix("head") }.map { Array($0.value.values.suffix(1)) }
        }
        #expect(heads[0] == heads[1])
        // Outputs go by what they are asked for, also where both have as many.
        let turned = try network(5, seed: 2)
        turned.begin(with: known, outputs: [4, 3, 2, 1, 0])
        let c = turned.logits(x).values
        for pixel in 0..<64 { for output in 0..<5 { #expect(abs(c[pixel * 5 + output] - a[pixel * 5 + 4 - output]) < 1e-5) } }
        // The other one stays as it was.
        #expect(known.state.map(\.value.values) == (try network(5, seed: 1)).state.map(\.value.values))
    }

    @Test func `weights follow from the seed`() throws {
        for it in Self.trainings {
            let architecture = try it.architecture()
            func weights(_ seed: UInt64) -> [[Float]] { architecture.network(seed: seed).state.map(\.value.values) }
            #expect(weights(7) == weights(7))
            #expect(weights(7) != weights(8))
        }
    }

    @Test func `names of parameters are unique`() throws {
        for it in Self.trainings {
            let names = try it.architecture().network(seed: 0).state.map(\.name)
            #expect(Set(names).count == names.count)
        }
    }
}
