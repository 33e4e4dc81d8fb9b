internal import Basics
internal import Catalog
public import CatalogSchema
internal import Volumes

/// The state of every item of a collection, step by step: which are fresh, and which a run would compute.
///
/// ``Planner`` makes it, without writing anything or opening a file.
public struct Plan: Sendable {
    /// The number of items of one step in each state.
    public struct StepSummary: Sendable, Hashable {
        public let step: String
        public let scope: ScopeKind
        /// Items whose standing result has today's key.
        public internal(set) var fresh = 0
        /// Items whose earlier result has today's key.
        public internal(set) var foundAgain = 0
        /// Items that will run.
        public internal(set) var stale = 0
        /// Items that will run if the new results of the items before them differ from the old ones.
        public internal(set) var waiting = 0
        /// Items whose tomogram's file is missing.
        public internal(set) var offline = 0
        /// Items that cannot run: they need a result of a training set that the plan covers only in part, and there is none.
        public internal(set) var blocked = 0
        /// Items that run only because their evicted bytes are needed again.
        public internal(set) var restore = 0
        /// Items without a result that failed or were skipped the last time.
        public internal(set) var failed = 0
        /// The seconds that the stale and waiting items take on one worker, estimated from earlier items; nil where none ran.
        public internal(set) var estimatedSeconds: Double?
        /// The bytes of artifacts that they write, estimated in the same way.
        public internal(set) var estimatedBytes: Double?
        /// The most memory that a worker had for one item, of earlier ones; nil where workers computed none.
        public internal(set) var recordedMemoryBytes: Int64?

        public var total: Int { fresh + foundAgain + stale + waiting + offline + blocked }
        /// Whether a run has anything to do or to report.
        public var hasWork: Bool { foundAgain + stale + waiting + blocked > 0 }
    }

    let graph: StepGraph
    let setups: [StepSetup]
    let scopes: ScopeIndex
    let signatures: [SourceSignature?]
    /// For each step, the state of each of its scopes.
    let states: [[ItemState]]
    /// For each step, the digests of the outputs of its scopes, `[scope][output]` in one list; defined where the state is `fresh`,
    /// `foundAgain` or `offline`.
    let outputs: [[Digest]]
    /// Earlier results that have today's key: the item, its key, and the trace.
    let foundAgain: [(item: ItemNode, key: Digest, trace: KnownTrace)]
    let evicted: Set<Digest>
    /// The steps without items because no training set is current, in order: those on training sets, and all that need these.
    public let stepsWithoutTrainingSet: [String]
    /// Those of the keys that the planner was asked about under which an item will run.
    let continuedKeys: Set<Digest>

    public internal(set) var summaries: [StepSummary]

    /// Whether a run has anything to do or to report.
    public var hasWork: Bool { summaries.contains(where: \.hasWork) }

    /// The current training set, where the plan covers only some of its tomograms: then nothing is trained, and the standing results of the set
    /// are used as they are.
    public var heldTrainingSet: String? { scopes.training.flatMap { $0.isHeld ? $0.name : nil } }

    /// The items that cannot run.
    var blockedItems: [ItemNode] {
        guard summaries.contains(where: { $0.blocked > 0 }) else { return [] }
        return states.indices.flatMap { step in
            states[step].indices.filter { states[step][$0] == .blocked }.map { ItemNode(step: step, position: $0) }
        }
    }

    /// The reason why items are blocked.
    var blockedReason: String {
        "nothing that it could use was trained on the training set \(heldTrainingSet ?? "") yet, and not all tomograms of that set "
            + "are selected; run without --where first"
    }

    /// The ids of the scopes (tomograms, slabs, …) on which the standing result of a step is fresh; none where the plan has no such step.
    public func freshScopes(of step: String) -> Set<Int64> {
        guard let index = graph.steps.firstIndex(where: { $0.name == step }) else { return [] }
        return Set(
            states[index].indices.filter { states[index][$0] == .fresh }.map { position in
                scopes.id(of: graph.scope(of: ItemNode(step: index, position: position)))
            })
    }

    /// The number of tomograms that the plan covers.
    public var tomogramCount: Int { scopes.tomograms.count }

    /// The names of tomograms whose file is missing.
    public var missingSources: [String] {
        zip(scopes.tomograms, signatures).compactMap { tomogram, signature in
            signature == nil && readsSources ? tomogram.name : nil
        }
    }

    private var readsSources: Bool { graph.readsFiles }
}

/// The state of an item before a run. Plans, `why` and the tables for people use the same words.
public enum ItemState: String, Sendable, Hashable, CaseIterable {
    /// The standing result has today's key.
    case fresh
    /// An earlier result has today's key: it becomes the standing result, and nothing runs.
    case foundAgain = "found again"
    /// No result has today's key: the item runs.
    case stale
    /// It reads from an item that is stale or waiting: its key is not known yet.
    case waiting
    /// No result has today's key, and the file that the item would read is missing: its earlier result stands.
    case offline
    /// An item of a training set that the plan covers only in part: its standing result is used as it is.
    case held
    /// An item of such a training set, without a result.
    case absent
    /// It reads from an item that is absent or blocked.
    case blocked

    /// Whether the digests of its outputs are known.
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
