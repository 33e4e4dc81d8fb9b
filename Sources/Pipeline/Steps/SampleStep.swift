public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Says how thick and how tilted the sample is, from its surfaces and the voxel size. It reads no voxel.
public struct SampleStep: TypedStep {
    public static let name = "sample"
    public static let version = 1
    public static let scope = ScopeKind.tomogram
    public static let summary = "how thick the sample is, and how tilted, in nm and degrees"

    public struct Parameters: Sendable {}
    public struct Inputs: Sendable {
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let extent = Input(ExtentStep.self, \.extent)
    }
    public struct Outputs: Sendable {
        let thickness = ValueOutput<Double?>("thickness")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let extent = try item.inputs.extent
        // Without a voxel size the surfaces are known in voxels, and nothing here is.
        let voxelSize = try item.inputs.calibration.voxelSize
        let thickness = voxelSize.flatMap { extent.thicknessInAngstroms($0) }.map { $0 / 10 }
        if let thickness { item.record("sample_thickness_nm", thickness) }
        if let tilt = voxelSize.flatMap({ extent.tiltInDegrees($0) }) { item.record("sample_tilt_degrees", tilt) }
        try item.give(\.thickness, thickness)
    }
}
