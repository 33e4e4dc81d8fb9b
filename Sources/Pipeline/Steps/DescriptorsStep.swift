import Basics
public import CatalogSchema
import Diffusion
public import Engine
import Metrics
import Mining
import Tensors
import Volumes

/// Describes each particle by numbers that do not change when it turns, so that like ones can be found in the whole collection
/// (`cellar similar`).
///
/// They are standardised by those of boxes at random places of the same tomogram: they count as they stand out of its noise
/// (``DescriptorStandardizer``). A tomogram whose voxels are too coarse, or too fine, for the radius, or that is masked but for little, has none, and
/// the metric `described` is 0. Voxels are taken as cubes of their mean length.
///
/// Parts that a network makes (``NetworkFeatures``, ``DiffusionFeatures``) are of the network that the recipe names, or of the one that the
/// current training set taught. Only rows of one network can be compared.
public struct DescriptorsStep: TypedStep {
    public static let name = "descriptors"
    public static let version = 2
    public static let scope = ScopeKind.tomogram
    public static let summary = "numbers that say what each particle looks like, whichever way it is turned"

    public struct Parameters: Sendable {
        let radius = Parameter.real(
            "radius", default: 115, in: 10...5000,
            "in Å, of the ball around a particle that is described: that of the largest ones")
        let parts = Parameter<ParticleDescriptor>.written(
            "parts", default: "shells, spectrum, harmonics", as: Self.form,
            "what is described, with commas between: shells, spectrum, harmonics, moments, form, network, diffusion")
        let tilt = Parameter.real(
            "tilt", default: 60, in: 10...90, "greatest tilt in degrees; what no tilt measured does not count, 90 for all")
        let axis = Parameter.real("axis", default: 0, in: -360...360, "angle in degrees of the tilt axis with y, towards x")
        let structures = Parameter<PrepareStep.Structures>.choice(
            "structures", default: .dark, "how structures stand out in the tomogram")
        let places = Parameter.integer("places", default: 256, in: 20...4096, "random places by which numbers are standardised")
        let seed = Parameter.integer("seed", default: 0, in: 0...Int(Int32.max), "of the random places")
        let network = Parameter<Network>.choice(
            NetworkApplication.Parameters.choiceName, default: .builtin,
            "of the part network: the model, or the segmenting network that the training set taught")
        let model = Parameter.model("model", kind: ModelKind.network.rawValue, "of the part network: a segmenting or picking one")
        let diffusionModel = Parameter.model(
            "diffusion.model", kind: ModelKind.diffusion.rawValue, "of the part diffusion: the diffusion model")
        let block = Parameter<DiffusionFeatures.Block>.choice(
            "diffusion.block", default: .up1, "of the part diffusion: the block of the model whose output it is")
        let timestep = Parameter.integer(
            "diffusion.timestep", default: 261, in: 0...999, "of the part diffusion: how much noise the model sees")

        private static let form = TextForm(name: "parts") { text throws(MiningError) in try ParticleDescriptor(parsing: text) }
    }
    public struct Inputs: Sendable {
        let application = NetworkApplication.Inputs(
            trainedBy: TrainMembraneStep.self, TrainMembrane2Step.self, TrainMembrane3Step.self)
        let picks = Input(PickStep.self, \.particles)
    }
    public struct Outputs: Sendable {
        package let rows = ArtifactOutput<StoredDescriptors>("rows", evictable: false)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    /// Whose features the part network has.
    enum Network: String, CaseIterable, Sendable { case builtin, trained }

    private let networks = OpenModels(.network) { path, _ in path }
    private let diffusionModels = OpenModels(.diffusion) { path, isStreamed in
        try DiffusionModel(path: path, residency: isStreamed ? .streamed : .resident)
    }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let picks = try item.inputs.picks.particles
        let radius = try item.parameters.radius
        let descriptor = try item.parameters.parts
        let meaning = try StoredDescriptors.Meaning(
            descriptor, radiusInAngstroms: radius, tiltInDegrees: item.parameters.tilt, structures: item.parameters.structures,
            models: models(of: item, for: descriptor))
        func give(_ rows: [[Float]]) throws {
            try item.give(\.rows) { try StoredDescriptors.write(rows, meaning, to: $0) }
            item.record("described", Double(rows.count))
        }
        guard !picks.isEmpty else { return try give([]) }
        let tomogram = try NetworkApplication.Tomogram(item.inputs.application.tomogram, of: item.scope)
        let voxel = tomogram.voxelSize.meanInAngstroms
        guard DescriptorMaker.radiiInVoxels.contains(radius / voxel) else { return try give([]) }
        let tilt = try item.parameters.tilt
        let ofDensities = descriptor.parts.filter { !$0.isLearned }
        let maker =
            ofDensities.isEmpty
            ? nil
            : try DescriptorMaker(
                parts: ofDensities, voxelSizeInAngstroms: voxel, radiusInAngstroms: radius,
                wedge: tilt < 90 ? MissingWedge(tiltsInDegrees: -tilt...tilt, axisInDegrees: item.parameters.axis) : .none)
        var network = try networkFeatures(item, descriptor, tomogram)
        var diffusion = try diffusionFeatures(item, descriptor, tomogram)
        // Layers leave as much memory as the largest of them used.
        defer { if network != nil || diffusion != nil { Tensor.releaseUnusedMemory() } }

        // Particles and random places, in the order of their slices.
        let shape = tomogram.volume.shape
        var random = RandomStream(seed: UInt64(try item.parameters.seed))
        let places = try (0..<item.parameters.places).map { _ in
            SIMD3(
                Double(random.index(below: shape.x)), Double(random.index(below: shape.y)), Double(random.index(below: shape.z)))
        }
        let centres = picks.map { $0.pick.center / tomogram.voxelSize.vectorInAngstroms } + places
        let middles = centres.map { $0.rounded(.toNearestOrAwayFromZero) }
        let sides = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z))
        guard middles.allSatisfy({ middle in (0..<3).allSatisfy { middle[$0] >= 0 && middle[$0] < sides[$0] } }) else {
            throw PipelineError(
                "a particle of \(item.scope.tomogram) lies outside of it; `cellar verify --deep` looks for damage, `cellar run` picks anew"
            )
        }
        var rows = [[Float]](repeating: [], count: centres.count)
        // What was masked has no noise: it says nothing.
        var isMasked = [Bool](repeating: false, count: centres.count)
        var done = 0
        let side = maker?.sideInVoxels ?? DescriptorMaker.side(radiusInAngstroms: radius, voxelSizeInAngstroms: voxel)
        for band in BoxWindow.bands(of: shape, side: side) {
            var window = BoxWindow(
                of: tomogram.volume, scaling: tomogram.scaling, side: side, band: band,
                structuresAreDark: try item.parameters.structures == .dark)
            let mine = centres.indices.filter { band.contains(Int(middles[$0].y)) }.sorted { middles[$0].z < middles[$1].z }
            for index in mine {
                try item.checkCancellation()
                item.report(Double(done) / Double(centres.count), "particle or place \(done) of \(centres.count)")
                let middle = middles[index]
                let box = try window.box(at: SIMD3(Int(middle.x), Int(middle.y), Int(middle.z)))
                isMasked[index] = box.allSatisfy { $0 == box.first }
                rows[index] =
                    try (maker?.describe(box: box, offset: centres[index] - middle) ?? [])
                    + (network?.describe(centres[index]) ?? []) + (diffusion?.describe(centres[index]) ?? [])
                done += 1
            }
        }
        var learner = DescriptorStandardizer.Learner(descriptor: descriptor)
        let noise = (picks.count..<rows.count).filter { !isMasked[$0] }.map { rows[$0] }
        guard noise.count >= DescriptorStandardizer.leastRows else { return try give([]) }
        for row in noise { try learner.add(row) }
        let standardizer = try learner.finish()
        try give(rows.prefix(picks.count).map { try standardizer($0) })
    }

    // MARK: Networks

    /// What makes the part of a network; nil where the recipe wants none.
    private func networkFeatures(
        _ item: Item<Self>, _ descriptor: ParticleDescriptor, _ tomogram: NetworkApplication.Tomogram
    ) throws -> NetworkFeatures? {
        guard descriptor.parts.contains(.network) else { return nil }
        let named: NetworkApplication.NamedNetwork =
            if let trained = try trained(of: item) {
                try .init(trained, in: item.workspace())
            } else {
                try .init(model(of: item), networks)
            }
        return try NetworkFeatures(named.network, named.description, of: tomogram, radiusInAngstroms: item.parameters.radius)
    }

    /// What makes the part of a diffusion model; nil where the recipe wants none.
    private func diffusionFeatures(
        _ item: Item<Self>, _ descriptor: ParticleDescriptor, _ tomogram: NetworkApplication.Tomogram
    ) throws -> DiffusionFeatures? {
        guard descriptor.parts.contains(.diffusion) else { return nil }
        let model = try diffusionModels.model(diffusionModel(of: item), isStreamed: item.prefersLittleMemory)
        return try DiffusionFeatures(
            model, block: item.parameters.block, timestep: item.parameters.timestep, of: tomogram,
            structuresAreDark: item.parameters.structures == .dark, radiusInAngstroms: item.parameters.radius)
    }

    /// The networks whose numbers stand in rows, as one text; nil where there is none.
    private func models(of item: Item<Self>, for descriptor: ParticleDescriptor) throws -> String? {
        var names: [String] = []
        if descriptor.parts.contains(.network) {
            names.append("network \(try trained(of: item)?.digest ?? model(of: item).digest)")
        }
        if descriptor.parts.contains(.diffusion) {
            let parameters = item.parameters
            let digest = try diffusionModel(of: item).digest
            names.append("diffusion \(digest) \(try parameters.block.rawValue) at \(try parameters.timestep)")
        }
        return names.isEmpty ? nil : names.joined(separator: ", ")
    }

    /// The network that the training set taught; nil where the recipe wants the model.
    private func trained(of item: Item<Self>) throws -> TrainedNetwork? {
        try item.parameters.network == .trained ? item.inputs.application.trained : nil
    }

    private func model(of item: Item<Self>) throws -> ModelRecord {
        guard let model = try item.parameters.model else {
            throw NetworkApplication.noModel(
                Self.name, else: "\(Self.name).\(NetworkApplication.Parameters.choiceName) to \(Network.trained.rawValue)")
        }
        return model
    }

    private func diffusionModel(of item: Item<Self>) throws -> ModelRecord {
        guard let model = try item.parameters.diffusionModel else {
            throw PipelineError(
                "\(Self.name).parts names diffusion, and no model is chosen: `cellar recipe set \(Self.name).diffusion.model=builtin-diffusion` "
                    + "takes the small one that comes with the program, `cellar model add NAME PATH --kind diffusion` adds another"
            )
        }
        return model
    }
}
