import Catalog
public import CatalogSchema
public import Engine

/// Compares the particles that the picker found with the points of an annotation (method.md, row 12 and section 8).
///
/// Of an annotation that has labels there is nothing to compare; `evaluate` does that.
public struct EvaluatePicksStep: TypedStep {
    public static let name = "evaluate-picks"
    public static let version = 1
    public static let scope = ScopeKind.annotation
    public static let summary = "how many of the particles that a person marked were found"

    public struct Parameters: Sendable {
        let pairing = ClassPairing()
        let picks = PickEvaluation()
    }
    public struct Inputs: Sendable {
        let annotations = Input.annotations
        let picks = Input(PickStep.self, \.particles)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), EvaluationOutputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let evaluation = try EvaluationScope(item, item.inputs.annotations)
        guard evaluation.annotation.kind == .points else { return try evaluation.give(nil, curves: [:]) }
        let picks = try item.inputs.picks
        let pairs = try evaluation.pairs(item.parameters.pairing, found: picks.classes)
        let (curves, rules) = try evaluation.pickComparison(item.parameters.picks).record(
            evaluation.particles(pairs, found: picks.particles), of: item.base, source: "pick")
        try evaluation.give(pairs, rules: rules, curves: curves)
    }
}
