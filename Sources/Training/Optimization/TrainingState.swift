import Checkpoints
import Foundation
import Tensors
import Volumes

/// The state of a training, from which it resumes: one safetensors file, which is replaced as a whole after each epoch.
struct TrainingState {
    var course: TrainingCourse
    var optimizer: AdamOptimizer
    /// The averages of weights and buffers, in the order of the network's state; nil where they are not averaged.
    var average: [Tensor]?
    /// The weights and buffers of the best epoch so far, in the order of the network's state.
    var best: [Tensor]

    private static let courseKey = "cellar.course"
    private static let settingsKey = "cellar.settings"

    /// Writes the state, and the network's current weights.
    ///
    /// - Throws: ``CheckpointError`` if the file cannot be written.
    func write(_ file: URL, network: any Network, settings: TrainingSettings) throws {
        let state = network.state
        var tensors: [(name: String, value: Tensor)] = []
        for (index, parameter) in network.parameters.enumerated() {
            tensors.append(("mean/\(parameter.name)", optimizer.states[index].means))
            tensors.append(("square/\(parameter.name)", optimizer.states[index].squares))
        }
        for (index, parameter) in state.enumerated() {
            tensors.append(("now/\(parameter.name)", parameter.value))
            tensors.append(("best/\(parameter.name)", best[index]))
            if let average { tensors.append(("average/\(parameter.name)", average[index])) }
        }
        let writer = try SafetensorsWriter(
            OutputFile(file.path, replacing: true, protecting: .none), tensors: tensors.map { .init($0.name, $0.value.shape) },
            metadata: [
                Self.courseKey: NetworkCheckpoint.json(course), Self.settingsKey: NetworkCheckpoint.json(settings),
                NetworkCheckpoint.architectureKey: NetworkCheckpoint.json(network.architecture),
            ])
        for (name, value) in tensors { try writer.write(value, named: name) }
        try writer.finish()
    }

    /// Restores the weights of the network and returns the rest of the state; nil if there is no file, or if it belongs to a
    /// training with other settings or another architecture.
    ///
    /// - Throws: ``CheckpointError`` if the file is damaged. An interrupted write is no cause: a file gets its name only when it
    ///   is complete.
    static func read(_ file: URL, network: any Network, settings: TrainingSettings) throws -> TrainingState? {
        // Only ENOENT counts as no file. If a file exists but cannot be read, a new start would lose hours of training: opening it
        // below throws the reason instead.
        guard access(file.path, F_OK) == 0 || errno != ENOENT else { return nil }
        let checkpoint = try Checkpoint(path: file.path)
        let metadata = checkpoint.files.first?.metadata ?? [:]
        guard metadata[settingsKey] == (try NetworkCheckpoint.json(settings)),
            metadata[NetworkCheckpoint.architectureKey] == (try NetworkCheckpoint.json(network.architecture)),
            let course = try metadata[courseKey].map({ try JSONDecoder().decode(TrainingCourse.self, from: Data($0.utf8)) })
        else { return nil }
        /// Copied, since the next epoch replaces the file.
        func tensor(_ name: String, _ shape: [Int]) throws -> Tensor {
            let value = try checkpoint.tensor(named: name, expecting: shape)
            return Tensor(shape: shape, values: value.values)
        }
        let moments = try network.parameters.map { parameter in
            try AdamState(
                means: tensor("mean/\(parameter.name)", parameter.value.shape),
                squares: tensor("square/\(parameter.name)", parameter.value.shape))
        }
        let best = try network.state.map { try tensor("best/\($0.name)", $0.value.shape) }
        let average = settings.averaging > 0 ? try network.state.map { try tensor("average/\($0.name)", $0.value.shape) } : nil
        for parameter in network.state { parameter.value = try tensor("now/\(parameter.name)", parameter.value.shape) }
        return TrainingState(
            course: course,
            optimizer: AdamOptimizer(
                states: moments, steps: course.epochs.count * settings.stepsPerEpoch, weightDecay: settings.weightDecay),
            average: average, best: best)
    }
}

/// The epochs of a training so far, and the number of the best one.
struct TrainingCourse: Hashable, Sendable, Codable {
    private(set) var epochs: [Trainer.Epoch] = []
    /// The number of the epoch with the lowest validation loss; the last epoch if nothing is held out; 0 before the first.
    private(set) var best = 0

    mutating func add(_ epoch: Trainer.Epoch) {
        epochs.append(epoch)
        let least = best > 0 ? epochs[best - 1].validationLoss : nil
        guard let loss = epoch.validationLoss, let least, loss >= least else {
            best = epoch.number
            return
        }
    }
}

/// The settings of a training.
public struct TrainingSettings: Hashable, Sendable, Codable {
    /// The number of patches of a step.
    public var batch: Int
    /// The number of steps after which the network is validated and the state of the training is saved.
    public var stepsPerEpoch: Int
    /// The number of epochs at most.
    public var epochs: Int
    /// The learning rate that ``schedule`` scales.
    public var learningRate: Double
    /// The weight decay of AdamW; 0 for Adam.
    public var weightDecay: Double
    public var schedule: LearningRateSchedule
    /// The number of epochs without a lower validation loss after which the training ends; 0 for never.
    public var patience: Int
    /// The decay of the moving averages of weights and running moments, which are validated and kept in the place of the weights
    /// themselves: a ← averaging · a + (1 − averaging) · weights after each step; 0 for no averages.
    public var averaging: Double
    /// The seed of the initial weights and of the patches of each step.
    public var seed: UInt64

    /// - Throws: ``TrainingError`` unless the batch is in 1 … 1024, the steps in 1 … 1,000,000, epochs and patience in 0 …
    ///   1,000,000, the learning rate above 0 and at most 10, the weight decay in 0 … 10, and the averaging from 0 to less than 1.
    public init(
        batch: Int, stepsPerEpoch: Int, epochs: Int, learningRate: Double, weightDecay: Double = 0,
        schedule: LearningRateSchedule = .constant, patience: Int = 0, averaging: Double = 0, seed: UInt64 = 0
    ) throws(TrainingError) {
        guard 1...1024 ~= batch, 1...1_000_000 ~= stepsPerEpoch, 0...1_000_000 ~= epochs, 0...1_000_000 ~= patience else {
            throw TrainingError(
                "no training has \(batch) patches a step, \(stepsPerEpoch) steps an epoch, \(epochs) epochs and a patience of \(patience); "
                    + "give 1 to 1024, 1 to 1000000, 0 to 1000000 and 0 to 1000000")
        }
        guard learningRate > 0, learningRate <= 10, (0...10).contains(weightDecay), (0..<1).contains(averaging) else {
            throw TrainingError(
                "a learning rate of \(learningRate), a weight decay of \(weightDecay) or an averaging of \(averaging) is out of range; "
                    + "give above 0 to 10, 0 to 10, and 0 to less than 1")
        }
        (self.batch, self.stepsPerEpoch, self.epochs) = (batch, stepsPerEpoch, epochs)
        (self.learningRate, self.weightDecay, self.schedule) = (learningRate, weightDecay, schedule)
        (self.patience, self.averaging, self.seed) = (patience, averaging, seed)
    }

    /// The number of steps of the whole training.
    public var steps: Int { stepsPerEpoch * epochs }
}

/// The learning rate as a function of t = step / steps.
public enum LearningRateSchedule: String, Hashable, Sendable, Codable, CaseIterable {
    case constant
    /// rate · (1 − t)^0.9 (nnU-Net).
    case polynomial
    /// rate · (1 + cos πt) / 2: half a cosine, from the rate to 0.
    case cosine
    /// Up from rate / 25 to the rate in three tenths of the steps, then down to rate / 250,000, both along half a cosine (Smith
    /// and Topin, 2019; equal to PyTorch's OneCycleLR).
    case oneCycle = "one-cycle"

    /// The learning rate of a step.
    ///
    /// - Parameters:
    ///   - rate: the highest learning rate.
    ///   - step: the number of the step, from 0 on.
    ///   - steps: the number of steps of the whole training.
    public func rate(_ rate: Double, step: Int, of steps: Int) -> Double {
        let t = Double(step) / Double(max(steps, 1))
        switch self {
        case .constant: return rate
        case .polynomial: return rate * pow(max(1 - t, 0), 0.9)
        case .cosine: return rate * (1 + cos(.pi * min(t, 1))) / 2
        case .oneCycle:
            let rise = 0.3 * Double(steps) - 1
            let (first, last) = (rate / 25, rate / 250_000)
            let step = Double(step)
            if step <= rise { return Self.annealed(from: first, to: rate, rise > 0 ? step / rise : 1) }
            return Self.annealed(from: rate, to: last, min((step - rise) / max(Double(steps) - 1 - rise, 1), 1))
        }
    }

    /// Half a cosine from one value at t = 0 to the other at t = 1.
    private static func annealed(from: Double, to: Double, _ t: Double) -> Double { to + (from - to) / 2 * (1 + cos(.pi * t)) }
}
