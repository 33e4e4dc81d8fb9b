/// A moment on an artifact's way from nothing to a durable file, in order.
///
/// A store tells its probe of each. Where a probe throws, the artifacts that are not in place yet are given up; where
/// the process dies, the store holds no more than a stray file in `staging/`.
public enum PublishPoint: String, Sendable, Hashable, CaseIterable {
    /// The staging file exists and is empty.
    case created
    /// All datasets and attributes were handed to HDF5.
    case written
    /// The staging file is closed.
    case closed
    /// The staging file was reopened, and holds what was written.
    case checked
    /// The staging file is about to be forced to the disk.
    case willSync
    /// The staging file is on the disk.
    case synced
    /// The staging file is about to get its final name.
    case willRename
    /// The file has its final name.
    case renamed
    /// The folders that hold the new names are on the disk: the artifacts are durable. Once for each `publish`.
    case directoriesSynced
}
