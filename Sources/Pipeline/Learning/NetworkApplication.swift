import Basics
import CatalogSchema
import Engine
import Foundation
import Tensors
import Training
import Volumes

/// Which networks a step applies to a tomogram.
enum NetworkChoice: String, CaseIterable, Sendable {
    /// The one that the current training set taught. Without a training set, the step has no items.
    case trained
    /// The model that the recipe names: one that is there before anything was picked.
    case builtin
    /// Both, averaged; the model alone as long as there is no training set, and where its labels taught nothing.
    case both
}

/// Networks and the tomogram, or the slices of one, that they are applied to: what ``SegmentStep``, ``PickStep`` and
/// ``ModelLabelsStep`` declare and open alike.
///
/// Several networks are averaged, class by class: what a network does not know, the others decide. A tomogram of another voxel size than a
/// network's is scaled while it is read, and so is what the network says of it (``VoxelScale``).
struct NetworkApplication {
    /// The inputs of a step that applies networks.
    public struct Inputs: DeclarationGroup {
        let tomogram = TomogramInputs()
        /// The network of each round of training: that of the last round is read.
        let network: Input<TrainedNetwork?>
        let second: Input<TrainedNetwork?>
        let third: Input<TrainedNetwork?>

        /// The steps that train the network, round by round.
        init<First: TypedStep, Second: TypedStep, Third: TypedStep>(
            trainedBy first: First.Type, _ second: Second.Type, _ third: Third.Type
        ) where First.Outputs == TrainingOutputs, Second.Outputs == TrainingOutputs, Third.Outputs == TrainingOutputs {
            func network<S: TypedStep>(_ step: S.Type, round: Int) -> Input<TrainedNetwork?> where S.Outputs == TrainingOutputs {
                Input(
                    step, \.network, by: Parameters.choiceName,
                    needs: [NetworkChoice.builtin.rawValue: .never, NetworkChoice.both.rawValue: .whereThere]
                ).under(TrainingRounds.choice, needs: TrainingRounds.onlyWhereLast(round))
            }
            self.network = network(first, round: 1)
            (self.second, self.third) = (network(second, round: 2), network(third, round: 3))
        }
    }

    /// The parameters of a step that applies networks.
    public struct Parameters: DeclarationGroup {
        static let choiceName = "network"

        let choice = Parameter<NetworkChoice>.choice(
            choiceName, default: .trained,
            "the network that the training set taught, the model, or both averaged (the model alone where nothing was taught)")
        let settings: Settings

        /// - Parameter tolerance: the default of the voxel size's.
        init(tolerance: Double = Passes.usualTolerance) { settings = Settings(tolerance: tolerance) }
    }

    /// The model, and how it and other networks are applied.
    public struct Settings: DeclarationGroup {
        let model = Parameter.model(
            "model", kind: ModelKind.network.rawValue, "a network that is there before anything was picked")
        let magnifications = Parameter.written(
            "magnifications", default: "1", as: Magnifications.form,
            "how much larger than it learned it the model sees everything; of several, with commas between them, the mean counts")
        let passes: Passes

        /// - Parameter tolerance: the default of the voxel size's.
        init(tolerance: Double = Passes.usualTolerance) { passes = Passes(tolerance: tolerance) }
    }

    /// How networks are applied.
    public struct Passes: DeclarationGroup {
        /// The copies of a block over which a network is averaged.
        enum Copies: String, CaseIterable, Sendable {
            case one = "1"
            case four = "4"
            case eight = "8"
        }

        /// Scaling by less costs labels more than it gains (Benchmarks/NOTES.md, "What a network sees at another size").
        static let usualTolerance = 0.2

        let copies: Parameter<Copies>
        let voxelSizeTolerance: Parameter<Double>
        let scaleLimit: Parameter<Double>

        /// - Parameters:
        ///   - group: the group of the parameters within the step, with its dot; empty for none.
        ///   - copies: the default.
        ///   - tolerance: the default.
        init(group: String = "", copies: Copies = .one, tolerance: Double = usualTolerance) {
            self.copies = .choice(
                "\(group)averaging", default: copies,
                "mirrored (4) and turned (8) copies of blocks over which a network is averaged")
            voxelSizeTolerance = .real(
                "\(group)voxel_size_tolerance", default: tolerance, in: 0...10,
                "part by which the voxel size may differ from the network's, and nothing is scaled")
            scaleLimit = .real(
                "\(group)scale_limit", default: 1.7, in: 1...4,
                "largest ratio of the two voxel sizes; within it, the tomogram is scaled for the network; 1 for never")
        }
    }

    /// What a step asks of networks.
    enum Purpose: Sendable {
        /// The class of each voxel.
        case labels
        /// Maps whose peaks are particles.
        case particles
    }

    /// How blocks are cut, for networks that do not know where in a block they look: nil for the program's choice.
    struct Cutting: Sendable {
        var block: Int?
        var margin: Int?
        var taper = 8
    }

    /// The voxels that are discarded at cut faces of the blocks of pickers, unless the recipe says otherwise.
    static let pickerMargin = 12

    /// The tomogram, with what networks need to know of it.
    struct Tomogram {
        /// `dataset/name`
        let name: String
        let volume: any Volume
        let voxelSize: VoxelSize
        let scaling: DensityScaling
    }

    /// A network that was read, with its name for messages.
    struct NamedNetwork {
        let network: any Network
        let description: NetworkDescription
        let name: String
        let isModel: Bool
        /// How much larger than it learned it the network sees everything: 1 for what was learned of these tomograms.
        let magnifications: [Double]

        /// Reads a model of the catalog.
        ///
        /// - Parameter magnifications: for a network to which places in a block do not matter; such a one sees blocks of one size alone.
        /// - Throws: ``PipelineError`` where its file is not the one that was added; ``CheckpointError`` or ``TrainingError`` where
        ///   it cannot be read.
        init(_ record: ModelRecord, _ models: OpenModels<String>, _ magnifications: Magnifications = .asLearned) throws {
            let path = try models.model(record)
            description = try NetworkDescription(NetworkCheckpoint.metadata(of: path), path: record.name)
            network = try NetworkCheckpoint.read(path)
            (name, isModel) = (record.name, true)
            self.magnifications = network.architecture.usesCoordinates ? [1] : magnifications.values
        }

        /// Reads a network of the current training set.
        ///
        /// - Parameter folder: where its file is unpacked.
        init(_ trained: TrainedNetwork, in folder: URL) throws {
            (network, description) = try trained.open(in: folder)
            (name, isModel, magnifications) = ("the trained network", false, [1])
        }

        /// What it can say for a purpose; empty where it cannot serve it.
        func answers(_ purpose: Purpose) -> [NetworkDescription.Answer] { description.answers(network.architecture, purpose) }
    }

    /// One of the networks, at one magnification.
    struct Member {
        /// The number of the network.
        let number: Int
        let network: any Network
        let description: NetworkDescription
        /// What it says, by class.
        let answers: [NetworkDescription.Answer]
        let scale: VoxelScale
        /// Whether it is the model of the recipe, which did not learn from these tomograms.
        let isModel: Bool
    }

    let members: [Member]
    let tomogram: Tomogram
    /// The slices of the tomogram that are asked about.
    let slices: Range<Int>
    /// The classes that the networks know, in the order of the first one that knows each.
    let classes: [String]
    let item: StepItem
    let average: OrientationAverage
    /// The first part of the names of the files in the item's workspace.
    let files: String

    var volume: any Volume { tomogram.volume }
    /// The voxel size of the tomogram.
    var voxelSize: VoxelSize { tomogram.voxelSize }

    /// Opens the networks and the tomogram of an item.
    ///
    /// - Throws: ``PipelineError`` where the voxel size of the tomogram is not known, or too far from that of a network; where there is no
    ///   network, since labels taught nothing or the recipe names none; where one cannot serve the purpose; ``CheckpointError`` or ``TrainingError`` where a network cannot be read.
    init(
        _ item: StepItem, _ inputs: InputValues<Inputs>, _ parameters: ParameterValues<Parameters>, models: OpenModels<String>,
        for purpose: Purpose
    ) throws {
        var networks: [NamedNetwork] = []
        let choice = try parameters.choice
        // Before the tomogram is opened: where there is no network, nothing else matters.
        if let trained = try inputs.trained, choice == .trained || trained.absence == nil {
            networks.append(try NamedNetwork(trained, in: item.workspace()))
        }
        let tomogram = try Tomogram(inputs.tomogram, of: item.scope)
        if choice != .trained {
            guard let record = try parameters.settings.model else {
                let step = purpose == .labels ? SegmentStep.name : PickStep.name
                throw Self.noModel(step, else: "\(step).\(Parameters.choiceName) to \(NetworkChoice.trained.rawValue)")
            }
            networks.append(try NamedNetwork(record, models, parameters.settings.magnifications))
        }
        try self.init(item, tomogram, parameters.settings.passes, networks, for: purpose)
    }

    /// Applies networks that were read to a tomogram, or to some of its slices.
    ///
    /// - Parameters:
    ///   - slices: nil for all.
    ///   - files: the first part of the names of files: another one for each application of an item.
    /// - Throws: ``PipelineError`` where the tomogram's voxel size is too far from that of a network, a network cannot serve the
    ///   purpose, or slices do not lie in the tomogram.
    init(
        _ item: StepItem, _ tomogram: Tomogram, _ passes: ParameterValues<Passes>, _ networks: [NamedNetwork],
        slices: Range<Int>? = nil, files: String = "slices", for purpose: Purpose
    ) throws {
        let all = 0..<tomogram.volume.shape.z
        let slices = slices ?? all
        guard !slices.isEmpty, slices.lowerBound >= 0, slices.upperBound <= all.upperBound else {
            throw PipelineError(
                "the slices \(slices) do not lie in \(tomogram.name), which has \(all.count): remove the slab, and add another")
        }
        (self.item, self.tomogram, self.slices, self.files) = (item, tomogram, slices, files)
        average = try OrientationAverage(copies: Int(passes.copies.rawValue) ?? 1)
        var (members, classes) = ([Member](), [String]())
        for (number, named) in networks.enumerated() {
            let answers = named.answers(purpose)
            guard !answers.isEmpty else {
                throw PipelineError(
                    "\(named.name) \(purpose == .labels ? "labels no voxels" : "finds no particles"): choose another network, or "
                        + "train one")
            }
            for magnification in named.magnifications {
                let scale = try VoxelScale(
                    tomogram.voxelSize, of: tomogram.volume.shape, learned: named.description.voxelSizeInAngstroms,
                    tolerance: passes.voxelSizeTolerance, most: passes.scaleLimit, magnification: magnification,
                    tomogram: tomogram.name)
                members.append(
                    Member(
                        number: number, network: named.network, description: named.description, answers: answers, scale: scale,
                        isModel: named.isModel))
            }
            classes += answers.map(\.name).filter { !classes.contains($0) }
        }
        (self.members, self.classes) = (members, classes)
    }

    /// The error of a recipe that wants a model and names none.
    ///
    /// - Parameters:
    ///   - step: the name of the step.
    ///   - alternative: the parameter, and the value, that need none.
    static func noModel(_ step: String, else alternative: String) -> PipelineError {
        PipelineError("the recipe names no network: set \(step).model to one of `cellar model list`, or \(alternative)")
    }

    /// One member of each network.
    private var ofNetworks: [Member] {
        members.indices.filter { $0 == 0 || members[$0].number != members[$0 - 1].number }.map { members[$0] }
    }

    /// For each class the threshold that served best when its networks were trained, or one half.
    var thresholds: [Double] {
        classes.map { name in
            let known = ofNetworks.flatMap(\.answers).filter { $0.name == name }
            return known.map(\.threshold).reduce(0, +) / Double(max(known.count, 1))
        }
    }

    /// The least score of particles of a class for each network that finds it: what the network says itself, or else the recipe.
    ///
    /// - Parameter recipe: the recipe's; 0 keeps all, whatever a network says.
    func leastScores(of name: String, recipe: Double) -> [Double] {
        ofNetworks.flatMap(\.answers).filter { $0.name == name }.map { recipe == 0 ? 0 : $0.leastScore ?? recipe }
    }

    /// The diameter in Å of the particles of a class; nil where no network says it.
    func diameter(of name: String) -> Double? { members.flatMap(\.answers).first { $0.name == name }?.diameterInAngstroms }
}

extension NetworkApplication.Tomogram {
    /// - Throws: ``PipelineError`` where the voxel size is not known, or the voxels are all the same.
    init(_ inputs: InputValues<TomogramInputs>, of scope: StepItem.Scope) throws {
        name = scope.tomogram
        voxelSize = try inputs.calibration.voxelSize(of: scope)
        volume = try inputs.voxels.open()
        scaling = try DensityScaling(inputs.histogram.histogram, of: scope.tomogram)
    }
}

extension InputValues<NetworkApplication.Inputs> {
    /// The network of the last round; nil where the recipe does not read it, or there is no training set.
    var trained: TrainedNetwork? {
        get throws {
            if let network = try self.network { return network }
            return try self.second ?? self.third
        }
    }
}
