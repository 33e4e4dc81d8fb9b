import Basics
import Catalog
import CatalogSchema
import Volumes

/// A step in one recipe: what all its items share.
struct StepSetup: Sendable {
    let step: any Step
    /// Its parameters by their names within the step.
    let parameters: [String: RecipeValue]
    let configuration: Catalog.StepConfiguration
    /// The models that its parameters name, by name.
    let models: [String: ModelRecord]
    /// The names of its outputs, ascending: the order of digests everywhere.
    let outputNames: [String]

    /// - Throws: ``EngineError`` where the recipe names a model that the catalog does not have.
    init(_ step: any Step, recipe: Recipe, models: [String: ModelRecord]) throws(EngineError) {
        self.step = step
        parameters = recipe.parameters(ofStep: step.name)
        outputNames = step.outputs.map(\.name).sorted()
        var used: [String: ModelRecord] = [:]
        for parameter in step.parameters {
            guard case .model(let kind) = parameter.kind, let name = parameters[parameter.name]?.text,
                name != ParameterDeclaration.noModel
            else { continue }
            guard let model = models[name], model.kind == kind else {
                throw EngineError(
                    .unknownModel,
                    "the recipe's \(step.name).\(parameter.name) is \(name), and the catalog has no \(kind) model of that name; "
                        + "`cellar model list` shows what there is")
            }
            used[name] = model
        }
        self.models = used
        let digests = used.mapValues(\.digest.hexadecimal)
        let values = Dictionary(uniqueKeysWithValues: parameters.map { ("\(step.name).\($0.key)", $0.value.text) })
        var lines = ["cellar configuration 1", step.name, step.scope.rawValue, "\(step.version)"]
        // With its length before it, so that no text can look like another line.
        lines += values.sorted { $0.key < $1.key }.map { "recipe \($0.key)=\($0.value.utf8.count):\($0.value)" }
        lines += digests.sorted { $0.key < $1.key }.map { "model \($0.key)=\($0.value)" }
        lines += step.inputs.map { "input \($0.name)" }
        lines += outputNames.map { "output \($0)" }
        configuration = Catalog.StepConfiguration(
            step: step.name, scope: step.scope, version: step.version, parameters: values, models: digests,
            digest: Digest(of: lines.joined(separator: "\n").utf8))
    }

    /// The key of an item: a digest over the configuration and the digest of each input, in the order of declaration.
    func key(inputs: [Digest]) -> Digest {
        var hash = SHA256()
        configuration.digest.withUnsafeBytes { hash.update($0) }
        inputs.withUnsafeBytes { hash.update($0) }
        return hash.digest
    }
}
