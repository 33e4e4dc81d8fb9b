import Engine

extension StepItem {
    /// A parameter that is an upper limit: infinite where it is 0, which says that there is none.
    func limit(_ parameter: String) throws -> Double {
        let limit = try real(parameter)
        return limit > 0 ? limit : .infinity
    }
}
