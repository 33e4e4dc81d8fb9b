public import Foundation
public import Tensors

/// Trains a network, and goes on exactly where it was stopped.
///
/// What is drawn for a step follows from the seed and the step's number. After each epoch weights, moments and what is known of the course
/// are kept in a file; a training that was killed begins there, and ends with the same weights, bit by bit.
///
/// ```swift
/// let trainer = Trainer(network, loss: SegmentationLoss(.exclusive), settings: settings, examples: examples, state: file)
/// let result = try trainer.run(epoch: { print($0.loss) })
/// ```
public final class Trainer {
    /// What is known after an epoch.
    public struct Epoch: Hashable, Sendable, Codable {
        /// From 1 on.
        public let number: Int
        /// Mean over the epoch's steps.
        public let loss: Double
        public let learningRate: Double
        /// Of what is held out; nil where nothing is.
        public let validationLoss: Double?
        /// Dice of the thresholded or most probable classes over all that is held out; the mean over the classes that are looked for.
        public let validationDice: Double?
        public let seconds: Double
    }

    /// How a training ended.
    public enum End: Hashable, Sendable {
        /// After all epochs.
        case complete
        /// Validation did not get better for as many epochs as patience lasts.
        case early
        /// The loss was not finite in this step, from 1 on. The network is that of the best epoch before.
        case diverged(step: Int)
    }

    public struct Result {
        /// Where the loss on what is held out was least, or the last one.
        public let network: any Network
        /// The epoch it is of; 0 for the network as it began.
        public let epoch: Int
        public let epochs: [Epoch]
        public let end: End
    }

    private let network: any Network
    private let loss: SegmentationLoss
    private let settings: TrainingSettings
    private let examples: any TrainingExamples
    private let file: URL?
    private var course = TrainingCourse()
    private var optimizer: AdamOptimizer
    /// The best weights so far, in the order of the network's state.
    private var best: [Tensor]

    /// - Parameter state: where what is needed to go on is kept; nil for nowhere.
    public init(
        _ network: any Network, loss: SegmentationLoss, settings: TrainingSettings, examples: any TrainingExamples,
        state: URL? = nil
    ) {
        (self.network, self.loss, self.settings, self.examples, file) = (network, loss, settings, examples, state)
        optimizer = AdamOptimizer(network.parameters, weightDecay: settings.weightDecay)
        best = network.state.map(\.value)
    }

    /// - Parameters:
    ///   - progress: called after each step with the steps done.
    ///   - check: throws to stop; what was not kept yet is lost.
    ///   - epoch: called with each epoch, those of earlier runs first.
    /// - Throws: what the closures and examples throw; ``TrainingError`` where the loss is not finite before the first epoch has ended.
    public func run(
        progress: (Int) -> Void = { _ in }, check: () throws -> Void = {}, epoch: (Epoch) throws -> Void = { _ in }
    ) throws -> Result {
        if let file, let kept = try TrainingState.read(file, network: network, settings: settings) {
            (course, optimizer, best) = (kept.course, kept.optimizer, kept.best)
            for past in course.epochs { try epoch(past) }
        }
        while course.epochs.count < settings.epochs, !isPatienceOver {
            let start = ContinuousClock.now
            var total = 0.0
            for step in course.epochs.count * settings.stepsPerEpoch..<(course.epochs.count + 1) * settings.stepsPerEpoch {
                try check()
                let value = try learn(step)
                guard value.isFinite else { return try diverged(step + 1) }
                total += value
                progress(step + 1)
            }
            let (validationLoss, dice) = try validate(check)
            guard validationLoss?.isFinite ?? true else {
                return try diverged((course.epochs.count + 1) * settings.stepsPerEpoch)
            }
            let ended = Epoch(
                number: course.epochs.count + 1, loss: total / Double(settings.stepsPerEpoch),
                learningRate: rate((course.epochs.count + 1) * settings.stepsPerEpoch - 1), validationLoss: validationLoss,
                validationDice: dice, seconds: (ContinuousClock.now - start) / .seconds(1))
            course.add(ended)
            if course.best == ended.number { best = network.state.map(\.value) }
            if let file {
                try TrainingState(course: course, optimizer: optimizer, best: best).write(
                    file, network: network, settings: settings)
            }
            try epoch(ended)
        }
        return result(isPatienceOver && course.epochs.count < settings.epochs ? .early : .complete)
    }

    private var isPatienceOver: Bool { settings.patience > 0 && course.epochs.count - course.best >= settings.patience }

    private func rate(_ step: Int) -> Double { settings.schedule.rate(settings.learningRate, step: step, of: settings.steps) }

    /// One step; parameters stay as they are where the loss is not finite.
    private func learn(_ step: Int) throws -> Double {
        let batch = try examples.batch(step: step)
        let tape = Tape()
        let value = loss(network(Variable(batch.densities), on: tape), batch.labels, on: tape)
        let number = Double(value.value.values[0])
        guard number.isFinite else { return number }
        network.clearGradients()
        tape.backward(from: value)
        optimizer.step(network.parameters, learningRate: rate(step))
        return number
    }

    private func validate(_ check: () throws -> Void) throws -> (loss: Double?, dice: Double?) {
        guard examples.validationBatches > 0 else { return (nil, nil) }
        var total = 0.0
        var overlap = ClassOverlap(loss)
        for index in 0..<examples.validationBatches {
            try check()
            let batch = try examples.validationBatch(index)
            let logits = network.logits(batch.densities)
            total += Double(loss(Variable(logits), batch.labels, on: Tape(recording: false)).value.values[0])
            overlap.add(logits, batch.labels)
        }
        return (total / Double(examples.validationBatches), overlap.dice)
    }

    private func diverged(_ step: Int) throws -> Result {
        guard !course.epochs.isEmpty else {
            throw TrainingError(
                "the loss was not finite in step \(step), before anything was learned: lower the learning rate "
                    + "(\(settings.learningRate)), and look for voxels that are no numbers with `cellar doctor`")
        }
        return result(.diverged(step: step))
    }

    private func result(_ end: End) -> Result {
        for (parameter, value) in zip(network.state, best) { parameter.value = value }
        return Result(network: network, epoch: course.best, epochs: course.epochs, end: end)
    }
}

/// Adam, or with a weight decay AdamW, over the parameters of a network.
public struct AdamOptimizer {
    public let weightDecay: Double
    /// How many steps were taken.
    public private(set) var steps: Int
    /// Of each parameter, in the network's order.
    public private(set) var states: [AdamState]

    public init(_ parameters: [NetworkParameter], weightDecay: Double = 0) {
        self.init(states: parameters.map { AdamState(shape: $0.value.shape) }, steps: 0, weightDecay: weightDecay)
    }

    /// As it was after so many steps.
    init(states: [AdamState], steps: Int, weightDecay: Double) {
        (self.states, self.steps, self.weightDecay) = (states, steps, weightDecay)
    }

    /// Moves parameters against their gradients, and clears these.
    public mutating func step(_ parameters: [NetworkParameter], learningRate: Double) {
        steps += 1
        let step = AdamState.Step(number: steps, learningRate: learningRate, weightDecay: weightDecay)
        for (index, parameter) in parameters.enumerated() {
            guard let gradient = parameter.gradient else { continue }
            states[index].update(&parameter.value, gradient: gradient, step)
            parameter.gradient = nil
        }
    }
}
