/// Why a network cannot be made, trained or run: one sentence that says what, where, and what to do.
public struct TrainingError: Error, CustomStringConvertible, Sendable {
    public let description: String

    init(_ description: String) { self.description = description }
}
