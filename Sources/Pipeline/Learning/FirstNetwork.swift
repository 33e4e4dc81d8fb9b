import Basics
import Engine
import Training

/// The network with which the first round of training begins.
struct FirstNetwork {
    /// A model that finds the classes that are learned before it has learned anything here.
    struct Model {
        let name: String
        let network: any Network
        /// Of it as a network that finds these classes and no other.
        let description: NetworkDescription

        init(name: String, network: any Network, _ description: NetworkDescription) {
            (self.name, self.network, self.description) = (name, network, description)
        }

        /// With the outputs of each class.
        var teacher: TeacherNetwork {
            let names: [String?] = [nil] + description.classes
            let outputs = description.outputs.map { outputs in
                names.map { name in outputs.indices.filter { outputs[$0] == name } }
            }
            return TeacherNetwork(network: network, outputs: outputs)
        }
    }

    /// What is trained. Its weights are its own.
    let network: any Network
    /// The model that the training begins with; nil where it begins at random, or a class is new to the model.
    let model: Model?
}

extension NetworkDescription {
    /// The description of the same network where other classes than these are ground, as a step hands it on that trained nothing.
    ///
    /// - Parameter names: classes that the network knows.
    func finding(_ names: [String], handedOnBy step: String) -> NetworkDescription {
        func chosen<Value>(_ values: [Value]) -> [Value] {
            names.compactMap { name in classes.firstIndex(of: name).flatMap { values.indices.contains($0) ? values[$0] : nil } }
        }
        var description = self
        (description.step, description.classes) = (step, names)
        (description.epoch, description.round, description.members) = (0, 0, [])
        description.thresholds = thresholds.map(chosen)
        description.diametersInAngstroms = chosen(diametersInAngstroms)
        description.outputs = outputs?.map { $0.flatMap { names.contains($0) ? $0 : nil } }
        description.particles = nil
        return description
    }
}

extension Item where S.Outputs == TrainingOutputs {
    /// Trains the network of the first round, and gives it.
    ///
    /// A training that begins with a model which finds these classes already is compared with it, as later rounds are with the one before
    /// them (``PreparedTraining``): the model is kept as it is where training makes it no better. Labels that are few, or wrong, would else
    /// unlearn what the model knows. Then the metric `kept_round` is 0.
    ///
    /// Where pseudo-labels have none of what is learned, there is no network, and that is an answer (``TrainedNetwork/absence``): a step
    /// that also has a model goes on with the model alone. It is a failure where people made some of the labels, or named the class: then they
    /// meant something else.
    ///
    /// - Parameters:
    ///   - classes: that are learned.
    ///   - members: what teaches, with what people say of single particles.
    func trainFirst(
        _ first: FirstNetwork, classes: [String], members: [NetworkDescription.Member], _ prepare: () throws -> PreparedTraining
    ) throws {
        guard let model = first.model else {
            let training: PreparedTraining
            do {
                training = try prepare()
            } catch let error as PipelineError where error.code == .noneInLabels {
                guard members.allSatisfy(\.isSlab), classes.allSatisfy(PseudoLabels.classes.contains) else { throw error }
                return try giveNothing(error.message, classes: classes)
            }
            let result = try train(first.network, loss: training.loss, settings: training.settings, examples: training.examples)
            return try give(result, training.description(result))
        }
        try train(first.network, beyond: model.teacher, round: 1, tolerance: 0, prepare: prepare) { reason, result in
            record(RoundComparison.keptRound, 0)
            try give(\.network) { try TrainedNetwork.write(model.network, model.description, in: workspace(), to: $0) }
            let end = "\(reason), and \(model.name) was kept as it is"
            try give(\.course, TrainingSummary(result, classes: model.description.classes, end: end))
        }
    }
}
