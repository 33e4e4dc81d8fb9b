public import Catalog
import CatalogSchema
import Engine
import ImageProcessing
import Pipeline
import Volumes

extension Project {
    /// Suggests slabs in those tomograms that differ most from one another, as `Catalog/Collection/suggestSlabs(count:slices:selection:)`
    /// does. Where the extent of the sample is known, and fresh, the slab lies in the middle of the sample instead of that of the tomogram,
    /// has no slice outside of it, and the reason says where it shows a surface.
    ///
    /// - Parameters:
    ///   - count: the number of slabs at most.
    ///   - slices: the number of slices in each; fewer where tomogram or sample is thinner.
    ///   - selection: the ids of the tomograms to choose from; nil for all.
    /// - Throws: `CatalogError` where the catalog cannot be read, `EngineError` where the recipe is not understood.
    /// - Complexity: a plan of the tomograms that are suggested; opens no tomogram.
    public func suggestSlabs(count: Int, slices: Int, selection: [Int64]? = nil) throws -> [SlabSuggestion] {
        let suggestions = try catalog.collection.suggestSlabs(count: count, slices: slices, selection: selection)
        guard !suggestions.isEmpty, graph.steps.contains(where: { $0.name == ExtentStep.name }) else { return suggestions }
        let fresh = try plan(tomograms: suggestions.map(\.tomogramID), until: ExtentStep.name).freshScopes(of: ExtentStep.name)
        let results = try results()
        return try suggestions.map { suggestion in
            guard fresh.contains(suggestion.tomogramID),
                let extent = try results.value(ExtentStep.self, \.extent, scopeID: suggestion.tomogramID)
            else { return suggestion }
            let tomogram = try catalog.collection.tomogram(named: "\(CatalogReference.idPrefix)\(suggestion.tomogramID)")
            guard let shape = VolumeShape(z: tomogram.sizeZ, y: tomogram.sizeY, x: tomogram.sizeX) else { return suggestion }
            return SampleSlices(extent, of: shape).placed(suggestion, slices: slices)
        }
    }
}

/// The slices of a tomogram in which the sample lies, and those in which its surfaces do.
struct SampleSlices {
    /// Those with any part of the sample; all where no surface was found, or the sample lies in none.
    let inside: Range<Int>
    /// The slices that each surface crosses, for the surfaces that were found; none where it lies between two slices.
    private let surfaces: [(name: String, slices: ClosedRange<Int>)]

    init(_ extent: SampleExtent, of shape: VolumeShape) {
        inside = extent.slices(of: shape) ?? 0..<shape.z
        surfaces = [("lower", extent.lower), ("upper", extent.upper)].compactMap { name, plane in
            plane.flatMap { plane in
                let heights = plane.heights(over: shape)
                // A surface between two slices is seen by comparing both.
                let (first, last) = (heights.lowerBound.rounded(.down), heights.upperBound.rounded(.up))
                guard first < Double(shape.z), last >= 0 else { return nil }
                return (name, Int(max(first, 0))...Int(min(last, Double(shape.z - 1))))
            }
        }
    }

    /// The suggestion with its slab in the middle of the sample, and what it shows of the sample among the reasons.
    func placed(_ suggestion: SlabSuggestion, slices: Int) -> SlabSuggestion {
        let count = min(max(slices, 1), inside.count)
        let first = inside.lowerBound + (inside.count - count) / 2
        var placed = suggestion
        placed.z = first..<first + count
        placed.reason = ([suggestion.reason] + notes(on: placed.z)).joined(separator: "; ")
        return placed
    }

    /// What a slab shows of the sample's surfaces, and which of its slices lie outside of the sample.
    func notes(on z: Range<Int>) -> [String] {
        guard !surfaces.isEmpty else { return [] }
        let shown = surfaces.filter { z.overlaps(Range($0.slices)) }.map { surface in
            let (first, last) = (surface.slices.lowerBound, surface.slices.upperBound)
            return "shows the \(surface.name) surface of the sample (z \(first)\(last > first ? " to \(last)" : ""))"
        }
        let outside = z.count - z.clamped(to: inside).count
        return (shown.isEmpty ? ["shows no surface of the sample"] : shown)
            + (outside > 0 ? ["\(outside) of its slices lie outside of the sample"] : [])
    }
}
