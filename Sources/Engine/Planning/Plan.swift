import Catalog
public import CatalogSchema
import Volumes

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
        /// Items whose result under today's key was computed earlier.
        public internal(set) var known = 0
        /// Items that run.
        public internal(set) var stale = 0
        /// Items that run if what comes before them turns out different.
        public internal(set) var pending = 0
        /// Items whose tomogram's file is missing.
        public internal(set) var offline = 0
        /// Items that run only because their dropped bytes are needed again.
        public internal(set) var restore = 0
        /// Items without a result that failed or were skipped at their last try.
        public internal(set) var failed = 0
        /// Seconds of one worker that the stale and pending items take, by what items took before; nil where none ran.
        public internal(set) var estimatedSeconds: Double?
        /// Bytes of artifacts that they write.
        public internal(set) var estimatedBytes: Double?

        public var total: Int { fresh + known + stale + pending + offline }
        /// Whether a run has anything to do.
        public var hasWork: Bool { known + stale + pending > 0 }
    }

    let graph: StepGraph
    let setups: [StepSetup]
    let scopes: ScopeIndex
    let signatures: [SourceSignature?]
    /// For each step, the state of each of its scopes.
    let states: [[NodeState]]
    /// For each step, the digests of the outputs of its scopes, as many for each as it has outputs; meaningful where
    /// the state is `fresh`, `known` or `offline`.
    let outputs: [[Digest]]
    /// Results to take up again: by step, the scope's position, its key and trace.
    let adoptions: [(step: Int, position: Int, key: Digest, trace: KnownTrace)]
    let evicted: Set<Digest>

    public internal(set) var summaries: [StepSummary]

    /// Whether a run has anything to do.
    public var hasWork: Bool { summaries.contains(where: \.hasWork) }

    /// How many tomograms the plan covers.
    public var tomogramCount: Int { scopes.tomograms.count }

    /// Names of tomograms whose file is not where it was.
    public var missingSources: [String] {
        zip(scopes.tomograms, signatures).compactMap { tomogram, signature in
            signature == nil && readsSources ? tomogram.name : nil
        }
    }

    private var readsSources: Bool { graph.steps.contains { $0.inputs.contains(.fact(.source)) } }
}
