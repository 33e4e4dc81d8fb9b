import Basics
import Catalog
import CatalogSchema
import CellarKit
import Engine
import Foundation

/// Questions to the catalog: plan, why, SQL, runs and failures.
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

    /// What a query gave.
    package struct QueryAnswer: Encodable, Sendable {
        package var columns: [String]
        package var rows: [[JSONCell]]
        /// Whether there are more rows than these.
        package var truncated: Bool

        /// As a file of comma-separated values.
        package var csv: String {
            func field(_ text: String) -> String {
                text.contains { ",\"\n\r".contains($0) } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
            }
            return ([columns] + rows.map { $0.map(\.value.plainText) }).map { row in
                row.map(field).joined(separator: ",") + "\n"
            }.joined()
        }
    }

    /// The most rows, and about the most bytes of an answer to a query.
    static let (queryRowLimit, queryByteLimit) = (10_000, 16 << 20)

    /// Runs one SELECT as `cellar query` does: read-only, over the public views, at most 60 s.
    ///
    /// - Parameter limit: the most rows, up to 10,000. An answer ends as well where it has 16 MiB.
    /// - Throws: ``CatalogError`` where the SQL is wrong or does anything but read.
    package func query(_ sql: String, limit: Int = 1000) throws -> QueryAnswer {
        guard (0...Self.queryRowLimit).contains(limit) else {
            throw ViewerError(.invalid, "limit is \(limit), but must be 0 to \(Self.queryRowLimit)")
        }
        struct Enough: Error {}
        var answer = QueryAnswer(columns: [], rows: [], truncated: false)
        var bytes = 0
        do {
            try QueryConnection(project.catalog, timeLimitInSeconds: Self.querySeconds).run(sql) {
                answer.columns = $0
            } row: { row in
                let cells = row.map(JSONCell.init)
                bytes += cells.reduce(0) { $0 + $1.byteCount }
                guard answer.rows.count < limit, bytes <= Self.queryByteLimit else {
                    answer.truncated = true
                    throw Enough()
                }
                answer.rows.append(cells)
            }
        } catch is Enough {}
        return answer
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
