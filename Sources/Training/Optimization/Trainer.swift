import Basics
public import Foundation
public import Tensors

/// Trains a network, and resumes an interrupted training after its last complete epoch.
///
/// The patches of a step follow from the seed and the step's number. After each epoch the weights, the moments of Adam and the
/// losses of all epochs are saved in a file. A training that was killed resumes there, and ends with the same weights in every
/// bit.
///
/// ```swift
/// let trainer = Trainer(network, loss: SegmentationLoss(.softmax), settings: settings, examples: examples, state: file)
/// let result = try trainer.run(epoch: { print($0.loss) })
/// ```
public final class Trainer {
    /// The results of an epoch.
    public struct Epoch: Hashable, Sendable, Codable {
        /// The epoch's number, from 1 on.
        public let number: Int
        /// The mean training loss over the epoch's steps.
        public let loss: Double
        /// The learning rate of the epoch's last step.
        public let learningRate: Double
        /// The mean loss over the validation batches; nil if nothing is held out.
        public let validationLoss: Double?
        /// The Dice score of the network's decisions over all validation batches, averaged over the foreground classes
        /// (``ClassOverlap/dice``); nil if nothing is held out, or no foreground class has a voxel.
        public let validationDice: Double?
        /// For each foreground class the threshold with the best Dice score over the validation batches (``ClassThresholds``); nil if
        /// nothing is held out.
        public let thresholds: [Double]?
        /// Wall-clock time, validation included.
        public let seconds: Double
    }

    /// How a training ended.
    public enum End: Hashable, Sendable {
        /// After all epochs.
        case complete
        /// Early stopping: the validation loss did not fall for ``TrainingSettings/patience`` epochs.
        case early
        /// The loss was not finite in this step, counted from 1. The network is that of the best epoch before.
        case diverged(step: Int)
    }

    /// The trained network and the course of its training.
    public struct Result {
        /// The network with the weights of the epoch with the lowest validation loss, or of the last epoch if nothing is held
        /// out; averaged over steps where the settings say so.
        public let network: any Network
        /// The number of that epoch; 0 for the initial weights.
        public let epoch: Int
        /// All epochs, those of earlier runs included.
        public let epochs: [Epoch]
        public let end: End

        /// The thresholds of the foreground classes with the best Dice score on what was held out; nil if nothing was.
        public var thresholds: [Double]? { epoch > 0 ? epochs[epoch - 1].thresholds : nil }
    }

    private let network: any Network
    private let loss: SegmentationLoss
    private let settings: TrainingSettings
    private let examples: any TrainingExamples
    private let file: URL?
    private var course = TrainingCourse()
    private var optimizer: AdamOptimizer
    /// The averages of weights and buffers over steps, in the order of the network's state; nil where they are not averaged.
    private var average: [Tensor]?
    /// The weights and buffers of the best epoch so far, in the order of the network's state.
    private var best: [Tensor]

    /// - Parameters:
    ///   - network: the network, which is trained in place.
    ///   - state: the file that holds the state of the training; nil saves nothing, so that the training cannot resume.
    public init(
        _ network: any Network, loss: SegmentationLoss, settings: TrainingSettings, examples: any TrainingExamples,
        state: URL? = nil
    ) {
        (self.network, self.loss, self.settings, self.examples, file) = (network, loss, settings, examples, state)
        optimizer = AdamOptimizer(network.parameters, weightDecay: settings.weightDecay)
        average = settings.averaging > 0 ? network.state.map(\.value) : nil
        best = network.state.map(\.value)
    }

    /// Trains the network until all epochs are done, patience is over, or the loss is not finite.
    ///
    /// - Parameters:
    ///   - progress: called after each step with the number of steps done since the beginning of the training.
    ///   - check: called before each step and each validation batch; throws to stop. Steps since the last complete epoch are
    ///     lost.
    ///   - epoch: called with each epoch, those of earlier runs first.
    /// - Throws: What the closures and examples throw; ``CheckpointError`` if the state cannot be read or written;
    ///   ``TrainingError`` if the loss is not finite before the first epoch has ended.
    public func run(
        progress: (Int) -> Void = { _ in }, check: () throws -> Void = {}, epoch: (Epoch) throws -> Void = { _ in }
    ) throws -> Result {
        if let file, let kept = try TrainingState.read(file, network: network, settings: settings) {
            (course, optimizer, average, best) = (kept.course, kept.optimizer, kept.average, kept.best)
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
            let (validationLoss, dice, thresholds) = try withAverage { try validate(check) }
            guard validationLoss?.isFinite ?? true else {
                return try diverged((course.epochs.count + 1) * settings.stepsPerEpoch)
            }
            let ended = Epoch(
                number: course.epochs.count + 1, loss: total / Double(settings.stepsPerEpoch),
                learningRate: rate((course.epochs.count + 1) * settings.stepsPerEpoch - 1), validationLoss: validationLoss,
                validationDice: dice, thresholds: thresholds, seconds: (ContinuousClock.now - start) / .seconds(1))
            course.add(ended)
            if course.best == ended.number { best = average ?? network.state.map(\.value) }
            if let file {
                try TrainingState(course: course, optimizer: optimizer, average: average, best: best).write(
                    file, network: network, settings: settings)
            }
            try epoch(ended)
        }
        return result(isPatienceOver && course.epochs.count < settings.epochs ? .early : .complete)
    }

    private var isPatienceOver: Bool { settings.patience > 0 && course.epochs.count - course.best >= settings.patience }

    private func rate(_ step: Int) -> Double { settings.schedule.rate(settings.learningRate, step: step, of: settings.steps) }

    /// One step: forward and backward pass, then the optimizer. Returns the loss; if it is not finite, no parameter changes.
    private func learn(_ step: Int) throws -> Double {
        let batch = try examples.batch(step: step)
        let tape = Tape()
        let value = loss(network(Variable(batch.densities), on: tape), batch.labels, on: tape)
        let number = Double(value.value.values[0])
        guard number.isFinite else { return number }
        network.clearGradients()
        tape.backward(from: value)
        optimizer.step(network.parameters, learningRate: rate(step))
        addToAverage(step)
        return number
    }

    /// Moves the averages towards the weights. The decay rises with the number of steps, so that the first weights, which are random, are
    /// soon forgotten.
    private func addToAverage(_ step: Int) {
        guard average != nil else { return }
        let share = Float(1 - min(settings.averaging, Double(step + 1) / Double(step + 10)))
        for (index, parameter) in network.state.enumerated() {
            parameter.value.withUnsafeBufferPointer { now in
                average?[index].withUnsafeMutableBufferPointer { average in
                    for place in average.indices { average[place] += share * (now[place] - average[place]) }
                }
            }
        }
    }

    /// Calls a closure while the network has its averaged weights, where there are any.
    private func withAverage<Value>(_ body: () throws -> Value) rethrows -> Value {
        guard let average else { return try body() }
        let now = network.state.map(\.value)
        for (parameter, value) in zip(network.state, average) { parameter.value = value }
        defer { for (parameter, value) in zip(network.state, now) { parameter.value = value } }
        return try body()
    }

    private func validate(_ check: () throws -> Void) throws -> (loss: Double?, dice: Double?, thresholds: [Double]?) {
        let validation = try Validation(of: network, loss: loss, on: examples, check: check)
        return (validation?.loss, validation?.dice, validation?.thresholds)
    }

    private func diverged(_ step: Int) throws -> Result {
        guard !course.epochs.isEmpty else {
            throw TrainingError(
                .diverged,
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

/// The optimizer of a network's parameters: Adam, or AdamW with a weight decay above 0 (see ``AdamState``).
public struct AdamOptimizer {
    public let weightDecay: Double
    /// The number of steps taken.
    public private(set) var steps: Int
    /// The moments of each parameter, in the network's order.
    public private(set) var states: [AdamState]

    /// An optimizer before its first step, with all moments 0.
    public init(_ parameters: [NetworkParameter], weightDecay: Double = 0) {
        self.init(states: parameters.map { AdamState(shape: $0.value.shape) }, steps: 0, weightDecay: weightDecay)
    }

    /// An optimizer in the state after a number of steps.
    init(states: [AdamState], steps: Int, weightDecay: Double) {
        (self.states, self.steps, self.weightDecay) = (states, steps, weightDecay)
    }

    /// Updates the parameters by one step, and clears their gradients. Parameters without a gradient stay as they are.
    ///
    /// - Parameter parameters: those that the optimizer was created with, in the same order.
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
