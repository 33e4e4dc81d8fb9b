import Basics
import BlobStore
public import Catalog
public import CatalogSchema
import Engine
import Foundation
import ImageProcessing
import Pipeline

/// The explanation of a slice's feature map, in sentences: which eigenvectors of each tile were merged and why, what the
/// comparison along z decided in each slab, and how many instances of `split` were accepted.
public struct SliceExplanation {
    /// One line for each decision.
    public let lines: [String]

    /// - Parameter z: the slice, from 0; nil for the first slice of any slab.
    /// - Throws: ``CatalogError`` where no slab has that slice, or `feature-map` has no result for it.
    /// - Complexity: reads short values of the catalog, and no file.
    public init(_ catalog: Catalog, tomogram: TomogramRecord, z: Int?) throws {
        // Values alone are read, so that the store is never opened.
        let results = StandingResults(catalog, store: try BlobStore(directory: catalog.directory.checkedBlobs()))
        let slice = try SlabSlice(catalog, results, tomogram: tomogram, z: z)
        guard let tiles = try results.value(FeatureMapStep.self, \.log, scopeID: slice.id) else {
            let step = FeatureMapStep.name
            throw CatalogError(
                .invalid,
                "\(step) has no result for slice \(slice.z) of \(tomogram.name); `cellar run --until \(step)` computes it")
        }
        lines =
            try tiles.enumerated().flatMap { Self.lines(of: $1, tile: $0) } + Self.consistencyLines(slice, catalog)
            + Self.verdictLines(slice)
    }

    private static func lines(of log: MergeLog?, tile: Int) -> [String] {
        guard let log else { return ["tile \(tile): its tokens are all alike, so that nothing stands out"] }
        func text(_ value: Double) -> String { String(format: "%.4f", value) }
        return [
            "tile \(tile): the base is eigenvector \(log.base), diversity \(text(log.baseDiversity)), \(log.baseContours) contours; "
                + "the map has \(text(log.finalDiversity)) and \(log.finalContours)"
        ] + log.decisions.map { "  \($0.explanation)" }
    }

    /// The decision about the slice beside its neighbours, in each slab that has it.
    private static func consistencyLines(_ slice: SlabSlice, _ catalog: Catalog) throws -> [String] {
        let z = slice.z
        return try catalog.collection.slabs(ofTomogram: slice.tomogramID).filter { $0.zFirst <= z && z < $0.zEnd }.compactMap {
            slab in
            guard let id = slab.id,
                let decisions = try slice.results.value(ConsistencyStep.self, \.decisions, scopeID: id)
            else { return nil }
            return decisions.first { $0.index == z - slab.zFirst }.map { "slab \(id): \($0.explanation)" }
        }
    }

    /// The number of instances of `split` for each verdict of the gate.
    private static func verdictLines(_ slice: SlabSlice) throws -> [String] {
        guard let counts = try slice.results.value(SplitStep.self, \.verdicts, scopeID: slice.id) else { return [] }
        let words = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        return ["\(SplitStep.name): " + (words.isEmpty ? "nothing round or long enough" : words.joined(separator: ", "))]
    }
}
