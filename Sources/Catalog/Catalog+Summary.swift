public import CatalogSchema
import Foundation
import GRDB
import GRDBSQLite
import Volumes

extension Catalog {
    /// What a catalog holds, in numbers.
    public struct Summary: Sendable {
        public var datasets: Int
        public var tomograms: Int
        public var slabs: Int
        public var annotations: Int
        /// The training set that networks are trained on; nil where there is none.
        public var trainingSet: String?
        public var artifacts: Int
        public var artifactBytes: Int
        public var lastRun: RunRecord?
        /// Who last held the lock and did not give it back.
        public var lockOwner: RunLockRecord?
    }

    public func summary() throws -> Summary {
        try read { db in
            func count(_ table: String) throws -> Int { try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0 }
            let artifacts = try Row.fetchOne(
                db, sql: "SELECT count(*), ifnull(sum(bytes), 0) FROM artifact WHERE state = 'present'")
            return Summary(
                datasets: try count("dataset"), tomograms: try count("tomogram"), slabs: try count("slab"),
                annotations: try count("annotation"),
                trainingSet: try String.fetchOne(db, sql: "SELECT name FROM training_set WHERE is_current = 1"),
                artifacts: artifacts?[0] ?? 0, artifactBytes: artifacts?[1] ?? 0,
                lastRun: try RunRecord.fetchOne(db, sql: "SELECT * FROM run ORDER BY id DESC LIMIT 1"),
                lockOwner: try RunLockRecord.fetchOne(db))
        }
    }

    /// The version of the database's schema.
    public func schemaVersion() throws -> Int { try read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 } }

    /// The version of SQLite at work.
    public static var sqliteVersion: String { String(cString: sqlite3_libversion()) }

    /// The parameters of the last run's recipe by name, as text; nil where nothing ever ran.
    public func lastRecipeValues() throws -> [String: String]? {
        try lastRecipe().map { try JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
    }
}
