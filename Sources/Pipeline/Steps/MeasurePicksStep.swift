public import CatalogSchema
public import Engine
import ImageProcessing
import Metrics
import Volumes

/// Measures the particles that were picked: a row for each, with its density and how far the membrane and its neighbours are.
public struct MeasurePicksStep: TypedStep {
    public static let name = "measure-picks"
    public static let version = 1
    public static let scope = ScopeKind.tomogram
    public static let summary = "density, neighbours and distance to the membrane of every particle, and how many there are"

    public struct Parameters: Sendable {
        let score = Parameter.real("score", default: 0, in: 0...1, "least confidence of a particle that counts")
    }
    public struct Inputs: Sendable {
        let voxels = Input.voxels
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let segmentation = Input(SegmentStep.self, \.labels)
        let picks = Input(PickStep.self, \.particles)
        let lamella = Input(MeasureStep.self, \.lamella)
    }
    public struct Outputs: Sendable {
        let counts = ValueOutput<[String: Int]>("counts")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let segmentation = try item.inputs.segmentation
        let (shape, voxelSize) = (segmentation.shape, try item.inputs.calibration.voxelSize(of: item.scope))
        let picks = try item.inputs.picks
        let least = try item.parameters.score
        let particles = picks.particles.filter { $0.pick.score >= least }
        let volume = try item.inputs.voxels.open()
        var membrane =
            segmentation.classes.contains(MeasureStep.membrane) ? ClassDistances(shape: shape, voxelSize: voxelSize) : nil
        let label = UInt8((segmentation.classes.firstIndex(of: MeasureStep.membrane) ?? -1) + 1)
        var densities = BallDensities(particles, voxelSize: voxelSize, shape: shape)
        for z in 0..<shape.z {
            try item.checkCancellation()
            item.report(Double(z) / Double(shape.z), "slice \(z) of \(shape.z)")
            if densities.needs(z) { try densities.add(volume.readSlice(z: z).floats(), z: z) }
            if membrane != nil { try membrane?.add(segmentation.labels(z).map { $0 == label }) }
        }
        let objects = try MeasuredObjects(particles, densities: densities.means, distances: membrane, voxelSize: voxelSize)
        try item.record(objects.found)
        let lamella = try item.inputs.lamella
        let tomogram = MeasuredTomogram(shape: shape, voxelSize: voxelSize, thicknessInAngstroms: lamella?.thicknessInAngstroms)
        var counts: [String: Int] = [:]
        for name in picks.classes {
            let mine = objects.found.filter { $0.class == name }
            tomogram.record(mine, class: name, of: item.base)
            counts[name] = mine.count
        }
        try item.give(\.counts, counts)
    }
}
