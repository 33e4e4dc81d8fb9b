public import CatalogSchema
public import Engine
package import ImageProcessing
import Volumes

/// Finds where the sample (a lamella, a film of ice) begins and ends: its two surfaces as planes, which may be tilted. It needs
/// no segmentation.
///
/// That no surface is found is an answer, and no failure: the sample may reach beyond the volume. All is in voxels, so that another
/// voxel size needs no voxel again; `sample` says it in nm.
public struct ExtentStep: TypedStep {
    public static let name = "extent"
    public static let version = 3
    public static let scope = ScopeKind.tomogram
    public static let summary = "where the sample begins and ends: its two surfaces, as planes that may be tilted"

    public struct Parameters: Sendable {
        let column = Parameter.integer(
            "column", default: 32, in: 8...512, "side in voxels of the columns in which the surfaces are looked for")
        let confidence = Parameter.real(
            "confidence", default: 0.5, in: 0...1,
            "least part of the columns in which power rises inwards at a surface, less the part in which it falls")
    }
    public struct Inputs: Sendable {
        let voxels = Input.voxels
    }
    public struct Outputs: Sendable {
        package let extent = ValueOutput<SampleExtent>("extent")
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
