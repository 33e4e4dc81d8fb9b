import BlobStore
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Converts a slice to the input of an image model: 8 bits, even contrast, tiles of one size.
///
/// Densities between two percentiles of the whole tomogram become 0…255, so that the slices of a tomogram stay comparable. Then CLAHE as in
/// OpenCV, and a grid of tiles, each resized bilinearly to a square. Structures are dark in the result.
public struct PrepareStep: TypedStep {
    public static let name = "prepare"
    public static let version = 1
    public static let scope = ScopeKind.slice
    public static let summary = "8-bit conversion, CLAHE, tiles"
    public static let runsOnlyWhereRead = true

    /// Whether structures are darker or brighter than the ground in the tomogram.
    package enum Structures: String, CaseIterable, Sendable { case dark, bright }

    public struct Parameters: Sendable {
        let lowerPercentile = Parameter.real(
            "density.lower_percentile", default: 0.5, in: 0...49, "density that becomes black, as percentile of the tomogram")
        let upperPercentile = Parameter.real(
            "density.upper_percentile", default: 99.5, in: 51...100, "density that becomes white, as percentile of the tomogram")
        let structures = Parameter<Structures>.choice(
            "density.structures", default: .dark, "how structures stand out in the tomogram")
        let clipLimit = Parameter.real("clahe.clip_limit", default: 2, in: 0...100, "contrast limit of CLAHE; 0 for no limit")
        let grid = Parameter.integer("clahe.grid", default: 8, in: 1...64, "rows and columns of CLAHE's grid")
        let tileCount = Parameter.integer("tiles.count", default: 2, in: 1...16, "rows and columns of tiles: 2 for quadrants")
        let tileOverlap = Parameter.integer(
            "tiles.overlap", default: 0, in: 0...4096, "pixels of the slice that neighbouring tiles share")
        let tileSize = Parameter.integer("tiles.size", default: 512, in: 64...2048, "side of a tile after resizing, in pixels")
    }
    public struct Inputs: Sendable {
        let z = Input.z
        let voxels = Input.voxels
        let histogram = Input(DescribeStep.self, \.histogram)
    }
    public struct Outputs: Sendable {
        package let slice = ArtifactOutput<PreparedSlice>("slice", evictable: true)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let parameters = item.parameters
        let histogram = try item.inputs.histogram.histogram
        let conversion = try EightBitConversion(
            low: percentile(parameters.lowerPercentile, of: histogram),
            high: percentile(parameters.upperPercentile, of: histogram))
        let clahe = try CLAHE(clipLimit: parameters.clipLimit, rows: parameters.grid, columns: parameters.grid)

        var image = try conversion(item.inputs.voxels.open().readSlice(z: item.inputs.z.lowerBound))
        if try parameters.structures == .bright { image = image.map { 255 - $0 } }
        let prepared = clahe(image)
        let grid = try TileGrid(
            height: prepared.height, width: prepared.width, rows: parameters.tileCount, columns: parameters.tileCount,
            overlap: parameters.tileOverlap)
        let side = try parameters.tileSize
        try item.give(\.slice) { artifact in
            try PreparedSlice.write(prepared, regions: grid.tiles, side: side, to: artifact) { region in
                try prepared.cropped(to: region).resized(height: side, width: side)
            }
        }
    }

    /// - Throws: ``PipelineError`` where the histogram is empty.
    private func percentile(_ percentage: Double, of histogram: Histogram) throws -> Float {
        guard let value = histogram.percentile(percentage) else {
            throw PipelineError("the tomogram has no finite voxel, so that there is no contrast to set; look at its file")
        }
        return Float(value)
    }
}
