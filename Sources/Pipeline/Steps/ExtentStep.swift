public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Finds where the sample (a lamella, a film of ice) begins and ends: its two surfaces as planes, which may be tilted. It needs
/// no segmentation.
///
/// That no surface is found is an answer, and no failure: the sample may reach beyond the volume. Without a voxel size the
/// surfaces are known in voxels, and thickness and tilt are not.
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
        let calibration = Input(CalibrateStep.self, \.voxelSize)
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
        guard let voxelSize = try item.inputs.calibration.voxelSize else { return }
        // The surfaces at the middle of the slices, in Å from the centre of the first slice.
        if let lower = extent.lower { item.record("extent_lower_angstrom", lower.z * voxelSize.zInAngstroms) }
        if let upper = extent.upper { item.record("extent_upper_angstrom", upper.z * voxelSize.zInAngstroms) }
        if let tilt = extent.tiltInDegrees(voxelSize) { item.record("extent_tilt_degrees", tilt) }
        if let thickness = extent.thicknessInAngstroms(voxelSize) { item.record("extent_thickness_nm", thickness / 10) }
    }
}
