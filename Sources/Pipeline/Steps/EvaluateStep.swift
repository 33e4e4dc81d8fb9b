import BlobStore
import Catalog
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Compares what the U-Net found with the labels of an annotation (method.md, row 12 and section 8).
///
/// Of an annotation that has points there is nothing to compare; `evaluate-picks` does that.
public struct EvaluateStep: Step {
    public let name = "evaluate"
    public let version = 1
    public let scope = ScopeKind.annotation
    public let summary = "how well the segmentation agrees with labels of a person"
    public let parameters = [EvaluationScope.classes] + EvaluationScope.labelParameters
    public let inputs = [
        StepInput.fact(.annotation), .output(of: "calibrate", named: "voxel-size"), .output(of: "segment", named: "labels"),
        .output(of: "segment", named: "probability"),
    ]
    public let outputs = EvaluationScope.outputs

    public init() {}

    public func run(_ item: StepItem) throws {
        let evaluation = try EvaluationScope(item, step: name)
        guard evaluation.annotation.kind == .labels else { return try evaluation.give(nil, curves: [:]) }
        let segmentation = try SegmentedSlices(
            labels: item.artifact(of: "segment", named: "labels"), probability: item.artifact(of: "segment", named: "probability")
        )
        let pairs = try evaluation.pairs(found: segmentation.classes)
        guard !pairs.compared.isEmpty else { return try evaluation.give(pairs, curves: [:]) }
        let shape = segmentation.shape
        let labels = try evaluation.labels(pairs, shape: shape)
        let region = try evaluation.region(labels)
        var comparison = try LabelComparison(
            classes: pairs.compared, shape: shape, voxelSize: item.voxelSize(), region: region,
            settings: evaluation.settings(item.voxelSize()))
        for z in 0..<shape.z {
            try item.checkCancellation()
            item.report(Double(z) / Double(shape.z), "slice \(z) of \(shape.z)")
            let isKnown = region.contains(z)
            try comparison.add(
                LabelComparison.Slice(
                    found: segmentation.labels(z, of: pairs.compared),
                    truth: shape.image(isKnown ? labels.slice(z) : [UInt8](repeating: 0, count: shape.sliceCount)),
                    probabilities: isKnown ? segmentation.probabilities(z, of: pairs.compared) : []))
        }
        let curves = try comparison.finish(item, source: "segment")
        try evaluation.give(pairs, slices: region, curves: curves)
    }
}
