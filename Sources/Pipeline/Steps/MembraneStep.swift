public import CatalogSchema
public import Engine
import ImageProcessing

/// Says how thick membranes are drawn for all that measures and compares them. It is a step of its own so that another thickness
/// makes stale these steps alone.
public struct MembraneStep: TypedStep {
    public static let name = "membrane"
    public static let version = 1
    public static let scope = ScopeKind.tomogram
    public static let summary = "the thickness at which membranes are measured and compared"

    public struct Parameters: Sendable {
        let thickness = Parameter.real(
            "thickness", default: 0, in: 0...1000,
            "full width in Å at which membranes are drawn around their centre surfaces; 0 for as the network found them")
    }
    public struct Inputs: Sendable {
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let surfaces = Input(CentreSurfaceStep.self, \.surfaces)
    }
    public struct Outputs: Sendable {
        let thickness = ValueOutput<Double>("thickness")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        // Where no class is a membrane, the parameter changes nothing.
        let thickness = try item.inputs.surfaces.sheets.isEmpty ? 0 : item.parameters.thickness
        if thickness > 0 {
            try CentreSurface.checkThickness(thickness, voxelSize: item.inputs.calibration.voxelSize(of: item.scope))
        }
        try item.give(\.thickness, thickness)
    }
}
