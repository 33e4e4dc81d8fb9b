import Checkpoints
import Foundation
import Tensors
import Volumes

/// The state of a training, from which it resumes: one safetensors file, which is replaced as a whole after each epoch.
struct TrainingState {
    var course: TrainingCourse
    var optimizer: AdamOptimizer
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
        for parameter in network.state { parameter.value = try tensor("now/\(parameter.name)", parameter.value.shape) }
        return TrainingState(
            course: course,
            optimizer: AdamOptimizer(
                states: moments, steps: course.epochs.count * settings.stepsPerEpoch, weightDecay: settings.weightDecay),
            best: best)
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
