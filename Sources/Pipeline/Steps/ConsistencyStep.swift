import BlobStore
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Makes the maps of a slab's slices agree along z: an outlier is replaced by its neighbours, any other is smoothed with them.
public struct ConsistencyStep: Step {
    public let name = "consistency"
    public let version = 1
    public let scope = ScopeKind.slab
    public let summary = "maps smoothed along z, outliers replaced"
    public let parameters: [Parameter] = [
        .real("neighbour_similarity", default: 0.9, in: -1...1, "SSIM of the slices around one, above which they may replace it"),
        .real("slice_similarity", default: 0.8, in: -1...1, "SSIM of a slice with the next one, below which it is replaced"),
        .real("weight", default: 0.5, in: 0...1, "weight of a slice that is kept; its neighbours share the rest"),
    ]
    public let inputs = [StepInput.output(of: "feature-map", named: "map")]
    public let outputs = [StepOutput.artifact("maps", evictable: true), .value("decisions")]

    public init() {}

    public func run(_ item: StepItem) throws {
        var range: ClosedRange<Float>?
        var shapes: [[Int]] = []
        try item.forEachArtifact(of: "feature-map", named: "map") { member in
            let own = try MapArtifact.range(member.artifact)
            range = range.map { min($0.lowerBound, own.lowerBound)...max($0.upperBound, own.upperBound) } ?? own
            shapes.append(try member.artifact.dataset("map").shape)
        }
        guard let range, let shape = shapes.first, shapes.allSatisfy({ $0 == shape }) else {
            throw PipelineError("a slab without slices has no maps to compare")
        }
        var stream = try SliceConsistency(
            range: range, neighbourThreshold: item.real("neighbour_similarity"), sliceThreshold: item.real("slice_similarity"),
            sliceWeight: item.real("weight")
        ).stream()
        var decisions: [SliceDecision] = []
        try item.give("maps", artifact: MapArtifact.consistentMaps) { artifact in
            let dataset = try artifact.createDataset(
                "maps", shape: [shapes.count] + shape, scalarType: .float16, chunk: [1] + shape)
            func append(_ slice: ConsistentSlice?) throws {
                guard let slice else { return }
                decisions.append(slice.decision)
                try dataset.append(slice.map.values.map { Float16($0) })
            }
            try item.forEachArtifact(of: "feature-map", named: "map") { member in
                try append(stream.add(MapArtifact.read(member.artifact)))
            }
            try append(stream.finish())
        }
        try item.give("decisions", value: decisions)
        item.record("replaced", Double(decisions.count { $0.rule == .replaced }))
    }
}
