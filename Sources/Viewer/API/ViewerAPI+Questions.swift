import Basics
import Catalog
import CatalogSchema
import CellarKit
import Engine

/// Questions to the catalog: plan, why, runs and failures.
extension ViewerAPI {
    /// A row of the plan: the names are those of `cellar plan --format json`.
    package struct PlanRow: Encodable, Sendable {
        enum CodingKeys: String, CodingKey {
            case step, scope, items, fresh, stale, waiting, known, restore, offline, blocked, failed
            case estimatedSeconds = "estimated_seconds"
            case estimatedBytes = "estimated_bytes"
        }
        let step, scope: String
        let items, fresh, stale, waiting, known, restore, offline, blocked, failed: Int
        let estimatedSeconds, estimatedBytes: OrNull<Double>
    }

    package func plan() throws -> [PlanRow] {
        try planning.plan().summaries.map {
            PlanRow(
                step: $0.step, scope: $0.scope.rawValue, items: $0.total, fresh: $0.fresh, stale: $0.stale, waiting: $0.waiting,
                known: $0.foundAgain, restore: $0.restore, offline: $0.offline, blocked: $0.blocked, failed: $0.failed,
                estimatedSeconds: OrNull($0.estimatedSeconds), estimatedBytes: OrNull($0.estimatedBytes))
        }
    }

    /// What `cellar why` says.
    package struct Why: Encodable, Sendable {
        struct Group: Encodable, Sendable {
            let step, scope, state: String
            let reasons: [String]
            /// `z 120`, …; one empty text for the tomogram itself.
            let items: [String]
            /// The items in one line: `z 100..<200`.
            let summary: String
        }
        /// `dataset/name`
        let tomogram: String
        /// The first group that runs because of its own inputs or parameters; nil where everything is fresh.
        let firstCause: OrNull<Group>
        let groups: [Group]
        let stepsWithoutTrainingSet: [String]
    }

    /// - Parameter step: only this step and those that it needs; nil for all.
    package func why(_ id: Int64, step: String? = nil) throws -> Why {
        let explanation = try planning.why(Self.reference(id), step: step)
        func group(_ group: Explanation.Group) -> Why.Group {
            Why.Group(
                step: group.step, scope: group.scope.rawValue, state: group.state.rawValue, reasons: group.reasons,
                items: group.items, summary: group.items == [""] ? "" : Explanation.summary(of: group.items))
        }
        return Why(
            tomogram: explanation.tomogram, firstCause: OrNull(explanation.firstCause.map(group)),
            groups: explanation.groups.map(group),
            stepsWithoutTrainingSet: explanation.stepsWithoutTrainingSet)
    }

    package struct Runs: Encodable, Sendable { let runs: [JSONRow] }

    /// The latest runs, newest first: rows of `v_run`.
    package func runs(limit: Int = 50) throws -> Runs {
        let limit = min(max(limit, 0), Self.pageLimit)
        return Runs(runs: try rows("SELECT * FROM v_run ORDER BY id DESC LIMIT \(limit)"))
    }

    package struct Failures: Encodable, Sendable { let failures: [JSONRow] }

    /// What failed, newest first: at most 500 rows of `v_failure`.
    package func failures() throws -> Failures {
        Failures(failures: try rows("SELECT * FROM v_failure ORDER BY started_at DESC LIMIT \(Self.pageLimit)"))
    }
}
