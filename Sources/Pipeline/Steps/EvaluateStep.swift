import BlobStore
import Catalog
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Compares what the U-Net found with the labels of an annotation (method.md, row 12 and section 8).
///
/// Of an annotation that has points there is nothing to compare; `evaluate-picks` does that.
public struct EvaluateStep: TypedStep {
    public static let name = "evaluate"
    public static let version = 1
    public static let scope = ScopeKind.annotation
    public static let summary = "how well the segmentation agrees with labels of a person"

    public struct Parameters: Sendable {
        let pairing = ClassPairing()
        let labels = LabelEvaluation()
    }
    public struct Inputs: Sendable {
        let annotations = Input.annotations
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let segmentation = Input(SegmentStep.self, \.labels)
        let probability = Input(SegmentStep.self, \.probability)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), EvaluationOutputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let evaluation = try EvaluationScope(item, item.inputs.annotations)
        guard evaluation.annotation.kind == .labels else { return try evaluation.give(nil, curves: [:]) }
        let (segmentation, probability) = (try item.inputs.segmentation, try item.inputs.probability)
        let pairs = try evaluation.pairs(item.parameters.pairing, found: segmentation.classes)
        guard !pairs.compared.isEmpty else { return try evaluation.give(pairs, curves: [:]) }
        let shape = segmentation.shape
        let labels = try evaluation.labels(pairs, item.parameters.labels, shape: shape)
        let region = try evaluation.region(labels, item.parameters.labels)
        var comparison = try LabelComparison(
            classes: pairs.compared, shape: shape, voxelSize: item.inputs.calibration.voxelSize(of: item.scope), region: region,
            settings: evaluation.settings(item.parameters.labels, item.inputs.calibration.voxelSize(of: item.scope)))
        for z in 0..<shape.z {
            try item.checkCancellation()
            item.report(Double(z) / Double(shape.z), "slice \(z) of \(shape.z)")
            let isKnown = region.contains(z)
            try comparison.add(
                LabelComparison.Slice(
                    found: segmentation.labels(z, of: pairs.compared),
                    truth: shape.image(isKnown ? labels.slice(z) : [UInt8](repeating: 0, count: shape.sliceCount)),
                    probabilities: isKnown ? probability.slice(z, of: pairs.compared, shape: shape) : []))
        }
        let curves = try comparison.finish(item.base, source: "segment")
        try evaluation.give(pairs, slices: region, curves: curves)
    }
}
