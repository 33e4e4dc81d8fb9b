import Basics
import BlobStore
import Catalog
import CatalogSchema
import Checkpoints
import Engine
import Pipeline
public import Volumes

/// The network that is written, by the step that trained it.
public enum ExportedNetwork: ResultSource {
    /// The U-Net that segments tomograms.
    case membrane
    /// The network that finds particles.
    case particles

    public var step: String { self == .membrane ? TrainMembraneStep.name : TrainParticlesStep.name }
}

extension Project {
    /// Writes a trained network as the safetensors file that its artifact holds. The file's metadata says what the network is like, and
    /// what it was trained on.
    ///
    /// It is that of the last round of training that the recipe has and that has a result: the best so far.
    ///
    /// - Parameter name: of the training set: its name, or `id:N`.
    /// - Throws: `CatalogError` where there is no such set, or nothing was trained on it; `VolumeError` where the file cannot be
    ///   written.
    public func exportNetwork(trainedOn name: String, by source: ExportedNetwork, to output: OutputFile) throws -> Export {
        let set = try catalog.collection.trainingSet(named: name)
        return switch source {
        case .membrane:
            try exportLast(
                of: TrainMembraneStep.self, TrainMembrane2Step.self, TrainMembrane3Step.self, trainedOn: set, to: output)
        case .particles:
            try exportLast(
                of: TrainParticlesStep.self, TrainParticles2Step.self, TrainParticles3Step.self, trainedOn: set, to: output)
        }
    }

    /// Writes the network of the last of these rounds that the recipe has and that has a result.
    private func exportLast<First: TypedStep, Second: TypedStep, Third: TypedStep>(
        of first: First.Type, _ second: Second.Type, _ third: Third.Type, trainedOn set: TrainingSetRecord, to output: OutputFile
    ) throws -> Export
    where First.Outputs == TrainingOutputs, Second.Outputs == TrainingOutputs, Third.Outputs == TrainingOutputs {
        let rounds = TrainingRounds.count(in: try recipe())
        func isThere<S: TypedStep>(_ step: S.Type) throws -> Bool where S.Outputs == TrainingOutputs {
            try set.id.flatMap { try results().digest(step, \.network, scopeID: $0) } != nil
        }
        if rounds > 2, try isThere(third) { return try exportNetwork(of: third, trainedOn: set, to: output) }
        if rounds > 1, try isThere(second) { return try exportNetwork(of: second, trainedOn: set, to: output) }
        return try exportNetwork(of: first, trainedOn: set, to: output)
    }

    private func exportNetwork<S: TypedStep>(
        of step: S.Type, trainedOn set: TrainingSetRecord, to output: OutputFile
    ) throws -> Export where S.Outputs == TrainingOutputs {
        guard let id = set.id, let network = try results().content(step, \.network, scopeID: id) else {
            throw CatalogError(
                .invalid,
                "\(S.name) has no network for the training set \(set.name) at hand; `cellar training use \(set.name)` and `cellar run "
                    + "--until \(S.name)` train one")
        }
        guard network.absence == nil else {
            throw CatalogError(
                .invalid,
                "\(S.name) has no network, since the labels of the training set \(set.name) taught nothing; `cellar training add` chooses "
                    + "other slabs")
        }
        let file = try AtomicFile(output)
        try network.forEachPart { try file.write($0.span.bytes) }
        let tensors: [TensorEntry]
        do {
            tensors = try SafetensorsFile(path: file.temporaryPath).tensors
        } catch {
            throw CatalogError(
                .invalid,
                "the network of \(S.name) on \(set.name) is no sound safetensors file, and was not written (\(error.message)); "
                    + "`cellar verify --deep --repair` has it trained again where it is damaged")
        }
        try file.commit()
        return Export(
            contents: "\(tensors.count) tensors, classes \(try network.classes().sentence)",
            results: try provenance(of: S.name, trainedOn: set, id: id))
    }

    /// Which training the network is of, and whether it is fresh; nil where no tomogram is left to see it with.
    private func provenance(of step: String, trainedOn set: TrainingSetRecord, id: Int64) throws -> ExportedResults? {
        guard let tomogram = try select(where: "1")?.first else { return nil }
        return try ExportedResults(
            self, step: step, items: [.init(scopeID: id, label: set.name)], owner: "the training set \(set.name)",
            tomogramID: tomogram)
    }
}
