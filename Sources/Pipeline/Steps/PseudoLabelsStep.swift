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
        let ground = Parameter<AgreedLabels.Ground>.choice(
            "ground", default: .probable,
            "where what is no membrane is ground: where it is probably none, and no source says membrane, or all deny it; or where the trusted one denies it (settled)"
        )
        let trusted = Parameter<Trust>.choice(
            "trusted", default: .none,
            "a source that knows membranes best: they are where it says so and another does not deny it, and nowhere else; or none"
        )
        let labels = SlabLabels.Parameters()

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

    /// The source that knows membranes best.
    enum Trust: String, CaseIterable, Sendable {
        case none, diffusion, sheets, model

        var kind: Witness.Kind? { Witness.Kind(rawValue: rawValue) }
    }

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
            witnesses, depth: z.count,
            rule: .init(
                agreement: item.parameters.agreement, ground: item.parameters.ground, trusted: item.parameters.trusted.kind),
            distance: item.parameters.labels.distance
        ) { slice in
            try item.checkCancellation()
            item.report(0.3 * Double(slice) / Double(z.count), "votes on slice \(slice) of \(z.count)")
        }
        for (kind, weight) in agreed.weights { item.record("\(PseudoLabels.membrane)/weight/\(kind.rawValue)", weight) }
        let drawing = try DrawnMembranes(
            agreed, shape: shape, voxelSize: voxelSize, thicknessInAngstroms: item.parameters.labels.thickness,
            bandInAngstroms: item.parameters.labels.band, workspace: item.workspace(), check: item.checkCancellation)
        var labels = try SlabLabels(
            drawing, in: SampleCut(item.inputs.sample, item.parameters.labels.sample), shape: shape,
            frame: ObjectFrame(voxelSize: voxelSize, firstSlice: z.lowerBound),
            smallestMembrane: item.parameters.labels.smallestMembrane, haveConfidence: agreed.haveConfidence,
            check: item.checkCancellation)
        try item.give(\.labels) { try labels.write(to: $0) }
        try item.record(labels.particles + labels.membranes)
        item.record("\(PseudoLabels.macromolecule)/objects", Double(labels.particles.count))
        item.record("\(PseudoLabels.membrane)/objects", Double(labels.membranes.count))
        item.record("\(PseudoLabels.membrane)/volume_nm3", labels.membranes.reduce(0) { $0 + $1.volumeInCubicNanometers })
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
}
