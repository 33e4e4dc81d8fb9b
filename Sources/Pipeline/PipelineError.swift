/// Why a step could not do its work on an item: one sentence that says what, and what to do.
public struct PipelineError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String

    public init(_ message: String) { self.message = message }

    public var description: String { message }
}
