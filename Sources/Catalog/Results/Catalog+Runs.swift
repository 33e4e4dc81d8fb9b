package import Basics
package import CatalogSchema
import Foundation
import GRDB
internal import Volumes

extension Catalog {
    /// What all items of a step share in one recipe, as it is registered.
    package struct StepConfiguration: Sendable, Hashable {
        package var step: String
        package var scope: ScopeKind
        package var version: Int
        /// Parameters the step reads, with their values as text.
        package var parameters: [String: String]
        /// Models the step uses, with their digests.
        package var models: [String: String]
        package var digest: Digest

        package init(
            step: String, scope: ScopeKind, version: Int, parameters: [String: String], models: [String: String], digest: Digest
        ) {
            self.step = step
            self.scope = scope
            self.version = version
            self.parameters = parameters
            self.models = models
            self.digest = digest
        }
    }

    /// Closes runs that were killed as interrupted: the lock, which the caller holds, says that none is going on.
    package func closeKilledRuns() throws {
        let isAnyOpen = try read { try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM run WHERE status = 'running')") }
        guard isAnyOpen == true else { return }
        try write { db in
            try db.execute(
                sql: "UPDATE run SET status = 'interrupted', ended_at = ? WHERE status = 'running'", arguments: [Timestamp.now])
            try db.execute(sql: "DELETE FROM run_lock")
        }
    }

    /// Registers a run: its recipe, its steps in their configurations, and its owner.
    ///
    /// - Returns: the id of the run, and for each configuration the ids of its step and of itself.
    package func beginRun(
        command: String, version: String, owner: String, host: String, pid: Int32, recipe: (digest: Digest, json: String),
        configurations: [StepConfiguration]
    ) throws -> (runID: Int64, ids: [(stepID: Int64, configurationID: Int64)]) {
        try write { db in
            let now = Timestamp.now
            try db.execute(
                sql: "INSERT OR IGNORE INTO recipe (digest, parameters, first_used_at) VALUES (?, ?, ?)",
                arguments: [recipe.digest, recipe.json, now])
            guard let recipeID = try Int64.fetchOne(db, sql: "SELECT id FROM recipe WHERE digest = ?", arguments: [recipe.digest])
            else { throw CatalogError(.storage, "the recipe could not be registered") }
            try RunRecord(
                startedAt: now, status: .running, host: host, pid: pid, version: version, command: command, recipeId: recipeID
            ).insert(db)
            let runID = db.lastInsertedRowID
            try RunLockRecord(runId: runID, owner: owner, host: host, pid: pid, heartbeatAt: now).upsert(db)
            return (runID, try configurations.map { try self.register($0, db) })
        }
    }

    private func register(_ configuration: StepConfiguration, _ db: Database) throws -> (stepID: Int64, configurationID: Int64) {
        try db.execute(
            sql: "INSERT INTO step (name, scope) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET scope = excluded.scope",
            arguments: [configuration.step, configuration.scope])
        guard let stepID = try Int64.fetchOne(db, sql: "SELECT id FROM step WHERE name = ?", arguments: [configuration.step])
        else { throw CatalogError(.storage, "the step \(configuration.step) could not be registered") }
        if let id = try Int64.fetchOne(
            db, sql: "SELECT id FROM configuration WHERE digest = ?", arguments: [configuration.digest])
        {
            return (stepID, id)
        }
        try db.execute(
            sql: "INSERT INTO configuration (step_id, step_version, digest) VALUES (?, ?, ?)",
            arguments: [stepID, configuration.version, configuration.digest])
        let id = db.lastInsertedRowID
        for (kind, values) in [("recipe", configuration.parameters), ("model", configuration.models)] {
            for (name, value) in values {
                try db.execute(
                    sql: "INSERT INTO configuration_value (configuration_id, kind, name, value) VALUES (?, ?, ?, ?)",
                    arguments: [id, kind, name, value])
            }
        }
        return (stepID, id)
    }

    /// Notes that the owner of a run is alive.
    package func beat(runID: Int64) throws {
        try write { db in
            try db.execute(sql: "UPDATE run_lock SET heartbeat_at = ? WHERE run_id = ?", arguments: [Timestamp.now, runID])
        }
    }

    /// Closes a run.
    package func endRun(_ runID: Int64, status: RunRecord.Status) throws {
        try write { db in
            try db.execute(
                sql: "UPDATE run SET status = ?, ended_at = ? WHERE id = ?", arguments: [status, Timestamp.now, runID])
            try db.execute(sql: "DELETE FROM run_lock WHERE run_id = ?", arguments: [runID])
        }
    }

    /// The parameters of the last run's recipe, as one JSON object; nil where nothing ever ran.
    package func lastRecipe() throws -> String? {
        try read { db in
            try String.fetchOne(
                db, sql: "SELECT parameters FROM recipe JOIN run ON run.recipe_id = recipe.id ORDER BY run.id DESC LIMIT 1")
        }
    }
}
