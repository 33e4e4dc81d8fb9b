import CatalogSchema
import Engine

/// One of a chain of steps, each of which reads what the one before it gave.
struct ChainStep: Step {
    let number: Int
    let version = 1
    let scope = ScopeKind.tomogram
    let summary = "a link of a chain"
    let parameters = [ParameterDeclaration.real("gain", default: 1, in: 0...10, "a factor")]

    /// The steps of a method of ten.
    static let all: [any Step] = (1...10).map(ChainStep.init)

    var name: String { "link-\(number)" }

    var inputs: [StepInput] {
        number == 1 ? [.fact(.source), .fact(.declaredVoxelSize)] : [.output(of: "link-\(number - 1)", named: "text")]
    }

    var outputs: [StepOutput] { [number == 1 ? .voxels("text") : .value("text")] }

    func run(_ item: StepItem) throws {
        try item.give("text", value: "\(name) of \(item.scope.id)")
        item.record("gain", try item.real("gain"))
    }
}
