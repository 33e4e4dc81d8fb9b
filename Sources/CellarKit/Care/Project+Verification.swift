public import Basics
import BlobStore
import Catalog
import CatalogSchema

/// What a check of the database and of all artifacts found.
public struct Verification: Sendable {
    /// The number of artifacts that were looked at.
    public fileprivate(set) var artifactCount = 0
    /// A sentence each: about the database, missing or damaged artifacts, and files that could not be read.
    public fileprivate(set) var problems: [String] = []
    /// The artifacts that are missing or proved to be damaged.
    public fileprivate(set) var spoiled: [Digest] = []
}

extension Project {
    /// Checks the database, and that each artifact's file is there and sound.
    ///
    /// - Parameters:
    ///   - deep: whether every byte is read and compared with the digest; else only the structure of each file is looked at.
    ///   - progress: called after each artifact.
    /// - Throws: `CatalogError` where the catalog cannot be read.
    public func verify(
        deep: Bool, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> Verification {
        let store = try store()
        var verification = Verification()
        verification.problems = try catalog.integrityProblems()
        let artifacts = try catalog.results.artifacts().filter { $0.state == .present }
        verification.artifactCount = artifacts.count
        for (index, digest) in artifacts.map(\.digest).enumerated() {
            defer { progress(index + 1, artifacts.count) }
            switch store.condition(of: digest, deep: deep) {
            case .sound: continue
            case .missing:
                verification.problems.append("\(store.path(of: digest)): there is no such artifact")
                verification.spoiled.append(digest)
            case .damaged(let error):
                verification.problems.append("\(error)")
                verification.spoiled.append(digest)
            case .unknown(let error):
                verification.problems.append("\(error.location): could not be checked: \(error.message)")
            }
        }
        return verification
    }

    /// Looks at artifacts again, while nobody else may write, and has those computed again that are still damaged or missing. A file that
    /// cannot be read proves nothing, and stays.
    ///
    /// - Returns: how many damaged artifacts were removed, and how many missing ones were noted.
    /// - Throws: `CatalogError` where another process runs.
    public func repair(_ spoiled: [Digest], deep: Bool) throws -> (removed: Int, missing: Int) {
        let lock = try RunLock(catalog)
        defer { withExtendedLifetime(lock) {} }
        let store = try store()
        var (damaged, missing): ([Digest], [Digest]) = ([], [])
        for digest in spoiled {
            switch store.condition(of: digest, deep: deep) {
            case .sound, .unknown: continue
            case .missing: missing.append(digest)
            case .damaged: damaged.append(digest)
            }
        }
        // The rows first: a row without its file would be trusted, a file without its row is only a stray.
        try catalog.results.setState(.evicted, of: damaged + missing)
        try store.remove(damaged)
        return (damaged.count, missing.count)
    }
}
