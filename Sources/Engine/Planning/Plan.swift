internal import Basics
internal import Catalog
public import CatalogSchema
internal import Volumes

/// What is stale in a collection, step by step.
///
/// Made by ``Planner``; nothing is written and no file is opened for it.
public struct Plan: Sendable {
    /// The items of one step by how they stand.
    public struct StepSummary: Sendable, Hashable {
        public let step: String
        public let scope: ScopeKind
        /// Items whose result stands.
        public internal(set) var fresh = 0
        /// Items of which an earlier result has today's key.
        public internal(set) var foundAgain = 0
        /// Items that run.
        public internal(set) var stale = 0
        /// Items that run if what comes before them turns out different.
        public internal(set) var waiting = 0
        /// Items whose tomogram's file is missing.
        public internal(set) var offline = 0
        /// Items that cannot run: they need what is trained on a set that the plan covers in part only, and was not yet.
        public internal(set) var blocked = 0
        /// Items that run only because their dropped bytes are needed again.
        public internal(set) var restore = 0
        /// Items without a result that failed or were skipped at their last try.
        public internal(set) var failed = 0
        /// Seconds of one worker that the stale and waiting items take, by what items took before; nil where none ran.
        public internal(set) var estimatedSeconds: Double?
        /// Bytes of artifacts that they write.
        public internal(set) var estimatedBytes: Double?

        public var total: Int { fresh + foundAgain + stale + waiting + offline + blocked }
        /// Whether a run has anything to do, or to tell.
        public var hasWork: Bool { foundAgain + stale + waiting + blocked > 0 }
    }

    let graph: StepGraph
    let setups: [StepSetup]
    let scopes: ScopeIndex
    let signatures: [SourceSignature?]
    /// For each step, the state of each of its scopes.
    let states: [[ItemState]]
    /// For each step, the digests of the outputs of its scopes, as many for each as it has outputs; meaningful where
    /// the state is `fresh`, `foundAgain` or `offline`.
    let outputs: [[Digest]]
    /// Earlier results that have today's key: the item, its key, and the trace.
    let foundAgain: [(item: ItemNode, key: Digest, trace: KnownTrace)]
    let evicted: Set<Digest>
    /// The steps that have no items because no training set is current, in order: those on training sets, and all that
    /// need them.
    public let stepsWithoutTrainingSet: [String]
    /// Of the keys that the planner was asked about, those under which an item is to run.
    let continuedKeys: Set<Digest>

    public internal(set) var summaries: [StepSummary]

    /// Whether a run has anything to do, or to tell.
    public var hasWork: Bool { summaries.contains(where: \.hasWork) }

    /// The current training set, where the plan covers only part of its tomograms: nothing is trained then, and what was
    /// trained on it before is taken as it is.
    public var heldTrainingSet: String? { scopes.training.flatMap { $0.isHeld ? $0.name : nil } }

    /// The items that cannot run.
    var blockedItems: [ItemNode] {
        guard summaries.contains(where: { $0.blocked > 0 }) else { return [] }
        return states.indices.flatMap { step in
            states[step].indices.filter { states[step][$0] == .blocked }.map { ItemNode(step: step, position: $0) }
        }
    }

    /// Why items are blocked.
    var blockedReason: String {
        "nothing that it could use was trained on the training set \(heldTrainingSet ?? "") yet, and not all tomograms of that set "
            + "are selected; run without --where first"
    }

    /// How many tomograms the plan covers.
    public var tomogramCount: Int { scopes.tomograms.count }

    /// Names of tomograms whose file is not where it was.
    public var missingSources: [String] {
        zip(scopes.tomograms, signatures).compactMap { tomogram, signature in
            signature == nil && readsSources ? tomogram.name : nil
        }
    }

    private var readsSources: Bool { graph.readsFiles }
}

/// How an item stands before anything runs: the words of plans, of `why`, and of the tables that people read.
public enum ItemState: String, Sendable, Hashable, CaseIterable {
    /// The standing result has today's key.
    case fresh
    /// An earlier result has today's key: it becomes the standing one, and nothing runs.
    case foundAgain = "found again"
    /// No result has today's key: the item runs.
    case stale
    /// It reads from an item that is stale or waiting: its key is not known yet.
    case waiting
    /// No result has today's key, and the file that the item would read is not there: what was computed earlier stands.
    case offline
    /// Of a training set that the plan covers in part only: its standing result is taken as it is.
    case held
    /// Of such a training set, and there is no result.
    case absent
    /// It reads from an item that is absent or blocked.
    case blocked

    /// Whether its outputs can be read from.
    var hasOutputs: Bool {
        switch self {
        case .fresh, .foundAgain, .offline, .held: true
        case .stale, .waiting, .absent, .blocked: false
        }
    }
}

/// An item: a step, and the position of a scope.
struct ItemNode: Hashable, Sendable {
    let step: Int
    let position: Int
}
