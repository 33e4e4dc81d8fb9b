import Basics
import CatalogSchema

/// The artifacts that a run drops to save disk: transient ones (``StepOutput/isTransient``) whose readers are all done, the oldest first, while all
/// artifacts of the catalog take more than the recipe allows.
///
/// What was dropped stands, as what `gc` evicts does: nothing becomes stale, and where a step needs the bytes again, the step that gave them runs
/// once more.
struct SpentArtifacts {
    /// How much the artifacts of a catalog may take before a run drops any.
    static let budget = RecipeChoice(
        group: "catalog",
        .real(
            "budget", default: 0.25, in: 0...1_000_000,
            "GB of artifacts, beyond which a run drops features that later steps are done with; they are computed again when needed"
        ))

    private let limit: Int
    /// The bytes of all artifacts that are present; what another process removes meanwhile is not noticed.
    private(set) var byteCount: Int
    /// Those that nobody reads any more and that are still there, in the order in which that came about.
    private var spent: [(digest: Digest, bytes: Int)] = []
    private var known: Set<Digest> = []

    /// - Parameter byteCount: the bytes of all artifacts that are present when the run begins.
    init(_ recipe: Recipe, byteCount: Int) {
        // A gigabyte is 10⁹ bytes, as `cellar gc` and disks have it.
        limit = if case .real(let gigabytes)? = recipe[Self.budget.key] { Int(gigabytes * 1e9) } else { .max }
        self.byteCount = byteCount
    }

    /// Counts what was published.
    mutating func add(byteCount: Int) { self.byteCount += byteCount }

    /// Adds artifacts that nobody reads any more.
    mutating func add(_ artifacts: [(digest: Digest, bytes: Int)]) {
        spent += artifacts.filter { known.insert($0.digest).inserted }
    }

    /// Those that are to be dropped now; the caller drops them.
    ///
    /// - Parameter isSpent: whether still nobody reads an artifact: one that an item began to read since it was added is not dropped, and is added
    ///   again when that item ends.
    mutating func takeExcess(where isSpent: (Digest) -> Bool) -> [Digest] {
        var excess: [Digest] = []
        var count = 0
        while byteCount > limit, count < spent.count {
            let artifact = spent[count]
            count += 1
            known.remove(artifact.digest)
            guard isSpent(artifact.digest) else { continue }
            byteCount -= artifact.bytes
            excess.append(artifact.digest)
        }
        spent.removeFirst(count)
        return excess
    }
}
