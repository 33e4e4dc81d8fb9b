package import Basics
import CatalogSchema
import GRDB
internal import Volumes

extension Catalog {
    /// What the last successful execution of a step on a scope was computed from, for comparison with today.
    package struct EarlierTrace: Sendable {
        package var traceID: Int64
        package var runID: Int64
        package var finishedAt: String
        package var stepVersion: Int
        package var parameters: [String: String]
        package var models: [String: String]
        package var inputs: [String: (digest: Digest, value: String?)]
    }

    /// The execution whose result stands for a step on a scope, or else the last successful one; nil where there is none.
    package func earlierTrace(step: String, scopeID: Int64) throws -> EarlierTrace? {
        try read { db -> EarlierTrace? in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT trace.id, run_id, started_at, configuration_id, step_version
                    FROM trace JOIN configuration ON configuration.id = configuration_id
                    WHERE trace.id = coalesce(
                        (SELECT trace_id FROM head JOIN step ON step.id = head.step_id WHERE step.name = ?1 AND scope_id = ?2),
                        (SELECT max(trace.id) FROM trace JOIN step ON step.id = trace.step_id
                         WHERE step.name = ?1 AND scope_id = ?2 AND status IN ('done', 'superseded')))
                    """, arguments: [step, scopeID])
            guard let row else { return nil }
            let id: Int64 = row["id"]
            let rows = try Row.fetchAll(
                db, sql: "SELECT kind, name, value FROM configuration_value WHERE configuration_id = ?",
                arguments: [row["configuration_id"] as Int64])
            let inputs = try TraceInputRecord.fetchAll(db, sql: "SELECT * FROM trace_input WHERE trace_id = ?", arguments: [id])
            func values(of kind: String) -> [String: String] {
                Dictionary(
                    uniqueKeysWithValues: rows.filter { $0["kind"] == kind }.map { ($0["name"] as String, $0["value"] as String) }
                )
            }
            return EarlierTrace(
                traceID: id, runID: row["run_id"], finishedAt: row["started_at"], stepVersion: row["step_version"],
                parameters: values(of: "recipe"), models: values(of: "model"),
                inputs: Dictionary(uniqueKeysWithValues: inputs.map { ($0.name, (digest: $0.digest, value: $0.value)) }))
        }
    }

    /// The text of a value that stands as an output of a step on a scope.
    package func standingValue(step: String, scopeID: Int64, output: String) throws -> (digest: Digest, text: String)? {
        try read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT trace_output.digest, value FROM head
                    JOIN step ON step.id = head.step_id
                    JOIN trace_output ON trace_output.trace_id = head.trace_id
                    WHERE step.name = ? AND scope_id = ? AND trace_output.name = ? AND value IS NOT NULL
                    """, arguments: [step, scopeID, output])
            return row.map { (digest: $0[0], text: $0[1]) }
        }
    }

    /// Whether a result of a step stands on a scope, be its artifacts at hand or evicted.
    package func hasResult(step: String, scopeID: Int64) throws -> Bool {
        try read { db in
            try Bool.fetchOne(
                db,
                sql:
                    "SELECT EXISTS (SELECT 1 FROM head JOIN step ON step.id = head.step_id WHERE step.name = ? AND scope_id = ?)",
                arguments: [step, scopeID]) ?? false
        }
    }

    /// The digest of an artifact that stands as an output of a step on a scope.
    package func standingArtifact(step: String, scopeID: Int64, output: String) throws -> Digest? {
        try read { db in
            try Digest.fetchOne(
                db,
                sql: """
                    SELECT artifact.digest FROM head
                    JOIN step ON step.id = head.step_id
                    JOIN trace_output ON trace_output.trace_id = head.trace_id
                    JOIN artifact ON artifact.id = trace_output.artifact_id
                    WHERE step.name = ? AND scope_id = ? AND trace_output.name = ? AND state = 'present'
                    """, arguments: [step, scopeID, output])
        }
    }
}
