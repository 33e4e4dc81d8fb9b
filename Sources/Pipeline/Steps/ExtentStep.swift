public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Finds where the sample (a lamella, a film of ice) begins and ends: its two surfaces as planes, which may be tilted. It needs
/// no segmentation.
///
/// That no surface is found is an answer, and no failure: the sample may reach beyond the volume. All is in voxels, so that another
/// voxel size needs no voxel again; `sample` says it in nm.
public struct ExtentStep: TypedStep {
    public static let name = "extent"
    public static let version = 1
    public static let scope = ScopeKind.tomogram
    public static let summary = "where the sample begins and ends: its two surfaces, as planes that may be tilted"

    public struct Parameters: Sendable {
        let column = Parameter.integer(
            "column", default: 32, in: 8...512, "side in voxels of the columns in which the surfaces are looked for")
        let confidence = Parameter.real(
            "confidence", default: 0.5, in: 0...1, "least part of the columns that must agree on a surface")
    }
    public struct Inputs: Sendable {
        let voxels = Input.voxels
    }
    public struct Outputs: Sendable {
        let extent = ValueOutput<SampleExtent>("extent")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let volume = try item.inputs.voxels.open()
        let shape = volume.shape
        var finder = try SampleExtentFinder(shape: shape, column: item.parameters.column)
        for z in 0..<shape.z {
            try item.checkCancellation()
            item.report(Double(z) / Double(shape.z), "slice \(z) of \(shape.z)")
            try finder.add(shape.image(volume.readSlice(z: z).floats()))
        }
        let extent = try finder.extent(confidence: item.parameters.confidence)
        try item.give(\.extent, extent)
        item.record("extent_confidence", extent.confidence)
    }
}

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
