import Basics
import CatalogSchema
import Foundation
import Volumes

/// The folder of a bundle: what workers compute, and what came of it.
///
/// ```
/// SPOOL/run-12-3-k2f9/          made under another name, and renamed when it is complete
/// ├── bundle                    recipe, steps, models, and how many items each task has (``BundleHeader``)
/// ├── tasks/0, 1, …             the items of each task with all that they read (``BundleTask``)
/// ├── jobs                      the jobs that the tasks were submitted as (``BundleJobs``)
/// ├── results/0/KEY             one file for each item of a task that ended (``ItemResult``)
/// ├── progress/0                the item in progress, its last report and its curves (``TaskProgress``)
/// └── logs/                     what workers print
/// ```
///
/// Every file but the logs is a ``SealedFile``.
struct BundleFolder: Sendable, Hashable {
    let path: String

    /// Its name, which is unique among the bundles of all runs, and begins the names of files that its workers stage.
    var id: String { path.split(separator: "/").last.map(String.init) ?? path }
    var header: String { "\(path)/bundle" }
    var jobs: String { "\(path)/jobs" }
    var logs: String { "\(path)/logs" }
    func task(_ number: Int) -> String { "\(path)/tasks/\(number)" }
    func results(of task: Int) -> String { "\(path)/results/\(task)" }
    func result(of key: Digest, task: Int) -> String { "\(results(of: task))/\(key.hexadecimal)" }
    func progress(of task: Int) -> String { "\(path)/progress/\(task)" }

    /// What begins the name of a bundle while it is removed.
    static let grave = ".over-"

    /// Removes it.
    func remove() {
        // Renamed first: a worker that is late finds nothing, and never a part.
        let grave = FilePath.folder(of: path) + Self.grave + id
        guard rename(path, grave) == 0 else { return }
        // One that is just writing a file may make another try necessary; what stays is removed by the next run.
        for _ in 0..<5 {
            try? FileManager.default.removeItem(atPath: grave)
            if !FilePath.exists(grave) { return }
            usleep(20_000)
        }
    }

    /// The error where somebody removed it during its run.
    var gone: EngineError {
        EngineError(.spool, "is gone, with what workers computed; was it removed? Run again", path: path)
    }
}

/// All that the items of a bundle share.
struct BundleHeader: Codable, Sendable {
    struct Step: Codable, Sendable {
        var name: String
        var version: Int
        /// The names of the inputs that its items read under the recipe, in the order of declaration.
        var inputs: [String]
        /// The digest of its configuration.
        var configuration: Digest
    }

    struct Model: Codable, Sendable {
        var name: String
        var kind: String
        var path: String
        var digest: Digest
    }

    struct Task: Codable, Sendable {
        var step: String
        var items: Int
    }

    /// The version of the program.
    var version: String
    /// The folder of the catalog.
    var catalog: String
    var runID: Int64
    /// The folder of the blob store.
    var blobs: String
    /// The folder of all items' work folders.
    var workFolder: String
    var prefersLittleMemory: Bool
    /// The values of all parameters, as text.
    var recipe: [String: String]
    var steps: [Step]
    var models: [Model]
    var tasks: [Task]
}

/// The items of one task.
struct BundleTask: Codable, Sendable {
    var bundle: String
    var number: Int
    var tomograms: [BundleTomogram]
    var scopes: [BundleScope]
    var items: [BundleItem]

    /// A scope as steps see it.
    ///
    /// - Throws: ``EngineError`` where the numbers of the file do not fit together.
    func scope(_ number: Int) throws(EngineError) -> StepItem.Scope {
        guard scopes.indices.contains(number) else { throw Self.contradiction }
        let scope = scopes[number]
        let tomogram: BundleTomogram?
        if let position = scope.tomogram {
            guard tomograms.indices.contains(position) else { throw Self.contradiction }
            tomogram = tomograms[position]
        } else {
            tomogram = nil
        }
        guard scope.z.map({ $0.count == 2 && $0[0] <= $0[1] }) ?? true else { throw Self.contradiction }
        return StepItem.Scope(
            kind: scope.kind, id: scope.id, tomogram: tomogram?.name ?? scope.owner ?? "", tomogramID: tomogram?.id,
            location: tomogram?.location.location, z: scope.z.map { $0[0]..<$0[1] }, label: scope.label)
    }

    static var contradiction: EngineError { EngineError(mistake: .spool, "a task of the bundle contradicts itself") }
}

struct BundleTomogram: Codable, Sendable {
    var id: Int64
    /// `dataset/name`
    var name: String
    var location: BundleLocation
    /// The digest of the signature of its file; nil where it was missing.
    var signature: Digest?
    /// The edges x, y, z in Å by source, as ``Catalog/PlanningSnapshot/DeclaredVoxelSize`` has them.
    var voxelSizes: [String: [Double]]
}

/// Where a volume is.
struct BundleLocation: Codable, Sendable {
    var path: String
    var member: String?

    init(_ location: VolumeLocation) { (path, member) = (location.path, location.member) }

    var location: VolumeLocation { VolumeLocation(path: path, member: member) }
}

struct BundleScope: Codable, Sendable {
    var kind: ScopeKind
    var id: Int64
    /// A position among the tomograms of the task; nil for a training set.
    var tomogram: Int?
    /// The name of a training set.
    var owner: String?
    /// First and end.
    var z: [Int]?
    var label: String
}

/// An item, with all that it reads from the catalog.
struct BundleItem: Codable, Sendable {
    /// What one item of another step gave for an input.
    struct Member: Codable, Sendable {
        /// A position among the scopes of the task, as all scopes here.
        var scope: Int
        var digest: Digest
        /// The JSON text of a value; nil for an artifact.
        var value: String?
    }

    struct Input: Codable, Sendable {
        /// Of a fact, or of a single output.
        var digest: Digest?
        /// The outputs of other items; nil for a fact.
        var members: [Member]?
    }

    struct Annotation: Codable, Sendable {
        var scope: Int
        var kind: AnnotationRecord.Kind
        var location: BundleLocation
        var classes: [StepItem.Annotation.Class]
        var points: [StepItem.Annotation.Point]
        var threshold: Double?

        init(scope: Int, _ annotation: StepItem.Annotation) {
            (self.scope, kind, location) = (scope, annotation.kind, BundleLocation(annotation.location))
            (classes, points, threshold) = (annotation.classes, annotation.points, annotation.threshold)
        }

        var annotation: StepItem.Annotation {
            StepItem.Annotation(kind: kind, location: location.location, classes: classes, points: points, threshold: threshold)
        }
    }

    struct Curation: Codable, Sendable {
        var scope: Int
        var verdicts: [CurationMember.Verdict]
    }

    /// A position among the steps of the bundle.
    var step: Int
    var scope: Int
    var key: Digest
    /// In the order of declaration.
    var inputs: [Input]
    /// Of a training set: its tomograms, annotations and slabs.
    var members: [Int]?
    var annotations: [Annotation]?
    var curation: [Curation]?
}

/// The jobs that tasks of a bundle were submitted as, in that order.
struct BundleJobs: Codable, Sendable {
    struct Job: Codable, Sendable {
        /// nil while the scheduler is asked to take it: a coordinator that ends then does not know the id, but others can ask for it
        /// (``JobScheduler/job(of:)``).
        var id: String?
        /// That of the submission.
        var name: String
        var first: Int
        var end: Int
        var attempt: Int

        /// What it was submitted as, as far as it matters for finding it.
        func submission(of folder: BundleFolder) -> JobSubmission {
            JobSubmission(
                bundle: folder.path, tasks: first..<max(first, end), name: name, steps: [], threads: 1, attempt: attempt,
                logs: folder.logs)
        }
    }

    var scheduler: String
    var jobs: [Job] = []

    /// The job that a task was submitted as last; nil where its id is not known.
    func last(ofTask number: Int) -> String? { jobs.last { $0.first <= number && number < $0.end && $0.id != nil }?.id }
}

/// What came of an item: its result, or the sentence of its failure.
struct ItemResult: Codable, Sendable {
    struct Output: Codable, Sendable {
        var name: String
        var digest: Digest
        /// The JSON text of a value.
        var value: String?
        /// Of an artifact, as the next ones.
        var kind: String?
        var bytes: Int?
        var evictable: Bool?
        /// The name of the file that was staged.
        var staged: String?
    }

    struct Metric: Codable, Sendable {
        var name: String
        var value: Double
    }

    var key: Digest
    var host: String
    var process: Int32
    /// The most memory that the worker had while it computed the item.
    var memoryBytes: Int64?
    var startedAt: String
    var seconds: Double
    var failure: String?
    var outputs: [Output] = []
    var metrics: [Metric] = []
    var objects: [FoundObject] = []
    /// The ids of the tomograms whose files it read.
    var sources: [Int64] = []
    var curve: [CurvePoint] = []
}

struct CurvePoint: Codable, Sendable, Hashable {
    var name: String
    var x: Int
    var value: Double
}

/// The state of a worker.
struct TaskProgress: Codable, Sendable {
    var host: String
    var process: Int32
    /// Of the item in progress; nil between items.
    var key: Digest?
    var fraction = 0.0
    var note = ""
    /// The points that the item logged.
    var curve: [CurvePoint] = []
    /// The sentence with which the worker refused to compute anything.
    var refusal: String?
    /// Rises with each second in which the worker is alive: clocks of machines differ.
    var beat = 0
}
