import BlobStore
public import CatalogSchema
public import Engine
import Foundation
import ImageProcessing
import Volumes

/// Makes the pseudo-labels of a slab from what several sources say of it (``Witness``), records particles and pieces of membrane as objects,
/// and writes a label volume for training.
///
/// Where sources agree there is a label, where nothing is known the label is "neither", which training ignores (``AgreedLabels``). With the
/// source `diffusion` alone, these are the labels of the published method.
///
/// Slices are read once for the votes, once for connected pieces and once to write; where membranes are drawn, once more for their centre
/// surfaces. Memory holds some slices, with membranes that are drawn a slab of ``CentreSurfaceFinder``, and the tables of objects.
public struct PseudoLabelsStep: TypedStep {
    public static let name = "pseudo-labels"
    public static let version = 4
    public static let scope = ScopeKind.slab
    public static let summary = "labels to learn from: particles and membranes that the sources agree on"

    public struct Parameters: Sendable {
        let diffusion = source(.diffusion, default: true, "the diffusion map: masks of slices, linked")
        let sheets = source(.sheets, default: false, "membranes as sheets in three dimensions")
        let model = source(.model, default: false, "a network that was there before anything was picked")
        let blobs = source(.blobs, default: false, "particles by their size alone, in three dimensions")
        let agreement = Parameter.real(
            "agreement", default: 0.8, in: 0.5...1,
            "least probability of membrane, by the votes of the sources; between one minus it and it, a voxel is ignored")
        let distance = Parameter.real(
            "particle.distance", default: 0.5, in: 0...2,
            "in diameters, how far two sources may place the centre of one particle apart")
        let smallestMembrane = Parameter.real(
            "membrane.smallest_volume", default: 1000, in: 0...1e9, "of a piece of membrane, in nm³; smaller ones are ignored")
        let thickness = Parameter.real(
            "membrane.thickness", default: 0, in: 0...1000,
            "full width in Å at which membranes are drawn around their centre surfaces; 0 for as the sources have them")
        let band = Parameter.real(
            "membrane.band", default: 20, in: 0...500, "width in Å around drawn membranes that is ignored")
        let sample = SampleCut.Parameters(
            SampleCut.Voxels.ground, "what becomes of voxels outside of the sample: ground to learn, or as the sources have them")

        private static func source(_ kind: Witness.Kind, default value: Bool, _ summary: String) -> Parameter<Bool> {
            .flag(kind.parameter, default: value, summary)
        }
    }
    public struct Inputs: Sendable {
        let z = Input.z
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let diffusion = witness(.diffusion, LinkStep.self, \.labels)
        let sheets = witness(.sheets, SheetsStep.self, \.labels)
        let model = witness(.model, ModelLabelsStep.self, \.labels)
        let blobs = witness(.blobs, BlobsStep.self, \.labels)
        let sample = SampleCut.Inputs()
    }
    public struct Outputs: Sendable {
        package let labels = ArtifactOutput<PseudoLabels>("labels", evictable: false)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())
    public static let renamedParameters = [
        "link.overlap": "link.overlap", "link.gap": "link.gap", "link.waist": "link.waist",
        "particle.shortest": "link.particle.shortest", "particle.flattest": "link.particle.flattest",
        "particle.longest": "link.particle.longest", "particle.smallest": "link.particle.smallest",
        "particle.largest": "link.particle.largest", "particle.separation": "link.particle.separation",
        "particle.confidence": "link.particle.confidence",
    ]

    /// The labels of a source; they are read unless the recipe switches it off.
    private static func witness<S: TypedStep>(
        _ kind: Witness.Kind, _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<PseudoLabels>>
    ) -> Input<PseudoLabels?> {
        Input(step, output, by: kind.parameter, needs: ["false": .never])
    }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let z = try item.inputs.z
        let voxelSize = try item.inputs.calibration.voxelSize(of: item.scope)
        let witnesses = try witnesses(item)
        let sizes = try Set(witnesses.map { try $0.labels.shape() })
        guard let size = sizes.first, sizes.count == 1, size.count == 3, size[0] == z.count,
            let shape = VolumeShape(z: size[0], y: size[1], x: size[2])
        else {
            throw PipelineError("the sources of pseudo-labels have labels of different sizes; `cellar run` renews them")
        }
        let agreed = try AgreedLabels(
            witnesses, depth: z.count, agreement: item.parameters.agreement, distance: item.parameters.distance
        ) { slice in
            try item.checkCancellation()
            item.report(0.3 * Double(slice) / Double(z.count), "votes on slice \(slice) of \(z.count)")
        }
        for (kind, weight) in agreed.weights { item.record("\(PseudoLabels.membrane)/weight/\(kind.rawValue)", weight) }
        let drawing = try DrawnMembranes(
            agreed, shape: shape, voxelSize: voxelSize, thicknessInAngstroms: item.parameters.thickness,
            bandInAngstroms: item.parameters.band, workspace: item.workspace(), check: item.checkCancellation)
        let sample = try SampleCut(item.inputs.sample, item.parameters.sample)
        try write(item, drawing, in: sample, shape: shape, frame: ObjectFrame(voxelSize: voxelSize, firstSlice: z.lowerBound))
    }

    private func witnesses(_ item: Item<Self>) throws -> [Witness] {
        let labels: [(Witness.Kind, PseudoLabels?)] = [
            (.diffusion, try item.inputs.diffusion), (.sheets, try item.inputs.sheets), (.model, try item.inputs.model),
            (.blobs, try item.inputs.blobs),
        ]
        let witnesses = labels.compactMap { kind, labels in labels.map { Witness(kind: kind, labels: $0) } }
        guard !witnesses.isEmpty else {
            throw PipelineError(
                "all sources of pseudo-labels are switched off: set \(Self.name).\(Witness.Kind.diffusion.parameter) to true"
            )
        }
        return witnesses
    }

    /// Numbers the objects, and gives labels, objects and metrics.
    private func write(
        _ item: Item<Self>, _ drawn: DrawnMembranes, in sample: SampleCut?, shape: VolumeShape, frame: ObjectFrame
    ) throws {
        let agreed = drawn.agreed
        var drawn = drawn
        let isOutside = agreed.particles.particles.map { particle in
            sample.map { !$0.contains(particle.centreInAngstroms / frame.voxelSize.vectorInAngstroms) } ?? false
        }
        func labels(_ z: Int) throws -> AgreedLabels.Slice {
            var slice = try drawn.slice(z)
            for (pixel, number) in slice.particles.enumerated() where number > 0 && isOutside[Int(number) - 1] {
                slice.particles[pixel] = 0
                slice.classes[pixel] = SliceInstances.Part.neither.rawValue
            }
            sample?.cut(&slice, z: z + frame.firstSlice, shape: shape)
            return slice
        }
        var pieces = VolumeComponents()
        var extents = [VoxelExtent](repeating: VoxelExtent(), count: agreed.particles.particles.count)
        for z in 0..<shape.z {
            try item.checkCancellation()
            let slice = try labels(z)
            try pieces.add(shape.image(slice.classes).membrane)
            for (pixel, number) in slice.particles.enumerated() where number > 0 {
                extents[Int(number) - 1].add(x: pixel % shape.x, y: pixel / shape.x, z: z)
            }
        }
        let leastVoxels = try (item.parameters.smallestMembrane / frame.voxelSize.volumeInCubicNanometers).rounded(.up)
        let membranes = pieces.finished(leastVoxels: max(1, Int(leastVoxels)))
        // A particle all of whose voxels belong to others has none left: it is no object.
        let found = zip(agreed.particles.particles, extents).enumerated().filter { $1.1.voxels > 0 }
        var numbers = [Int32](repeating: 0, count: extents.count + 1)
        for (number, particle) in found.enumerated() { numbers[particle.offset + 1] = Int32(number + 1) }
        let particles = found.enumerated().map { frame.object($1.element.0, $1.element.1, number: $0 + 1) }
        var certainties = [Double](repeating: 0, count: membranes.components.count)
        try item.give(\.labels) { artifact in
            let writer = try PseudoLabels.Writer(artifact, depth: shape.z, height: shape.y, width: shape.x)
            for z in 0..<shape.z {
                try item.checkCancellation()
                let slice = try labels(z)
                let classes = try shape.image(slice.classes)
                let pieces = try membranes.numbers(of: classes.membrane, inSlice: z)
                for (pixel, number) in pieces.values.enumerated() where number > 0 {
                    certainties[Int(number) - 1] += Double(slice.membrane[pixel]) / 255
                }
                try writer.append(classes: classes, particles: shape.image(slice.particles).relabelled(by: numbers)) { pixel in
                    let number = pieces.values[pixel]
                    return number > 0 ? number + Int32(particles.count) : 0
                }
            }
            try PseudoLabels.write(zip(particles, found).map { ($0, $1.element.0.code != 0) }, to: artifact)
        }
        let sheets = membranes.components.enumerated().map { index, piece in
            frame.membrane(
                piece, number: particles.count + index + 1,
                confidence: agreed.haveConfidence ? certainties[index] / Double(piece.voxels) : nil)
        }
        try item.record(particles + sheets)
        item.record("\(PseudoLabels.macromolecule)/objects", Double(particles.count))
        item.record("\(PseudoLabels.membrane)/objects", Double(sheets.count))
        item.record("\(PseudoLabels.membrane)/volume_nm3", sheets.reduce(0) { $0 + $1.volumeInCubicNanometers })
    }
}
