import BlobStore
import Catalog
public import CatalogSchema
import Cellpose
public import Engine
import ImageProcessing
import Volumes

/// Divides the mask of a slice: round bodies of a particle's size become instances, long thin pieces become membrane, and the rest is neither.
///
/// Instances come from a watershed of the mask's distances to the ground, without weights, or from a network of CellPose on the mask or the
/// feature map. In both cases a gate of shapes decides which of them can be the section of a particle, since neither method rejects pieces
/// of membrane.
public struct SplitStep: TypedStep {
    public static let name = "split"
    public static let version = 4
    public static let scope = ScopeKind.slice
    public static let summary = "macromolecules and membranes told apart"
    public static let runsOnlyWhereRead = true

    public struct Parameters: Sendable {
        let method = Parameter<Method>.choice(
            "method", default: .watershed, "how instances are found: without weights, or by CellPose")
        let smallestDiameter = Parameter.real(
            "particle.smallest_diameter", default: 110, in: 10...2000, "of the smallest particles looked for, in Å")
        let largestDiameter = Parameter.real(
            "particle.largest_diameter", default: 260, in: 10...2000, "of the largest particles looked for, in Å")
        let neck = Parameter.real(
            "watershed.neck", default: 0.7, in: 0.05...1, "width of a neck, in widths of the smaller body, from which two are one"
        )
        let body = Parameter.real(
            "watershed.body", default: 0.6, in: 0...0.95, "part of a body's half width to which what hangs on to it is cut off")
        let watershedClosing = Parameter.real(
            "watershed.closing", default: 0.15, in: 0...0.5, "radius of the disc that closes gaps, in smallest diameters")
        let watershedSmoothing = Parameter.real(
            "watershed.smoothing", default: 0.12, in: 0...0.5, "σ of the smoothing of distances, in smallest diameters")
        let model = Parameter.model("model", kind: ModelKind.cellpose.rawValue, "the network of CellPose")
        let cellposeInput = Parameter<CellposeInput>.choice(
            "cellpose.input", default: .mask, "what CellPose is shown: the mask, or the feature map")
        let cellposeDiameter = Parameter.real(
            "cellpose.diameter", default: 0, in: 0...5000,
            "of the objects that CellPose looks for, in Å; 0 for the largest particle's")
        let probability = Parameter.real("cellpose.probability", default: 0, in: -12...12, "least logit of a pixel of an object")
        let flowError = Parameter.real(
            "cellpose.flow_error", default: 0.4, in: 0...100, "largest error of an object's flows; 0 checks none")
        let smallestSection = Parameter.real(
            "gate.smallest_section", default: 0.25, in: 0...1, "diameter of the smallest section, in smallest diameters")
        let largestSection = Parameter.limit(
            "gate.largest_section", default: 1.3, in: 0...10,
            "diameter of the largest section, in largest diameters, 1 or more; 0 for no limit")
        let aspectRatio = Parameter.real(
            "gate.aspect_ratio", default: 0.4, in: 0...1, "least ratio of the shorter to the longer axis of a section")
        let fill = Parameter.real("gate.fill", default: 0.6, in: 0...1, "least part that a section fills of its ellipse")
        let circularity = Parameter.real("gate.circularity", default: 0.3, in: 0...1, "least circularity of a section, 4πA/P²")
        let thickness = Parameter.real("membrane.thickness", default: 48, in: 5...500, "of a membrane as the mask shows it, in Å")
        let shortest = Parameter.real(
            "membrane.shortest", default: 12, in: 0...10_000, "area of the smallest piece of membrane, in thicknesses squared")
        let widest = Parameter.limit(
            "membrane.widest", default: 3.5, in: 0...100, "largest mean width of a piece, in thicknesses; 0 for no limit")
        let membraneClosing = Parameter.integer(
            "membrane.closing", default: 1, in: 0...50, "radius of the disc that closes gaps of membranes, in pixels")
        let dilation = Parameter.integer(
            "membrane.dilation", default: 0, in: 0...50, "radius of the disc that thickens membranes, in pixels")
    }
    public struct Inputs: Sendable {
        let z = Input.z
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let maps = Input(each: ConsistencyStep.self, \.maps)
        let mask = Input(MaskStep.self, \.mask)
    }
    public struct Outputs: Sendable {
        package let instances = ArtifactOutput<SliceInstances>("instances", evictable: true)
        package let settings = ValueOutput<SplitSettings>("settings")
        package let verdicts = ValueOutput<[String: Int]>("verdicts")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    /// The method that finds instances: a watershed without weights, or CellPose.
    enum Method: String, CaseIterable, Sendable { case watershed, cellpose }
    /// The input of CellPose: the mask, or the feature map.
    enum CellposeInput: String, CaseIterable, Sendable { case mask, map }

    private let models = OpenModels(.cellpose) { path, _ in try CellposeModel(path: path) }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let pixelSize = try item.inputs.calibration.pixelSizeInAngstroms(of: item.scope)
        let (smallest, largest) = (try item.parameters.smallestDiameter, try item.parameters.largestDiameter)
        guard smallest <= largest else {
            throw PipelineError(
                "split.particle.smallest_diameter is \(smallest), more than the largest, \(largest); exchange them")
        }
        let diameters = try ParticleDiameters(inAngstroms: smallest...largest, voxelSizeInAngstroms: pixelSize)
        let mask = try item.inputs.mask.mask
        let found =
            if try item.parameters.method == .cellpose {
                try cellposeInstances(item, mask, diameters, pixelSize: pixelSize)
            } else {
                try InstanceSplitter(
                    diameters, neck: item.parameters.neck, body: item.parameters.body,
                    closing: item.parameters.watershedClosing, smoothing: item.parameters.watershedSmoothing
                )(mask)
            }
        try item.checkCancellation()

        let gate = try ShapeGate(
            diameters, smallestSection: item.parameters.smallestSection, largestSection: item.parameters.largestSection,
            aspectRatio: item.parameters.aspectRatio, ellipseFill: item.parameters.fill,
            circularity: item.parameters.circularity)
        let gated = try gate(found)
        let assembly = try MembraneAssembly(
            thickness: item.parameters.thickness / pixelSize, shortest: item.parameters.shortest,
            widest: item.parameters.widest, closing: item.parameters.membraneClosing,
            dilation: item.parameters.dilation)
        let parts = try assembly(mask, without: gated.labels)

        let rejected = Mask(sizeOf: mask) { rejected in
            for index in rejected.indices { rejected[index] = found.values[index] > 0 && gated.labels.values[index] == 0 }
        }
        try item.give(\.instances) {
            try SliceInstances.write(instances: gated.labels, rejected: rejected, parts: parts, to: $0)
        }
        try item.give(\.settings, SplitSettings(diameters, assembly))
        var verdicts = gated.rejected.reduce(into: [:]) { $0[$1.reason.rawValue, default: 0] += 1 }
        verdicts[ShapeGate.Verdict.accepted.rawValue] = gated.accepted.count
        try item.give(\.verdicts, verdicts)
        item.record("instances", Double(gated.accepted.count))
        item.record("rejected", Double(gated.rejected.count))
        let pixels = Double(mask.height * mask.width)
        item.record("\(PseudoLabels.membrane)/fraction", Double(parts.membrane.foregroundCount) / pixels)
        item.record("neither/fraction", Double(parts.other.foregroundCount) / pixels)
    }

    /// Finds instances with CellPose: labels from 1, `[y][x]`.
    ///
    /// - Throws: ``PipelineError`` where the recipe names no model.
    private func cellposeInstances(
        _ item: Item<Self>, _ mask: Mask, _ diameters: ParticleDiameters, pixelSize: Double
    ) throws -> Image<Int32> {
        guard let record = try item.parameters.model else {
            throw PipelineError(
                "split.method is cellpose, and no model is chosen: `cellar recipe set split.model=builtin-cellpose` takes the small one that "
                    + "comes with the program, `cellar model add NAME PATH --kind cellpose` adds another")
        }
        let model = try models.model(record)
        let shown =
            try item.parameters.cellposeInput == .map
            ? item.inputs.maps.map(z: item.inputs.z.lowerBound) : mask.map { $0 ? 1 : 0 }
        let diameter = try item.parameters.cellposeDiameter
        let limit = try item.parameters.flowError
        return try model.instances(
            in: shown, diameter: diameter > 0 ? diameter / pixelSize : diameters.largest,
            probability: Float(item.parameters.probability), errorLimit: limit > 0 ? limit : nil)
    }
}

/// The output `settings` of `split`: the rules in pixels by which it separates particles and membranes. `pseudo-labels` applies them
/// again to a slab.
public struct SplitSettings: Codable, Sendable {
    /// The smallest and the largest diameter of particles.
    let diameters: ParticleDiameters
    private let membraneThickness: Double
    /// In thicknesses squared.
    private let membraneShortest: Double
    /// In thicknesses; nil for no limit, since JSON has no infinity.
    private let membraneWidest: Double?
    private let membraneClosing: Int
    private let membraneDilation: Int

    init(_ diameters: ParticleDiameters, _ assembly: MembraneAssembly) {
        self.diameters = diameters
        membraneThickness = assembly.thickness
        membraneShortest = assembly.shortest
        membraneWidest = assembly.widest.isFinite ? assembly.widest : nil
        membraneClosing = assembly.closing.radius
        membraneDilation = assembly.dilation.radius
    }

    /// The rule that extracts membranes.
    ///
    /// - Throws: ``ImageError`` where a number is out of range.
    func assembly() throws -> MembraneAssembly {
        try MembraneAssembly(
            thickness: membraneThickness, shortest: membraneShortest, widest: membraneWidest ?? .infinity,
            closing: membraneClosing, dilation: membraneDilation)
    }
}
