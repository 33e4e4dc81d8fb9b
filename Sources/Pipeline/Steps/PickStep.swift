public import CatalogSchema
public import Engine

/// Finds particles in a whole tomogram (method.md, section 7): with the picker of the current training set, a network that is there before
/// anything was picked, or both (``NetworkChoice``).
///
/// Particles whose centres lie outside of the sample, as `extent` found it, are dropped (``SampleCut``).
///
/// Blocks have the side of the patches of training along each axis, whatever the tomogram's shape: the position of a voxel in its block is
/// an input of the picker (CoordConv).
public struct PickStep: TypedStep {
    public static let name = "pick"
    public static let version = 5
    public static let scope = ScopeKind.tomogram
    public static let summary = "particles, by the picker of the current training set, or another network"

    public struct Parameters: Sendable {
        let margin = Parameter.integer(
            "margin", default: NetworkApplication.pickerMargin, in: 0...128, "voxels thrown away at cut faces")
        let score = Parameter.real(
            "score", default: 0.9, in: 0...1,
            "least score of a particle, unless a model says its own; 0 keeps all, for curves of precision and recall")
        // Particles are found by their size in voxels: more of them are right where it is that of the training.
        let application = NetworkApplication.Parameters(tolerance: 0.05)
        let sample = SampleCut.Parameters(
            SampleCut.Particles.drop, "what becomes of particles whose centres lie outside of the sample")
    }
    public struct Inputs: Sendable {
        let application = NetworkApplication.Inputs(
            trainedBy: TrainParticlesStep.self, TrainParticles2Step.self, TrainParticles3Step.self)
        let sample = SampleCut.Inputs()
    }
    public struct Outputs: Sendable {
        package let particles = ArtifactOutput<Picks>("particles", evictable: false)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())
    public static let retiredParameters = ["block"]

    private let models = OpenModels(.network) { path, _ in path }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let application = try NetworkApplication(
            item.base, item.inputs.application, item.parameters.application, models: models, for: .particles)
        let probabilities = try application.probabilities(.init(), pickerMargin: item.parameters.margin)
        let particles = try application.particles(
            in: probabilities, score: item.parameters.score, sample: SampleCut(item.inputs.sample, item.parameters.sample))
        try item.give(\.particles, Picks(particles, classes: application.classes))
        try item.record(particles)
        for name in application.classes { item.record("\(name)/objects", Double(particles.count { $0.class == name })) }
    }
}
