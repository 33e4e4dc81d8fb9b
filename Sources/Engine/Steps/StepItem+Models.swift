public import CatalogSchema

extension StepItem {
    /// The model that a parameter names; nil where it is "none".
    ///
    /// - Throws: ``EngineError`` where the step declared no such parameter.
    public func model(_ name: String) throws -> ModelRecord? {
        guard case .text(let model)? = setup.parameters[name],
            setup.step.parameters.contains(where: { $0.name == name && $0.isModel })
        else { throw undeclared("parameter", name) }
        return setup.models[model]
    }
}
