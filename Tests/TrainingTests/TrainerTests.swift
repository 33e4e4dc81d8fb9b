import Basics
import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing
import Volumes

@testable import Training

@Suite struct TrainerTests {
    /// Bright squares on noise; the labels are where they are.
    private struct Squares: TrainingExamples {
        var batchSize = 2
        var side = 16
        var depth = 1
        var validationBatches = 2
        /// In this step densities are no numbers.
        var brokenStep: Int?

        func batch(step: Int) throws -> TrainingBatch { try make(UInt64(step), isBroken: step == brokenStep) }
        func validationBatch(_ index: Int) throws -> TrainingBatch { try make(1_000_000 + UInt64(index), isBroken: false) }

        private func make(_ seed: UInt64, isBroken: Bool) throws -> TrainingBatch {
            let shape = try #require(VolumeShape(z: depth, y: side, x: side))
            return try TrainingBatch(
                (0..<batchSize).map { number in
                    var random = RandomStream(seed: seed, piece: number)
                    let (y0, x0) = (random.index(below: side - 6), random.index(below: side - 6))
                    var (densities, labels) = ([Float](), [UInt8]())
                    for voxel in 0..<shape.count {
                        let (y, x) = (voxel / side % side, voxel % side)
                        let isInside = y0..<y0 + 6 ~= y && x0..<x0 + 6 ~= x
                        densities.append(isBroken ? .nan : Float(random.normal() * 0.7) + (isInside ? 1.5 : 0))
                        labels.append(isInside ? 1 : 0)
                    }
                    return try TrainingPatch(shape: shape, densities: densities, labels: labels)
                })
        }
    }

    private struct Stop: Error {}

    private func network() throws -> UNet {
        UNet(try UNetArchitecture(dimensions: 2, classes: 2, width: 8, levels: 2), seed: 3)
    }

    private func settings(
        epochs: Int = 6, rate: Double = 0.01, patience: Int = 0, averaging: Double = 0
    ) throws -> TrainingSettings {
        try TrainingSettings(
            batch: 2, stepsPerEpoch: 5, epochs: epochs, learningRate: rate, weightDecay: 0.01, schedule: .oneCycle,
            patience: patience, averaging: averaging, seed: 5)
    }

    @Test func `a network by itself does on what is held out what its best epoch did, and nothing is known where nothing is`()
        throws
    {
        let loss = SegmentationLoss(.softmax)
        let result = try Trainer(network(), loss: loss, settings: settings(epochs: 4), examples: Squares()).run()
        let best = result.epochs[result.epoch - 1]
        let validation = try #require(try Validation(of: result.network, loss: loss, on: Squares()))
        #expect(try abs(validation.loss - #require(best.validationLoss)) < 1e-6)
        #expect(validation.dice == best.validationDice && validation.thresholds == best.thresholds)
        // Of all thresholds, one half is one. A probability of exactly that may be decided either way.
        let (dice, most) = (try #require(validation.dice), try #require(validation.bestDice))
        #expect(most > dice - 0.01 && most <= 1)
        #expect(try Validation(of: result.network, loss: loss, on: Squares(validationBatches: 0)) == nil)
    }

    @Test func `outputs that are parts of one class are joined so that their probabilities add up`() throws {
        let logits = Tensor(shape: [2, 3, 5], values: (0..<30).map { Float(($0 * 37) % 29) * 0.7 - 10 })
        let joined = SegmentationLoss.OutputActivation.softmax.probabilities(logits.joined([[0, 3], [4], [1, 2]])).values
        let each = SegmentationLoss.OutputActivation.softmax.probabilities(logits).values
        for voxel in 0..<6 {
            for (index, part) in [[0, 3], [4], [1, 2]].enumerated() {
                let sum = part.reduce(Float(0)) { $0 + each[voxel * 5 + $1] }
                #expect(abs(joined[voxel * 3 + index] - sum) < 1e-5)
            }
        }
    }

    @Test func `a network learns, and what is held out says so`() throws {
        let result = try Trainer(
            network(), loss: SegmentationLoss(.softmax), settings: settings(epochs: 12), examples: Squares()
        )
        .run()
        #expect(result.end == .complete && result.epochs.count == 12)
        let (first, last) = (try #require(result.epochs.first), try #require(result.epochs.last))
        #expect(last.loss < first.loss)
        #expect(try #require(result.epochs[result.epoch - 1].validationDice) > 0.9)
    }

    @Test(arguments: [1, 4, 9, 14, 23], [0, 0.9]) func `a training that is stopped and begun again ends with the same weights`(
        stop: Int, averaging: Double
    ) throws {
        func settings() throws -> TrainingSettings { try self.settings(averaging: averaging) }
        let folder = try TemporaryDirectory()
        let file = URL(fileURLWithPath: folder.path).appending(path: "state.safetensors")
        let whole = try Trainer(network(), loss: SegmentationLoss(.softmax), settings: settings(), examples: Squares()).run()
        var steps = 0
        // Stopped twice, at any step; the second time it has another number of steps to go.
        for _ in 0..<2 {
            steps = 0
            _ = try? Trainer(
                network(), loss: SegmentationLoss(.softmax), settings: settings(), examples: Squares(), state: file
            ).run(check: {
                steps += 1
                if steps > stop { throw Stop() }
            })
        }
        var seen: [Int] = []
        let resumed = try Trainer(
            network(), loss: SegmentationLoss(.softmax), settings: settings(), examples: Squares(), state: file
        ).run(epoch: { seen.append($0.number) })
        #expect(resumed.network.state.map(\.value.values) == whole.network.state.map(\.value.values))
        #expect(resumed.epochs.map(\.loss) == whole.epochs.map(\.loss))
        #expect(seen == Array(1...6))
        #expect(resumed.epoch == whole.epoch)
    }

    @Test func `the averages of weights are kept, and move with them`() throws {
        // The decay of the steps 1 to 5: min(0.5, step / (step + 9)).
        let settings = try TrainingSettings(
            batch: 2, stepsPerEpoch: 1, epochs: 5, learningRate: 0.01, averaging: 0.5, seed: 5)
        var expected = try network().state.flatMap(\.value.values)
        for step in 1...5 {
            var plain = settings
            (plain.averaging, plain.epochs) = (0, step)
            let now = try Trainer(
                network(), loss: SegmentationLoss(.softmax), settings: plain, examples: Squares(validationBatches: 0)
            ).run().network.state.flatMap(\.value.values)
            let share = Float(1 - min(0.5, Double(step) / Double(step + 9)))
            for index in expected.indices { expected[index] += share * (now[index] - expected[index]) }
        }
        let average = try Trainer(
            network(), loss: SegmentationLoss(.softmax), settings: settings, examples: Squares(validationBatches: 0)
        ).run().network.state.flatMap(\.value.values)
        #expect(zip(average, expected).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
    }

    @Test(arguments: [SegmentationLoss.OutputActivation.softmax, .sigmoid], 1...5 as ClosedRange<UInt64>)
    func `thresholds are those with the best Dice score`(activation: SegmentationLoss.OutputActivation, seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        let (outputs, voxels) = (3, 400)
        let values = (0..<voxels * outputs).map { _ in Float(random.unit()) }
        let first = activation == .softmax ? 0 : 1
        let labels = (0..<voxels).map { voxel in
            random.unit() < 0.1
                ? TrainingPatch.ignored
                : UInt8((0..<outputs).max { values[voxel * outputs + $0] < values[voxel * outputs + $1] } ?? 0) + UInt8(first)
        }
        var search = ClassThresholds(SegmentationLoss(activation))
        search.add(Tensor(shape: [voxels, outputs], values: values), labels)
        let classes = activation == .softmax ? 1..<outputs : 0..<outputs
        #expect(search.thresholds.count == classes.count)
        for ((output, found), score) in zip(zip(classes, search.thresholds), search.scores) {
            func dice(_ threshold: Double) -> Double {
                var (common, decided, labelled) = (0, 0, 0)
                for voxel in 0..<voxels where labels[voxel] != TrainingPatch.ignored {
                    let isDecided = Int(values[voxel * outputs + output] * 100) >= Int((threshold * 100).rounded())
                    let isLabelled = Int(labels[voxel]) == output + first
                    (decided, labelled) = (decided + (isDecided ? 1 : 0), labelled + (isLabelled ? 1 : 0))
                    if isDecided, isLabelled { common += 1 }
                }
                return 2 * Double(common) / Double(decided + labelled)
            }
            let best = (10...90).map { dice(Double($0) / 100) }.max() ?? 0
            #expect(abs(dice(found) - best) < 1e-12)
            #expect(try abs(#require(score) - best) < 1e-12)
        }
        #expect(ClassThresholds(SegmentationLoss(activation)).thresholds.isEmpty)
    }

    @Test func `weights do not depend on the number of threads`() throws {
        // Other tests may change the number meanwhile; the result is the same all the same.
        func weights(_ threads: Int) throws -> [[Float]] {
            let before = Threads.count
            Threads.count = threads
            defer { Threads.count = before }
            return try Trainer(network(), loss: SegmentationLoss(.softmax), settings: settings(epochs: 2), examples: Squares())
                .run().network.state.map(\.value.values)
        }
        #expect(try weights(1) == weights(3))
    }

    @Test func `a loss that is no number ends the training with the best network before`() throws {
        let good = try Trainer(network(), loss: SegmentationLoss(.softmax), settings: settings(), examples: Squares()).run()
        let result = try Trainer(
            network(), loss: SegmentationLoss(.softmax), settings: settings(), examples: Squares(brokenStep: 12)
        ).run()
        #expect(result.end == .diverged(step: 13))
        #expect(result.epochs.map(\.loss) == good.epochs.prefix(2).map(\.loss))
        #expect(result.network.state.allSatisfy { $0.value.values.allSatisfy(\.isFinite) })
        #expect(throws: TrainingError.self) {
            try Trainer(network(), loss: SegmentationLoss(.softmax), settings: settings(), examples: Squares(brokenStep: 2))
                .run()
        }
    }

    @Test func `training ends early when validation does not get better`() throws {
        // A rate at which nothing is learned any more.
        let result = try Trainer(
            network(), loss: SegmentationLoss(.softmax),
            settings: TrainingSettings(
                batch: 2, stepsPerEpoch: 1, epochs: 300, learningRate: 0.05, patience: 4, seed: 1), examples: Squares()
        ).run()
        #expect(result.end == .early)
        #expect(result.epochs.count == result.epoch + 4)
        let losses = result.epochs.compactMap(\.validationLoss)
        #expect(losses.min() == losses[result.epoch - 1])
    }

    @Test func `a checkpoint gives the network back, and no other`() throws {
        let folder = try TemporaryDirectory()
        let path = "\(folder.path)/network.safetensors"
        for architecture in [
            NetworkArchitecture.unet(
                try UNetArchitecture(dimensions: 3, classes: 3, width: 4, levels: 2, normalization: .group(2))),
            .picker(try PickerArchitecture(width: 4)),
        ] {
            let network = architecture.network(seed: 9)
            try NetworkCheckpoint.write(network, to: path, metadata: ["cellar.seed": "9"])
            let read = try NetworkCheckpoint.read(path)
            #expect(read.architecture == architecture)
            #expect(read.state.map(\.value.values) == network.state.map(\.value.values))
            #expect(try NetworkCheckpoint.metadata(of: path)["cellar.seed"] == "9")
            let other = NetworkArchitecture.unet(try UNetArchitecture(dimensions: 2, classes: 2, width: 4, levels: 2))
            #expect(throws: TrainingError.self) { try NetworkCheckpoint.read(path, expecting: other) }
        }
    }

    @Test func `files of other networks are refused`() throws {
        let folder = try TemporaryDirectory()
        let path = "\(folder.path)/network.safetensors"
        func write(_ architecture: String?, _ shape: [Int], _ value: Float = 0) throws {
            let writer = try SafetensorsWriter(
                .scratch(path), tensors: [.init("head.weight", shape)],
                metadata: architecture.map { ["cellar.architecture": $0] } ?? [:])
            try writer.write(Tensor(shape: shape, repeating: value), named: "head.weight")
            try writer.finish()
        }
        let known = try NetworkCheckpoint.json(
            NetworkArchitecture.unet(UNetArchitecture(dimensions: 2, classes: 2, width: 4, levels: 1)))
        for text in [
            nil, "", "{}", "[1]", "{\"unet\":{}}", known.replacing("\"width\":4", with: "\"width\":100000"),
            known.replacing("\"levels\":1", with: "\"levels\":-1"), known,
        ] {
            try write(text, [2, 4, 1, 1, 1])
            #expect(throws: (any Error).self) { try NetworkCheckpoint.read(path) }
        }
        let network = UNet(try UNetArchitecture(dimensions: 2, classes: 2, width: 4, levels: 1), seed: 0)
        network.parameters[0].value = Tensor(shape: network.parameters[0].value.shape, repeating: .nan)
        try NetworkCheckpoint.write(network, to: path)
        #expect(throws: TrainingError.self) { try NetworkCheckpoint.read(path) }
    }
}
