import Basics
public import CatalogSchema
public import Engine
import Metrics
import Mining
import Volumes

/// Describes each particle by numbers that do not change when it turns, so that like ones can be found in the whole collection
/// (`cellar similar`).
///
/// They are standardised by those of boxes at random places of the same tomogram: they count as they stand out of its noise
/// (``DescriptorStandardizer``). A tomogram whose voxels are too coarse, or too fine, for the radius, or that is masked but for little, has none, and
/// the metric `described` is 0. Voxels are taken as cubes of their mean length.
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
            "what is described, with commas between: shells, spectrum, harmonics, moments, form")
        let tilt = Parameter.real(
            "tilt", default: 60, in: 10...90, "greatest tilt in degrees; what no tilt measured does not count, 90 for all")
        let axis = Parameter.real("axis", default: 0, in: -360...360, "angle in degrees of the tilt axis with y, towards x")
        let structures = Parameter<PrepareStep.Structures>.choice(
            "structures", default: .dark, "how structures stand out in the tomogram")
        let places = Parameter.integer("places", default: 256, in: 20...4096, "random places by which numbers are standardised")
        let seed = Parameter.integer("seed", default: 0, in: 0...Int(Int32.max), "of the random places")

        private static let form = TextForm(name: "parts") { text throws(MiningError) in try ParticleDescriptor(parsing: text) }
    }
    public struct Inputs: Sendable {
        let tomogram = TomogramInputs()
        let picks = Input(PickStep.self, \.particles)
    }
    public struct Outputs: Sendable {
        package let rows = ArtifactOutput<StoredDescriptors>("rows", evictable: false)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let picks = try item.inputs.picks.particles
        let radius = try item.parameters.radius
        let descriptor = try item.parameters.parts
        let meaning = try StoredDescriptors.Meaning(
            descriptor, radiusInAngstroms: radius, tiltInDegrees: item.parameters.tilt, structures: item.parameters.structures)
        func give(_ rows: [[Float]]) throws {
            try item.give(\.rows) { try StoredDescriptors.write(rows, meaning, to: $0) }
            item.record("described", Double(rows.count))
        }
        guard !picks.isEmpty else { return try give([]) }
        let tomogram = try NetworkApplication.Tomogram(item.inputs.tomogram, of: item.scope)
        let voxel = tomogram.voxelSize.meanInAngstroms
        guard DescriptorMaker.radiiInVoxels.contains(radius / voxel) else { return try give([]) }
        let tilt = try item.parameters.tilt
        let maker = try DescriptorMaker(
            parts: descriptor.parts, voxelSizeInAngstroms: voxel, radiusInAngstroms: radius,
            wedge: tilt < 90 ? MissingWedge(tiltsInDegrees: -tilt...tilt, axisInDegrees: item.parameters.axis) : .none)

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
        var done = 0
        for band in BoxWindow.bands(of: shape, side: maker.sideInVoxels) {
            var window = BoxWindow(
                of: tomogram.volume, scaling: tomogram.scaling, side: maker.sideInVoxels, band: band,
                structuresAreDark: try item.parameters.structures == .dark)
            let mine = centres.indices.filter { band.contains(Int(middles[$0].y)) }.sorted { middles[$0].z < middles[$1].z }
            for index in mine {
                try item.checkCancellation()
                item.report(Double(done) / Double(centres.count), "particle or place \(done) of \(centres.count)")
                let middle = middles[index]
                let box = try window.box(at: SIMD3(Int(middle.x), Int(middle.y), Int(middle.z)))
                rows[index] = try maker.describe(box: box, offset: centres[index] - middle)
                done += 1
            }
        }
        var learner = DescriptorStandardizer.Learner(descriptor: descriptor)
        // What was masked has no noise: it says nothing.
        let noise = rows[picks.count...].filter { row in row.contains { $0 != 0 } }
        guard noise.count >= DescriptorStandardizer.leastRows else { return try give([]) }
        for row in noise { try learner.add(row) }
        let standardizer = try learner.finish()
        try give(rows.prefix(picks.count).map { try standardizer($0) })
    }
}
