import CatalogSchema
import Engine
import ImageProcessing
import Pipeline
import Rendering
import Volumes

/// The lines in which the surfaces of the sample, as `extent` found them, cross a slice. A surface that is not tilted crosses none.
struct SurfaceLines {
    private static let entry = LegendEntry(name: "surface of the sample", color: .white)

    let lines: [SliceLine]

    /// What the colour of the lines means; empty where there is no line.
    var legend: [LegendEntry] { lines.isEmpty ? [] : [Self.entry] }

    /// - Parameter z: the slice, from 0.
    /// - Throws: ``CatalogError`` where the catalog cannot be read.
    /// - Complexity: one query; opens no file.
    init(_ results: StandingResults, of tomogram: TomogramRecord, z: Int) throws {
        guard let id = tomogram.id, let shape = VolumeShape(z: tomogram.sizeZ, y: tomogram.sizeY, x: tomogram.sizeX),
            let extent = try results.value(ExtentStep.self, \.extent, scopeID: id)
        else {
            lines = []
            return
        }
        lines = [extent.lower, extent.upper].compactMap { plane in
            // A result of a file of another size says nothing of this one.
            guard let plane, plane.middleX == Double(shape.x - 1) / 2, plane.middleY == Double(shape.y - 1) / 2 else {
                return nil
            }
            return plane.crossing(z: z, shape: shape).map { SliceLine(from: $0.0, to: $0.1, color: Self.entry.color) }
        }
    }
}
