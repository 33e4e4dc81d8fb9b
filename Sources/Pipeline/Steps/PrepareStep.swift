import BlobStore
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Turns a slice into what an image model expects: eight bits, even contrast, tiles of one size.
///
/// Density between two percentiles of the whole tomogram → 0…255, so that slices of a tomogram stay comparable; CLAHE as
/// OpenCV does it; a grid of tiles, each resized bilinearly to a square. Structures are dark in the result.
public struct PrepareStep: Step {
    public let name = "prepare"
    public let version = 1
    public let scope = ScopeKind.slice
    public let summary = "8-bit conversion, CLAHE, tiles"
    public let parameters: [Parameter] = [
        .real("density.lower_percentile", default: 0.5, in: 0...49, "density that becomes black, as percentile of the tomogram"),
        .real(
            "density.upper_percentile", default: 99.5, in: 51...100, "density that becomes white, as percentile of the tomogram"),
        .choice("density.structures", default: "dark", of: ["dark", "bright"], "how structures stand out in the tomogram"),
        .real("clahe.clip_limit", default: 2, in: 0...100, "contrast limit of CLAHE; 0 for no limit"),
        .integer("clahe.grid", default: 8, in: 1...64, "rows and columns of CLAHE's grid"),
        .integer("tiles.count", default: 2, in: 1...16, "rows and columns of tiles: 2 for quadrants"),
        .integer("tiles.overlap", default: 0, in: 0...4096, "pixels of the slice that neighbouring tiles share"),
        .integer("tiles.size", default: 512, in: 64...2048, "side of a tile after resizing, in pixels"),
    ]
    public let inputs = [
        StepInput.fact(.z), .voxels, .output(of: "describe", named: "histogram"),
    ]
    public let outputs = [StepOutput.artifact("slice", evictable: true)]

    public init() {}

    public func run(_ item: StepItem) throws {
        guard let z = item.scope.z?.lowerBound else { return }
        let histogram = try HistogramArtifact.read(item.artifact(of: "describe", named: "histogram"))
        let conversion = try EightBitConversion(
            low: percentile(item.real("density.lower_percentile"), of: histogram),
            high: percentile(item.real("density.upper_percentile"), of: histogram))
        let grid = try item.integer("clahe.grid")
        let clahe = try CLAHE(clipLimit: item.real("clahe.clip_limit"), rows: grid, columns: grid)

        var image = try conversion(item.openVolume().readSlice(z: z))
        if try item.text("density.structures") == "bright" { image = image.map { 255 - $0 } }
        let prepared = clahe(image)
        let count = try item.integer("tiles.count")
        let tiles = try TileGrid(
            height: prepared.height, width: prepared.width, rows: count, columns: count, overlap: item.integer("tiles.overlap"))
        try item.give("slice", artifact: PreparedSliceArtifact.kind) { artifact in
            try PreparedSliceArtifact.write(prepared, tiles: tiles, side: item.integer("tiles.size"), to: artifact)
        }
    }

    private func percentile(_ percentage: Double, of histogram: Histogram) throws -> Float {
        guard let value = histogram.percentile(percentage) else {
            throw PipelineError("the tomogram has no finite voxel, so that there is no contrast to set; look at its file")
        }
        return Float(value)
    }
}
