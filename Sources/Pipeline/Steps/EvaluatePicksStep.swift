import Catalog
public import CatalogSchema
public import Engine

/// Compares the particles that the picker found with the points of an annotation (method.md, row 12 and section 8).
///
/// Of an annotation that has labels there is nothing to compare; `evaluate` does that.
public struct EvaluatePicksStep: Step {
    public let name = "evaluate-picks"
    public let version = 1
    public let scope = ScopeKind.annotation
    public let summary = "how many of the particles that a person marked were found"
    public let parameters = [EvaluationScope.classes] + EvaluationScope.pickParameters
    public let inputs = [StepInput.fact(.annotation), .output(of: "pick", named: "particles")]
    public let outputs = EvaluationScope.outputs

    public init() {}

    public func run(_ item: StepItem) throws {
        let evaluation = try EvaluationScope(item, step: name)
        guard evaluation.annotation.kind == .points else { return try evaluation.give(nil, curves: [:]) }
        let (classes, found) = try FoundParticle.picks(item.artifact(of: "pick", named: "particles"))
        let pairs = try evaluation.pairs(found: classes)
        let (curves, rules) = try evaluation.pickComparison().record(
            evaluation.particles(pairs, found: found), of: item, source: "pick")
        try evaluation.give(pairs, rules: rules, curves: curves)
    }
}
