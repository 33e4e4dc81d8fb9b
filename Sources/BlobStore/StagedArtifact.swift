public import Basics
internal import Volumes

/// An artifact that is written and checked, but neither durable nor visible: `BlobStore.publish` makes it both.
public struct StagedArtifact: Sendable, Hashable {
    public let digest: Digest
    public let kind: String
    /// The size of the file.
    public let byteCount: Int
    /// The file in `staging/`.
    let path: String
}
