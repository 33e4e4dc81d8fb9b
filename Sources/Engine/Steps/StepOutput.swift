/// Something that a step gives.
public struct StepOutput: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// A short value, kept in the catalog as JSON.
        case value
        /// A value whose digest tells the voxels of a tomogram from all others.
        case voxels
        /// A blob. An evictable one may be dropped by `gc` and is computed again when a step below needs it.
        case artifact(evictable: Bool)
    }

    public let name: String
    public let kind: Kind

    public static func value(_ name: String) -> StepOutput { StepOutput(name: name, kind: .value) }

    /// Of the one step that reads tomograms' files as they are; what ``StepInput/voxels`` stands for.
    public static func voxels(_ name: String) -> StepOutput { StepOutput(name: name, kind: .voxels) }

    public static func artifact(_ name: String, evictable: Bool) -> StepOutput {
        StepOutput(name: name, kind: .artifact(evictable: evictable))
    }
}
