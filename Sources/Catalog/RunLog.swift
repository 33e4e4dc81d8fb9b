package import Basics
package import CatalogSchema
import Foundation
import GRDB

extension Catalog {
    /// The configuration of a step: what all its items share under one recipe.
    package struct StepConfiguration: Sendable, Hashable {
        package var step: String
        package var scope: ScopeKind
        package var version: Int
        /// The parameters that the step reads, with their values as text.
        package var parameters: [String: String]
        /// The models that the step uses, with their digests.
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

    /// The runs: which began and ended, on which recipe, and which one goes on.
    ///
    /// ``Catalog/runs`` gives it.
    public struct RunLog: Sendable {
        let database: CatalogDatabase
    }
}

extension Catalog.RunLog {
    /// Ends runs that were killed, as interrupted. The caller holds the ``RunLock``, so that no run goes on.
    package func closeKilled() throws {
        let isAnyOpen = try database.read {
            try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM run WHERE status = 'running')")
        }
        guard isAnyOpen == true else { return }
        try database.write { db in
            try db.execute(
                sql: "UPDATE run SET status = 'interrupted', ended_at = ? WHERE status = 'running'", arguments: [Timestamp.now])
            try db.execute(sql: "DELETE FROM run_lock")
        }
    }

    /// Begins a run: registers its recipe, the configurations of its steps, and its process.
    ///
    /// - Returns: the id of the run, and for each configuration the ids of its step and of itself.
    package func begin(
        command: String, version: String, owner: String, host: String, pid: Int32, recipe: (digest: Digest, json: String),
        configurations: [Catalog.StepConfiguration]
    ) throws -> (runID: Int64, ids: [(stepID: Int64, configurationID: Int64)]) {
        try database.write { db in
            let now = Timestamp.now
            try db.execute(
                sql: "INSERT OR IGNORE INTO recipe (digest, parameters, first_used_at) VALUES (?, ?, ?)",
                arguments: [recipe.digest, recipe.json, now])
            guard let recipeID = try Int64.fetchOne(db, sql: "SELECT id FROM recipe WHERE digest = ?", arguments: [recipe.digest])
            else { throw CatalogError(.storage, "the recipe could not be registered; `cellar verify` checks the database") }
            try RunRecord(
                startedAt: now, status: .running, host: host, pid: pid, version: version, command: command, recipeId: recipeID
            ).insert(db)
            let runID = db.lastInsertedRowID
            try RunLockRecord(runId: runID, owner: owner, host: host, pid: pid, heartbeatAt: now).upsert(db)
            return (runID, try configurations.map { try self.register($0, db) })
        }
    }

    private func register(_ configuration: Catalog.StepConfiguration, _ db: Database) throws -> (
        stepID: Int64, configurationID: Int64
    ) {
        try db.execute(
            sql: "INSERT INTO step (name, scope) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET scope = excluded.scope",
            arguments: [configuration.step, configuration.scope])
        guard let stepID = try Int64.fetchOne(db, sql: "SELECT id FROM step WHERE name = ?", arguments: [configuration.step])
        else {
            throw CatalogError(
                .storage, "the step \(configuration.step) could not be registered; `cellar verify` checks the database")
        }
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

    /// Notes that the process of a run is alive.
    package func beat(runID: Int64) throws {
        try database.write { db in
            try db.execute(sql: "UPDATE run_lock SET heartbeat_at = ? WHERE run_id = ?", arguments: [Timestamp.now, runID])
        }
    }

    /// Ends a run.
    package func end(_ runID: Int64, status: RunRecord.Status) throws {
        try database.write { db in
            try db.execute(
                sql: "UPDATE run SET status = ?, ended_at = ? WHERE id = ?", arguments: [status, Timestamp.now, runID])
            try db.execute(sql: "DELETE FROM run_lock WHERE run_id = ?", arguments: [runID])
        }
    }

    /// The parameters of the last run's recipe, as one JSON object; nil where nothing ever ran.
    package func lastRecipe() throws -> String? {
        try database.read { db in
            try String.fetchOne(
                db, sql: "SELECT parameters FROM recipe JOIN run ON run.recipe_id = recipe.id ORDER BY run.id DESC LIMIT 1")
        }
    }

    /// The parameters of the last run's recipe by name, as text; nil where nothing ever ran.
    public func lastRecipeValues() throws -> [String: String]? {
        try lastRecipe().map { try JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
    }
}

/// The lock of the process that runs in a catalog: one at a time.
///
/// It is a ``FileLock``. A row of the catalog (`run_lock`) says which process holds it, and when that was last alive. On a shared file
/// system the process owns the catalog as long, and the lock of the file is taken beside that where the file system has locks.
public final class RunLock: Sendable {
    /// A process that only looks whether another one runs holds the lock for an instant, so that taking it is tried again.
    private static let (tries, pauseInMicroseconds) = (10, UInt32(30_000))

    private let hold: SharedDatabase.Hold?
    private let lock: FileLock?

    /// Takes the lock, and holds it as long as this object lives.
    ///
    /// - Throws: ``CatalogError`` with the user, host, process and last heartbeat where another process holds it.
    public init(_ catalog: Catalog) throws {
        let path = catalog.directory.lock
        hold = try catalog.database.hold()
        do throws(FileLock.Failure) {
            lock = try FileLock(path, tries: Self.tries, pauseInMicroseconds: Self.pauseInMicroseconds)
        } catch {
            switch error {
            case .cannotOpen(let error):
                throw CatalogError(.storage, "\(path) could not be opened: \(error.reason); check disk and permissions")
            case .cannotLock(let error) where hold != nil && FileLock.isMissing(error): lock = nil
            case .cannotLock(let error):
                throw CatalogError(.storage, "\(path) could not be locked: \(error.reason); `cellar doctor` looks at the disk")
            case .held: throw CatalogError(.locked, Self.owner(in: catalog))
            }
        }
    }

    /// Whether a process runs in the catalog now.
    public static func isHeld(in catalog: Catalog) -> Bool {
        catalog.database.shared?.isRunUnderWay ?? FileLock.isHeld(catalog.directory.lock)
    }

    private static func owner(in catalog: Catalog) -> String {
        guard let owner = try? catalog.database.read({ try RunLockRecord.fetchOne($0) }) else {
            return "another process is just beginning to run in this catalog; wait for it to end"
        }
        let age = Timestamp.date(owner.heartbeatAt).map { Int(-$0.timeIntervalSinceNow.rounded()) } ?? 0
        return "\(owner.owner) runs in this catalog on \(owner.host) (process \(owner.pid), run \(owner.runId), "
            + "last heartbeat \(max(0, age)) s ago); wait for it to end"
    }
}
