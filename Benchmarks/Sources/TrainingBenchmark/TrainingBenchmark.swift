import Basics
import BenchmarkSupport
import Tensors
import Training

/// Measures steps of training and inference of U-Nets and of the picker; weights and patches are random.
///
///     training-benchmark [RUNS]
@main
enum TrainingBenchmark {
    static func main() throws {
        let runs = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 5 : 5
        print("\(Threads.count) threads")
        for (name, dimensions, levels, shape) in [
            ("3-D, 64³", 3, 4, [1, 64, 64, 64, 1]), ("2-D, 512²", 2, 5, [1, 1, 512, 512, 1]),
        ] {
            let architecture = NetworkArchitecture.unet(
                try UNetArchitecture(dimensions: dimensions, classes: 2, width: 32, levels: levels))
            measure("U-Net of 32 channels, \(levels) levels, \(name)", architecture, shape, SegmentationLoss(.softmax), runs)
        }
        measure(
            "picker of 24 channels, 72³", .picker(try PickerArchitecture()), [1, 72, 72, 72, 1],
            SegmentationLoss(.sigmoid, crossEntropyWeight: 0), max(runs / 2, 1))
        Report.row("peak resident memory", "\(Report.text(Double(ProcessUse.peakResidentBytes) / 1e6, 0)) MB")
    }

    private static func measure(
        _ what: String, _ architecture: NetworkArchitecture, _ shape: [Int], _ loss: SegmentationLoss, _ runs: Int
    ) {
        let network = architecture.network(seed: 1)
        var random = RandomStream(seed: 2)
        let count = shape.reduce(1, *)
        let x = Tensor(shape: shape, values: (0..<count).map { _ in Float(random.normal()) })
        let labels = (0..<count).map { _ in UInt8(random.unit() > 0.7 ? 1 : 0) }
        var optimizer = AdamOptimizer(network.parameters, weightDecay: 0.01)
        median("\(what), training step", runs) {
            let tape = Tape()
            tape.backward(from: loss(network(Variable(x), on: tape), labels, on: tape))
            optimizer.step(network.parameters, learningRate: 1e-3)
        }
        median("\(what), inference", runs) { _ = network.logits(x) }
    }

    private static func median(_ what: String, _ runs: Int, _ body: () -> Void) {
        body()
        let uses = (0..<runs).map { _ in ProcessUse.measure(body) }
        let (wall, processor) = (Report.median(uses.map(\.seconds)) * 1e3, Report.median(uses.map(\.processorSeconds)) * 1e3)
        Report.row("\(what), median of \(runs)", "\(Report.text(wall, 0)) ms, processor \(Report.text(processor, 0)) ms")
    }
}
