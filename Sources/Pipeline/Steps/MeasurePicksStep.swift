public import CatalogSchema
public import Engine
import ImageProcessing
import Metrics
import Volumes

/// Measures the particles that were picked: a row for each, with its density and how far the membrane and its neighbours are.
public struct MeasurePicksStep: Step {
    public let name = "measure-picks"
    public let version = 1
    public let scope = ScopeKind.tomogram
    public let summary = "density, neighbours and distance to the membrane of every particle, and how many there are"
    public let parameters: [Parameter] = [
        .real("score", default: 0, in: 0...1, "least confidence of a particle that counts")
    ]
    public let inputs = [
        StepInput.voxels, .output(of: "calibrate", named: "voxel-size"), .output(of: "segment", named: "labels"),
        .output(of: "pick", named: "particles"), .output(of: "measure", named: "lamella"),
    ]
    public let outputs = [StepOutput.value("counts")]

    public init() {}

    public func run(_ item: StepItem) throws {
        let segmentation = try SegmentedSlices(labels: item.artifact(of: "segment", named: "labels"))
        let (shape, voxelSize) = (segmentation.shape, try item.voxelSize())
        let (classes, all) = try FoundParticle.picks(item.artifact(of: "pick", named: "particles"))
        let least = try item.real("score")
        let particles = all.filter { $0.pick.score >= least }
        let volume = try item.openVolume()
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
        let lamella = try item.value(StoredLamella?.self, of: "measure", named: "lamella")
        let tomogram = MeasuredTomogram(shape: shape, voxelSize: voxelSize, thicknessInAngstroms: lamella?.thicknessInAngstroms)
        var counts: [String: Int] = [:]
        for name in classes {
            let mine = objects.found.filter { $0.class == name }
            tomogram.record(mine, class: name, of: item)
            counts[name] = mine.count
        }
        try item.give("counts", value: counts)
    }
}
