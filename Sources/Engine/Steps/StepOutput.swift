/// Something that a step gives.
public struct StepOutput: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// A short value, kept in the catalog as JSON.
        case value
        /// A blob. An evictable one may be dropped by `gc` and is computed again when a step below needs it.
        case artifact(evictable: Bool)
    }

    public let name: String
    public let kind: Kind

    public static func value(_ name: String) -> StepOutput { StepOutput(name: name, kind: .value) }

    public static func artifact(_ name: String, evictable: Bool) -> StepOutput {
        StepOutput(name: name, kind: .artifact(evictable: evictable))
    }
}
