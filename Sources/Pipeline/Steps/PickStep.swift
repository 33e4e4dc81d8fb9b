public import CatalogSchema
public import Engine
import Training
import Volumes

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
        let margin = Parameter.integer("margin", default: 12, in: 0...128, "voxels thrown away at cut faces")
        let score = Parameter.real(
            "score", default: 0.9, in: 0...1,
            "least score of a particle, unless a model says its own; 0 keeps all, for curves of precision and recall")
        let application = NetworkApplication.Parameters()
        let sample = SampleCut.Parameters(
            SampleCut.Particles.drop, "what becomes of particles whose centres lie outside of the sample")
    }
    public struct Inputs: Sendable {
        let application = NetworkApplication.Inputs(trainedBy: TrainParticlesStep.self)
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
        let particles = try particles(item, application, probabilities)
        try item.give(\.particles, Picks(particles, classes: application.classes))
        try item.record(particles)
        for name in application.classes { item.record("\(name)/objects", Double(particles.count { $0.class == name })) }
    }

    /// The particles of each class in the sample, as balls of its diameter.
    private func particles(
        _ item: Item<Self>, _ application: NetworkApplication, _ probabilities: ProbabilitySlices
    ) throws -> [FoundObject] {
        let voxelSize = application.voxelSize
        let sample = try SampleCut(item.inputs.sample, item.parameters.sample)
        var particles: [FoundObject] = []
        for (number, name) in application.classes.enumerated() {
            guard let diameter = application.diameter(of: name) else { continue }
            let leastScores = try application.leastScores(of: name, recipe: item.parameters.score)
            let peaks = try peaks(
                item, probabilities, of: number, diameterInVoxels: diameter / voxelSize.meanInAngstroms, leastScores: leastScores)
            for peak in peaks where sample?.contains(peak.center) ?? true {
                let uncertainty = try probabilities.spread(of: number, at: peak.center)
                let (centre, radius) = (peak.center * voxelSize.vectorInAngstroms, diameter / 2)
                let volume = 4 / 3 * Double.pi * radius * radius * radius
                particles.append(
                    FoundObject(
                        number: particles.count + 1, class: name, centroidInAngstroms: centre, radiusInAngstroms: radius,
                        voxels: max(1, Int((volume / voxelSize.volumeInCubicAngstroms).rounded())),
                        volumeInCubicNanometers: volume / 1000, confidence: min(max(Double(peak.score), 0), 1),
                        uncertainty: uncertainty, boxMinimumInAngstroms: centre - radius, boxMaximumInAngstroms: centre + radius))
            }
        }
        return particles
    }

    /// The peaks of a class's probabilities whose score is high enough.
    ///
    /// - Parameter leastScores: of each network that knows the class.
    /// - Complexity: reads the probabilities of all voxels once.
    private func peaks(
        _ item: Item<Self>, _ probabilities: ProbabilitySlices, of number: Int, diameterInVoxels: Double, leastScores: [Double]
    ) throws -> [Peak] {
        let shape = probabilities.shape
        var finders = try leastScores.map { _ in
            try PeakFinder(height: shape.y, width: shape.x, diameterInVoxels: diameterInVoxels)
        }
        for z in 0..<shape.z {
            try item.checkCancellation()
            for (finder, slice) in try probabilities.each(of: number, slice: z).enumerated() { try finders[finder].append(slice) }
        }
        let maps = finders.indices.map { finders[$0].finish() }
        return maps.count == 1
            ? maps[0].filter { Double($0.score) >= leastScores[0] }
            : Peak.agreed(maps, leastScores: leastScores.map(Float.init), within: diameterInVoxels / 2 + 1)
    }
}
