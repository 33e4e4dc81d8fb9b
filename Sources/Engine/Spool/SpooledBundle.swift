internal import Basics
public import Catalog
internal import Foundation
internal import Volumes

/// A bundle of a run whose results are not all in the catalog: of a run that goes on, or that ended and left its jobs alone.
public struct SpooledBundle: Sendable {
    /// Items that one worker computes, one after the other.
    public struct Task: Sendable {
        public let number: Int
        public let step: String
        public let items: Int
        /// The items that have a result file: those that failed, too.
        public let ended: Int
        /// The job that it was submitted as last; nil where its id is not known.
        public let job: String?
        /// Where its last worker was, and what that said; nil before one began.
        public let host: String?
        public let note: String?
    }

    /// The folder of the bundle.
    public let path: String
    public let runID: Int64
    /// The name of the scheduler: `processes`, `slurm`.
    public let scheduler: String
    public let tasks: [Task]
    /// The folder for what workers print.
    public var logs: String { BundleFolder(path: path).logs }
    /// The ids of jobs that it was submitted as, in that order.
    public let jobs: [String]
    /// Submissions whose ids were lost, since the run ended while it submitted: a scheduler may know them (``JobScheduler/job(of:)``).
    public let lost: [JobSubmission]

    /// The bundles of a catalog, by ascending run; none where nothing waits.
    ///
    /// - Complexity: reads three small files for each task.
    public static func all(of directory: CatalogDirectory) -> [SpooledBundle] {
        folders(of: directory).compactMap { SpooledBundle($0, of: directory) }.sorted {
            ($0.runID, $0.path) < ($1.runID, $1.path)
        }
    }

    /// Whether an owner of staged files is a bundle of the catalog that is still there: its workers' results may be published.
    public static func owners(of directory: CatalogDirectory) -> Set<String> { Set(folders(of: directory).map(\.id)) }

    private static func folders(of directory: CatalogDirectory) -> [BundleFolder] {
        SpoolFolders(directory).all.flatMap { spool in
            var folders: [BundleFolder] = []
            try? FilePath.forEachEntry(ofFolder: spool) { name, _ in
                if name.hasPrefix("run-") { folders.append(BundleFolder(path: "\(spool)/\(name)")) }
            }
            return folders
        }
    }

    /// - Returns: nil where it is of another catalog, or damaged.
    private init?(_ folder: BundleFolder, of directory: CatalogDirectory) {
        guard let header = try? SealedFile.read(BundleHeader.self, at: folder.header), header.catalog == directory.path else {
            return nil
        }
        let known = (try? SealedFile.readIfThere(BundleJobs.self, at: folder.jobs)) ?? nil
        let jobs = known ?? BundleJobs(scheduler: "")
        path = folder.path
        runID = header.runID
        scheduler = jobs.scheduler
        self.jobs = jobs.jobs.compactMap(\.id)
        lost = jobs.jobs.filter { $0.id == nil }.map { $0.submission(of: folder) }
        tasks = header.tasks.enumerated().map { number, task in
            var ended = 0
            try? FilePath.forEachEntry(ofFolder: folder.results(of: number)) { name, _ in
                if Digest(hexadecimal: name) != nil { ended += 1 }
            }
            let progress = (try? SealedFile.readIfThere(TaskProgress.self, at: folder.progress(of: number))) ?? nil
            return Task(
                number: number, step: task.step, items: task.items, ended: ended, job: jobs.last(ofTask: number),
                host: progress?.host, note: progress.map { $0.refusal ?? $0.note })
        }
    }
}
