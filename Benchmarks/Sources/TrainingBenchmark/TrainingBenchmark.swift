import Basics
import BenchmarkSupport
import Tensors
import Training
import Volumes

/// Measures steps of training and inference of U-Nets and of the picker; weights and patches are random.
///
///     training-benchmark [RUNS [WORDS]]
///
/// With words, only what has them in its name is measured: `training-benchmark 5 "2-D, 512², inference"`.
@main
enum TrainingBenchmark {
    /// The recipe's default of `train-membrane.patch.augmentation`.
    private static let usual =
        "rotation 0.5 -180..180, zoom 0.3 0.75..1.35, noise 0.4 0..0.7, blur 0.3 0.3..1.2, spectrum 0.3 0.1..0.4, "
        + "wedge 0.2 40..70, contrast 0.5 0.7..1.4, brightness 0.3 -0.2..0.2, gamma 0.2 0.7..1.4, gradient 0.2 0..0.5, blank 0.2 0.05..0.25"

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
        try measureAugmented(runs)
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

    /// The default network of membranes, with patches that are drawn and changed as by default.
    private static func measureAugmented(_ runs: Int) throws {
        guard let shape = VolumeShape(z: 32, y: 512, x: 512), let patch = VolumeShape(z: 1, y: 256, x: 256),
            let box = Box(z: 0..<32, y: 0..<512, x: 0..<512)
        else { return }
        var random = RandomStream(seed: 2)
        let noise = (0..<shape.count).map { _ in Float(random.normal()) }
        let labels = noise.map { UInt8($0 > 0.5 ? 1 : 0) }
        let volume = try PatchVolume(shape: shape, mean: 0, standardDeviation: 1) { part($0, of: noise, shape) }
        let region = LabelledRegion(volume: 0, box: box, foreground: .particles([])) { part($0, of: labels, shape) }
        let sampler = try PatchSampler(volumes: [volume], regions: [region], shape: patch, context: 2, foregroundShare: 0)
        func examples(_ augmentations: Augmentations) -> PatchExamples {
            PatchExamples(
                training: sampler, heldOut: nil, orientations: Orientation.plane, augmentations: augmentations, batch: 4,
                validationBatches: 1, seed: 3)
        }
        let architecture = NetworkArchitecture.unet(
            try UNetArchitecture(dimensions: 2, classes: 2, width: 32, levels: 4, context: 2))
        let network = architecture.network(seed: 1)
        var optimizer = AdamOptimizer(network.parameters, weightDecay: 0.01)
        let loss = SegmentationLoss(.softmax)
        for (name, augmentations) in [("none", Augmentations()), ("all", try Augmentations(parsing: usual))] {
            let examples = examples(augmentations)
            // Several steps at a time, since which changes a step makes is drawn.
            var (step, failure) = (0, (any Error)?.none)
            median("2.5-D, 4 patches of 256², ten steps, augmentations: \(name)", runs) {
                for _ in 0..<10 {
                    do {
                        let batch = try examples.batch(step: step)
                        let tape = Tape()
                        tape.backward(from: loss(network(Variable(batch.densities), on: tape), batch.labels, on: tape))
                        optimizer.step(network.parameters, learningRate: 1e-3)
                    } catch { failure = error }
                    step += 1
                }
            }
            if let failure { throw failure }
        }
    }

    /// A box of values `[z][y][x]`.
    private static func part<Value>(_ box: Box, of values: [Value], _ shape: VolumeShape) -> [Value] {
        var part: [Value] = []
        for z in box.z {
            for y in box.y {
                let row = (z * shape.y + y) * shape.x
                part += values[row + box.x.lowerBound..<row + box.x.upperBound]
            }
        }
        return part
    }

    private static func median(_ what: String, _ runs: Int, _ body: () -> Void) {
        guard CommandLine.arguments.count < 3 || what.contains(CommandLine.arguments[2]) else { return }
        body()
        let uses = (0..<runs).map { _ in ProcessUse.measure(body) }
        let (wall, processor) = (Report.median(uses.map(\.seconds)) * 1e3, Report.median(uses.map(\.processorSeconds)) * 1e3)
        Report.row("\(what), median of \(runs)", "\(Report.text(wall, 0)) ms, processor \(Report.text(processor, 0)) ms")
    }
}
