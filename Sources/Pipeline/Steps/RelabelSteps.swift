public import CatalogSchema
public import Engine
import Foundation
import ImageProcessing
import Volumes

/// Makes the labels of the second round of training: those of the first round (``PseudoLabelsStep``) where the first networks agree
/// with them (``RoundLabels``), with membranes drawn at the same thickness.
///
/// Its objects are no rows of `v_object`: those of a slab are the pseudo-labels', and each counts once.
public struct Relabel2Step: TypedStep {
    public static let name = "relabel-2"
    public static let version = 1
    public static let scope = ScopeKind.slab
    public static let summary = "labels of the second round: where the first labels and the first networks agree"
    public static let runsOnlyWhereRead = true
    public static let recipeGroup = PseudoLabelsStep.name
    public static let parameters = RelabelParameters()
    public static let inputs = RelabelInputs(teachers: TrainMembraneStep.self, TrainParticlesStep.self)
    public static let outputs = WitnessOutputs()

    public init() {}

    public func run(_ item: Item<Self>) throws { try item.relabel(round: 2) }
}

/// Makes the labels of the third round of training, as ``Relabel2Step`` those of the second: again from the first labels, by the
/// networks of the second round.
public struct Relabel3Step: TypedStep {
    public static let name = "relabel-3"
    public static let version = 1
    public static let scope = ScopeKind.slab
    public static let summary = "labels of the third round: where the first labels and the second networks agree"
    public static let runsOnlyWhereRead = true
    public static let recipeGroup = PseudoLabelsStep.name
    public static let parameters = RelabelParameters()
    public static let inputs = RelabelInputs(teachers: TrainMembrane2Step.self, TrainParticles2Step.self)
    public static let outputs = WitnessOutputs()

    public init() {}

    public func run(_ item: Item<Self>) throws { try item.relabel(round: 3) }
}

/// The parameters of the labels of later rounds: those of pseudo-labels that say how labels are written, and what is believed of
/// networks.
public struct RelabelParameters: Sendable {
    /// Which networks are asked.
    enum Teachers: String, CaseIterable, Sendable { case both, membranes, particles }

    static let teachersName = "teacher.networks"

    let labels = SlabLabels.Parameters()
    let teachers = Parameter<Teachers>.choice(
        teachersName, default: .both, "of later rounds: the networks that labels are compared with")
    let passes = NetworkApplication.Passes(group: "teacher.", copies: .four)
    let doubt = Parameter.real(
        "teacher.doubt", default: 0.5, in: 0...1,
        "part of a class's threshold from which on a voxel is not taken for ground; 1 for no doubt")
    let score = Parameter.real("teacher.score", default: 0.9, in: 0...1, "least score of a particle; 0 keeps all")
    let sureMembrane = Parameter.real(
        "teacher.sure_membrane", default: 0.95, in: 0.5...1,
        "least probability of membrane that the network alone finds, and which becomes a label; 1 for none")
    let sureParticle = Parameter.real(
        "teacher.sure_particle", default: 0.98, in: 0.5...1,
        "least score of a particle that the network alone finds, and which becomes a label; 1 for none")
}

/// The inputs of the labels of a later round.
public struct RelabelInputs: Sendable {
    let z = Input.z
    let tomogram = TomogramInputs()
    let first = Input(PseudoLabelsStep.self, \.labels)
    let membranes: Input<TrainedNetwork?>
    let particles: Input<TrainedNetwork?>
    let sample = SampleCut.Inputs()

    /// The steps that trained the networks of the round before.
    init<Membranes: TypedStep, Particles: TypedStep>(
        teachers membranes: Membranes.Type, _ particles: Particles.Type
    ) where Membranes.Outputs == TrainingOutputs, Particles.Outputs == TrainingOutputs {
        func teacher<S: TypedStep>(_ step: S.Type, without other: RelabelParameters.Teachers) -> Input<TrainedNetwork?>
        where S.Outputs == TrainingOutputs {
            Input(step, \.network, by: RelabelParameters.teachersName, needs: [other.rawValue: .never])
        }
        self.membranes = teacher(membranes, without: .particles)
        self.particles = teacher(particles, without: .membranes)
    }
}

extension Item where S.Parameters == RelabelParameters, S.Inputs == RelabelInputs, S.Outputs == WitnessOutputs {
    /// Makes the labels of a round, from the first labels and the networks of the round before.
    fileprivate func relabel(round: Int) throws {
        let z = try inputs.z
        let tomogram = try NetworkApplication.Tomogram(inputs.tomogram, of: scope)
        let first = try inputs.first
        guard let shape = VolumeShape(z: z.count, y: tomogram.volume.shape.y, x: tomogram.volume.shape.x),
            try first.shape() == [shape.z, shape.y, shape.x]
        else {
            throw PipelineError("the pseudo-labels of \(scope.tomogram) have another size than it; `cellar run` renews them")
        }
        let teacher = try TeacherLabels(
            base, tomogram,
            .init(passes: parameters.passes, doubt: parameters.doubt, score: parameters.score), slices: z, round: round - 1,
            membranes: inputs.membranes, particles: inputs.particles)
        let agreed = try RoundLabels(
            first, teacher,
            .init(
                tellsMembranes: teacher.tellsMembranes, tellsParticles: teacher.tellsParticles,
                sureMembrane: parameters.sureMembrane, sureParticle: parameters.sureParticle,
                distance: parameters.labels.distance))
        // Membranes that nobody was asked about are as they were drawn.
        let drawing = try DrawnMembranes(
            agreed, shape: shape, voxelSize: tomogram.voxelSize,
            thicknessInAngstroms: teacher.tellsMembranes ? parameters.labels.thickness : 0,
            bandInAngstroms: parameters.labels.band, workspace: workspace(), check: checkCancellation)
        var labels = try SlabLabels(
            drawing, in: SampleCut(inputs.sample, parameters.labels.sample), shape: shape,
            frame: ObjectFrame(voxelSize: tomogram.voxelSize, firstSlice: z.lowerBound),
            smallestMembrane: parameters.labels.smallestMembrane, haveConfidence: true, check: checkCancellation)
        try give(\.labels) { try labels.write(to: $0) }
        record("\(PseudoLabels.macromolecule)/objects", Double(labels.particles.count))
        record("\(PseudoLabels.macromolecule)/new", Double(agreed.newParticles))
        record("\(PseudoLabels.membrane)/objects", Double(labels.membranes.count))
        func part(_ part: SliceInstances.Part) -> Double { Double(labels.voxels[Int(part.rawValue)]) / Double(shape.count) }
        record("\(PseudoLabels.membrane)/fraction", part(.membrane))
        record("\(PseudoLabels.macromolecule)/fraction", part(.macromolecule))
        record("neither/fraction", part(.neither))
    }
}
