import Basics
import CatalogSchema
import GRDB

/// Taking out what people brought. Files stay where they are, and so does what was computed: it no longer stands, and is found
/// again by its key should the same come back. `gc` drops it when it is told to.
extension Catalog {
    /// What can be taken out.
    public enum Removable: String, CaseIterable, Sendable {
        /// With their tomograms, and all that belongs to these.
        case datasets
        /// With their slabs, annotations and metadata.
        case tomograms
        case annotations
        case slabs

        /// The public view whose `id` tells which are meant.
        public var view: String {
            switch self {
            case .datasets: "v_dataset"
            case .tomograms: "v_tomogram"
            case .annotations: "v_annotation"
            case .slabs: "v_slab"
            }
        }

        private var noun: String { String(rawValue.dropLast()) }

        fileprivate var table: String { noun }

        /// `slab 3`, as a person names one.
        fileprivate func label(_ id: Int64) -> String { "\(noun) \(id)" }

        /// The condition on a table of the catalog that says whether a row goes along, with `?` for the id.
        fileprivate func condition(on table: Removable) -> String? {
            switch (self, table) {
            case (.datasets, .datasets), (.tomograms, .tomograms), (.annotations, .annotations), (.slabs, .slabs): "id = ?"
            case (.datasets, .tomograms): "dataset_id = ?"
            case (.datasets, .annotations), (.datasets, .slabs):
                "tomogram_id IN (SELECT id FROM tomogram WHERE dataset_id = ?)"
            case (.tomograms, .annotations), (.tomograms, .slabs): "tomogram_id = ?"
            case (_, _): nil
            }
        }
    }

    /// What goes along with a removal.
    public struct Removal: Sendable, Hashable {
        public var datasets = 0
        public var tomograms = 0
        public var annotations = 0
        public var slabs = 0
        /// Results that stand and no longer would.
        public var results = 0
    }

    /// Says what a removal takes out; nothing is changed.
    ///
    /// - Throws: ``CatalogError`` where one of them is not there, or something of it is a member of a training set.
    public func removal(of kind: Removable, ids: [Int64]) throws -> Removal {
        try read { db in
            try Self.check(kind, ids, db)
            var removal = Removal()
            for id in ids {
                func count(_ table: Removable) throws -> Int {
                    guard let condition = kind.condition(on: table) else { return 0 }
                    return try Int.fetchOne(
                        db, sql: "SELECT count(*) FROM \(table.table) WHERE \(condition)", arguments: [id]) ?? 0
                }
                removal.datasets += try count(.datasets)
                removal.tomograms += try count(.tomograms)
                removal.annotations += try count(.annotations)
                removal.slabs += try count(.slabs)
                removal.results += try Self.standingResults(of: kind, id, db)
            }
            return removal
        }
    }

    /// Takes out what is named, all of it or nothing. What was computed for it no longer stands; it stays, and is found again should
    /// the same come back. An item of it that is at work is published without standing for anything.
    ///
    /// - Throws: ``CatalogError`` where one of them is not there, or something of it is a member of a training set, whose
    ///   members never change.
    public func remove(_ kind: Removable, ids: [Int64]) throws {
        try write { db in
            try Self.check(kind, ids, db)
            for id in ids {
                // What belongs to a tomogram goes with it.
                if kind == .datasets {
                    try db.execute(sql: "DELETE FROM tomogram WHERE dataset_id = ?", arguments: [id])
                }
                try db.execute(sql: "DELETE FROM \(kind.table) WHERE id = ?", arguments: [id])
            }
            try Self.dropStanding(ofRemoved: [.tomogram, .annotation, .slab, .slice], db)
        }
    }

    /// Removes slabs, as `remove` does.
    public func removeSlabs(ids: [Int64]) throws { try remove(.slabs, ids: ids) }

    private static func check(_ kind: Removable, _ ids: [Int64], _ db: Database) throws {
        for id in ids {
            guard try Int64.fetchOne(db, sql: "SELECT id FROM \(kind.table) WHERE id = ?", arguments: [id]) != nil else {
                let list = kind == .slabs ? "cellar slab list" : "cellar list \(kind.rawValue)"
                throw CatalogError(.notFound, "there is no \(kind.label(id)); `\(list)` shows what there is")
            }
            for (noun, table) in [("slab", Removable.slabs), ("annotation", .annotations)] {
                guard let condition = kind.condition(on: table) else { continue }
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT training_set.name, member.\(noun)_id
                        FROM training_set JOIN training_set_\(noun) AS member ON training_set_id = training_set.id
                        WHERE member.\(noun)_id IN (SELECT id FROM \(table.table) WHERE \(condition))
                        ORDER BY training_set.id LIMIT 1
                        """, arguments: [id])
                guard let row else { continue }
                let (set, member): (String, Int64) = (row[0], row[1])
                let part = kind == table ? kind.label(id) : "\(noun) \(member) of \(kind.label(id))"
                throw CatalogError(
                    .invalid,
                    "\(part) is a member of the training set \(set), whose members never change; remove the set first, with "
                        + "`cellar training remove \(set)`")
            }
        }
    }

    private static func standingResults(of kind: Removable, _ id: Int64, _ db: Database) throws -> Int {
        let scopes: [(scope: String, ids: String?)] = [
            ("tomogram", kind.condition(on: .tomograms).map { "SELECT id FROM tomogram WHERE \($0)" }),
            ("annotation", kind.condition(on: .annotations).map { "SELECT id FROM annotation WHERE \($0)" }),
            ("slab", kind.condition(on: .slabs).map { "SELECT id FROM slab WHERE \($0)" }),
            (
                "slice",
                kind.condition(on: .slabs).map { condition in
                    """
                    SELECT slice.id FROM slice JOIN slab AS mine
                        ON mine.tomogram_id = slice.tomogram_id AND slice.z >= mine.z_first AND slice.z < mine.z_end
                    WHERE mine.id IN (SELECT id FROM slab WHERE \(condition)) AND NOT EXISTS (
                        SELECT 1 FROM slab AS other
                        WHERE other.tomogram_id = slice.tomogram_id AND slice.z >= other.z_first AND slice.z < other.z_end
                            AND other.id <> mine.id)
                    """
                }
            ),
        ]
        return try scopes.reduce(0) { sum, item in
            guard let ids = item.ids else { return sum }
            let count = try Int.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM head JOIN step ON step.id = head.step_id
                    WHERE step.scope = '\(item.scope)' AND scope_id IN (\(ids))
                    """, arguments: [id])
            return sum + (count ?? 0)
        }
    }

    // MARK: Scopes

    /// The condition that a scope of a kind is there: neither removed, nor a slice that no slab covers any more.
    ///
    /// - Parameter id: an SQL expression.
    private static func isThere(_ kind: ScopeKind, _ id: String) -> String {
        switch kind {
        case .tomogram: "EXISTS (SELECT 1 FROM tomogram WHERE tomogram.id = \(id))"
        case .annotation: "EXISTS (SELECT 1 FROM annotation WHERE annotation.id = \(id))"
        case .slab: "EXISTS (SELECT 1 FROM slab WHERE slab.id = \(id))"
        case .slice:
            "EXISTS (SELECT 1 FROM slice JOIN slab ON slab.tomogram_id = slice.tomogram_id AND z >= z_first AND z < z_end "
                + "WHERE slice.id = \(id))"
        case .trainingSet: "EXISTS (SELECT 1 FROM training_set WHERE training_set.id = \(id))"
        }
    }

    /// The condition that the scope `?2` of the step `?1` is there.
    static let isScopeThere =
        "CASE (SELECT scope FROM step WHERE id = ?1) "
        + ScopeKind.allCases.map { "WHEN '\($0.rawValue)' THEN \(isThere($0, "?2"))" }.joined(separator: " ") + " END"

    /// Lets nothing stand any more for scopes of some kinds that are not there, and forgets their curves.
    static func dropStanding(ofRemoved kinds: [ScopeKind], _ db: Database) throws {
        for kind in kinds {
            for table in ["head", "curve"] {
                try db.execute(
                    sql: """
                        DELETE FROM \(table)
                        WHERE step_id IN (SELECT id FROM step WHERE scope = ?) AND NOT \(isThere(kind, "\(table).scope_id"))
                        """, arguments: [kind])
            }
        }
    }
}
