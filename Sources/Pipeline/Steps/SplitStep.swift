import BlobStore
import Catalog
public import CatalogSchema
import Cellpose
public import Engine
import ImageProcessing
import Volumes

/// Tells the structures of a slice apart: round bodies of a particle's size are instances, long thin pieces are membrane, and the rest
/// is neither.
///
/// Instances are found in the mask by distances to the ground and a watershed, without weights; or by a network of CellPose, in the
/// mask or in the feature map. Whoever finds them, a gate of shapes decides which of them can be the section of a particle: nothing in
/// either way rejects a piece of membrane.
public struct SplitStep: Step {
    public let name = "split"
    public let version = 3
    public let scope = ScopeKind.slice
    public let summary = "macromolecules and membranes told apart"
    public let parameters: [Parameter] = [
        .choice(
            "method", default: "watershed", of: ["watershed", "cellpose"],
            "how instances are found: without weights, or by CellPose"),
        .real("particle.smallest_diameter", default: 110, in: 10...2000, "of the smallest particles looked for, in Å"),
        .real("particle.largest_diameter", default: 260, in: 10...2000, "of the largest particles looked for, in Å"),
        .real(
            "watershed.neck", default: 0.7, in: 0.05...1,
            "width of a neck, in widths of the smaller body, from which two are one"),
        .real(
            "watershed.body", default: 0.6, in: 0...0.95, "part of a body's half width to which what hangs on to it is cut off"),
        .real("watershed.closing", default: 0.15, in: 0...0.5, "radius of the disc that closes gaps, in smallest diameters"),
        .real("watershed.smoothing", default: 0.12, in: 0...0.5, "σ of the smoothing of distances, in smallest diameters"),
        .model("model", kind: ModelKind.cellpose.rawValue, "the network of CellPose"),
        .choice("cellpose.input", default: "mask", of: ["mask", "map"], "what CellPose is shown: the mask, or the feature map"),
        .real(
            "cellpose.diameter", default: 0, in: 0...5000,
            "of the objects that CellPose looks for, in Å; 0 for the largest particle's"
        ),
        .real("cellpose.probability", default: 0, in: -12...12, "least logit of a pixel of an object"),
        .real("cellpose.flow_error", default: 0.4, in: 0...100, "largest error of an object's flows; 0 checks none"),
        .real("gate.smallest_section", default: 0.25, in: 0...1, "diameter of the smallest section, in smallest diameters"),
        .real(
            "gate.largest_section", default: 1.3, in: 0...10,
            "diameter of the largest section, in largest diameters, 1 or more; 0 for no limit"),
        .real("gate.aspect_ratio", default: 0.4, in: 0...1, "least ratio of the shorter to the longer axis of a section"),
        .real("gate.fill", default: 0.6, in: 0...1, "least part that a section fills of its ellipse"),
        .real("gate.circularity", default: 0.3, in: 0...1, "least circularity of a section, 4πA/P²"),
        .real("membrane.thickness", default: 48, in: 5...500, "of a membrane as the mask shows it, in Å"),
        .real("membrane.shortest", default: 12, in: 0...10_000, "area of the smallest piece of membrane, in thicknesses squared"),
        .real(
            "membrane.widest", default: 3.5, in: 0...100, "largest mean width of a piece, in thicknesses; 0 for no limit"),
        .integer("membrane.closing", default: 1, in: 0...50, "radius of the disc that closes gaps of membranes, in pixels"),
        .integer("membrane.dilation", default: 0, in: 0...50, "radius of the disc that thickens membranes, in pixels"),
    ]
    public let inputs = [
        StepInput.fact(.z), .output(of: "calibrate", named: "voxel-size"), .output(of: "consistency", named: "maps"),
        .output(of: "mask", named: "mask"),
    ]
    public let outputs = [StepOutput.artifact("instances", evictable: true), .value("verdicts")]

    private let models = OpenModels(.cellpose) { path, _ in try CellposeModel(path: path) }

    public init() {}

    public func run(_ item: StepItem) throws {
        let pixelSize = try item.pixelSizeInAngstroms()
        let (smallest, largest) = (try item.real("particle.smallest_diameter"), try item.real("particle.largest_diameter"))
        guard smallest <= largest else {
            throw PipelineError("split.particle.smallest_diameter is \(smallest), more than the largest, \(largest)")
        }
        let diameters = try ParticleDiameters(inAngstroms: smallest...largest, voxelSizeInAngstroms: pixelSize)
        let mask = try MapArtifact.readMask(item.artifact(of: "mask", named: "mask"))
        let found =
            if try item.text("method") == "cellpose" {
                try cellposeInstances(item, mask, diameters, pixelSize: pixelSize)
            } else {
                try InstanceSplitter(
                    diameters, neck: item.real("watershed.neck"), body: item.real("watershed.body"),
                    closing: item.real("watershed.closing"), smoothing: item.real("watershed.smoothing")
                )(mask)
            }
        try item.checkCancellation()

        let gate = try ShapeGate(
            diameters, smallestSection: item.real("gate.smallest_section"), largestSection: item.limit("gate.largest_section"),
            aspectRatio: item.real("gate.aspect_ratio"), ellipseFill: item.real("gate.fill"),
            circularity: item.real("gate.circularity"))
        let gated = try gate(found)
        let assembly = try MembraneAssembly(
            thickness: item.real("membrane.thickness") / pixelSize, shortest: item.real("membrane.shortest"),
            widest: item.limit("membrane.widest"), closing: item.integer("membrane.closing"),
            dilation: item.integer("membrane.dilation"))
        let parts = try assembly(mask, without: gated.labels)

        let rejected = Mask(sizeOf: mask) { rejected in
            for index in rejected.indices { rejected[index] = found.values[index] > 0 && gated.labels.values[index] == 0 }
        }
        try item.give("instances", artifact: InstancesArtifact.kind) {
            try InstancesArtifact.write(
                mask, instances: gated.labels, rejected: rejected, parts: parts, diameters: diameters, assembly: assembly, to: $0)
        }
        var verdicts = gated.rejected.reduce(into: [:]) { $0[$1.reason.rawValue, default: 0] += 1 }
        verdicts[ShapeGate.Verdict.accepted.rawValue] = gated.accepted.count
        try item.give("verdicts", value: verdicts)
        item.record("instances", Double(gated.accepted.count))
        item.record("rejected", Double(gated.rejected.count))
        let pixels = Double(mask.height * mask.width)
        item.record("membrane/fraction", Double(parts.membrane.foregroundCount) / pixels)
        item.record("neither/fraction", Double(parts.other.foregroundCount) / pixels)
    }

    private func cellposeInstances(
        _ item: StepItem, _ mask: Mask, _ diameters: ParticleDiameters, pixelSize: Double
    ) throws -> Image<Int32> {
        guard let record = try item.model("model") else {
            throw PipelineError(
                "split.method is cellpose, and no model is chosen: `cellar recipe set split.model=builtin-cellpose` takes the small one that "
                    + "comes with the program, `cellar model add NAME PATH --kind cellpose` adds another")
        }
        let model = try models.model(record)
        let shown =
            try item.text("cellpose.input") == "map" ? ConsistentMaps.map(of: item) : mask.map { $0 ? 1 : 0 }
        let diameter = try item.real("cellpose.diameter")
        let limit = try item.real("cellpose.flow_error")
        return try model.instances(
            in: shown, diameter: diameter > 0 ? diameter / pixelSize : diameters.largest,
            probability: Float(item.real("cellpose.probability")), errorLimit: limit > 0 ? limit : nil)
    }
}
