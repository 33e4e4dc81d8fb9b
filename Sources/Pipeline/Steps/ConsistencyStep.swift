import Basics
import BlobStore
public import CatalogSchema
public import Engine
package import ImageProcessing
import Volumes

/// Makes the feature maps of a slab's slices consistent along z: a slice that differs from its neighbours is replaced by their mean, and each
/// other slice is averaged with them.
///
/// Where not every slice was looked at (`features.every`), the maps of the others are interpolated (``SparseConsistency``).
///
/// Maps of densities (`feature-map.scale.of: slab`) are scaled to 0 … 1 first, all by the mean of the ends that their slices
/// would have.
public struct ConsistencyStep: TypedStep {
    public static let name = "consistency"
    public static let version = 1
    public static let scope = ScopeKind.slab
    public static let summary = "maps smoothed along z, outliers replaced"
    public static let runsOnlyWhereRead = true

    public struct Parameters: Sendable {
        let neighbourSimilarity = Parameter.real(
            "neighbour_similarity", default: 0.9, in: -1...1, "SSIM of the slices around one, above which they may replace it")
        let sliceSimilarity = Parameter.real(
            "slice_similarity", default: 0.8, in: -1...1, "SSIM of a slice with the next one, below which it is replaced")
        let weight = Parameter.real(
            "weight", default: 0.5, in: 0...1, "weight of a slice that is kept; its neighbours share the rest")
    }
    public struct Inputs: Sendable {
        let maps = Input(each: FeatureMapStep.self, \.map)
    }
    public struct Outputs: Sendable {
        package let maps = ArtifactOutput<ConsistentMaps>("maps", evictable: true)
        package let decisions = ValueOutput<[SliceDecision]>("decisions")
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let maps = try item.inputs.maps
        var range: ClosedRange<Float>?
        var shapes: [[Int]] = []
        var isLookedAt: [Bool] = []
        var scales: [ClosedRange<Float>] = []
        try maps.forEachScope { _, map in
            shapes.append(try map.shape())
            isLookedAt.append(!map.isSkipped)
            guard !map.isSkipped else { return }
            let own = try map.range()
            range = range.map { min($0.lowerBound, own.lowerBound)...max($0.upperBound, own.upperBound) } ?? own
            if let scale = map.scale() { scales.append(scale) }
        }
        guard isLookedAt.contains(true) || isLookedAt.isEmpty else {
            throw PipelineError(
                "none of the \(isLookedAt.count) slices of the slab is looked at: lower features.every, or choose a thicker slab")
        }
        guard let range, let shape = shapes.first, shapes.allSatisfy({ $0 == shape }) else {
            throw PipelineError(mistake: .item, "a slab without slices has no maps to compare")
        }
        let scale = Self.mean(of: scales)
        let rule = try SliceConsistency(
            range: scale == nil ? range : 0...1, neighbourThreshold: item.parameters.neighbourSimilarity,
            sliceThreshold: item.parameters.sliceSimilarity,
            sliceWeight: item.parameters.weight)
        var stream = try SparseConsistency(rule, isLookedAt: isLookedAt)
        var decisions: [SliceDecision] = []
        try item.give(\.maps) { artifact in
            let writer = try ConsistentMaps.Writer(artifact, depth: shapes.count, shape: shape)
            func append(_ slice: ConsistentSlice) throws {
                decisions.append(slice.decision)
                try writer.append(slice.map)
            }
            try maps.forEachScope { _, map in
                guard !map.isSkipped else { return }
                let image = try map.image()
                try stream.add(scale.map { MapScaling.scale(image, from: $0) } ?? image, give: append)
            }
            try stream.finish(give: append)
        }
        try item.give(\.decisions, decisions)
        if isLookedAt.contains(false) { item.record("interpolated", Double(decisions.count { $0.rule == .interpolated })) }
        item.record("replaced", Double(decisions.count { $0.rule == .replaced }))
    }

    /// The mean of the lower ends and that of the upper ends of several ranges; nil where there is none.
    private static func mean(of ranges: [ClosedRange<Float>]) -> ClosedRange<Float>? {
        guard !ranges.isEmpty else { return nil }
        func average(_ ends: [Float]) -> Float { Float(ends.reduce(0.0) { $0 + Double($1) } / Double(ends.count)) }
        let low = average(ranges.map(\.lowerBound))
        return low...max(low, average(ranges.map(\.upperBound)))
    }
}
