package import Basics
package import CatalogSchema
import GRDB
import GRDBSQLite
package import Volumes

extension Catalog.Results {
    /// Calls the closure with what planning reads, all within one transaction: whatever others write meanwhile, the snapshot
    /// stays.
    ///
    /// - Throws: ``CatalogError``, or what the closure throws.
    package func withPlanningSnapshot<Result>(_ body: (PlanningSnapshot) throws -> Result) throws -> Result {
        try database.read { try body(PlanningSnapshot($0)) }
    }
}

/// The state of the catalog that the planner reads: scopes in order, and the results that stand for them. It is valid within the
/// closure that gets it.
package struct PlanningSnapshot {
    private let db: Database

    init(_ db: Database) { self.db = db }

    package struct Tomogram: Sendable {
        package let id: Int64
        package let name: String
        package let location: VolumeLocation
        /// The voxel sizes that are known beside the one in its header.
        package let declaredVoxelSize: DeclaredVoxelSize
    }

    /// The voxel sizes that are known of a tomogram beside the one in its header: of the user, of a document about it, of the name of
    /// a folder above it, and the default of its dataset.
    package struct DeclaredVoxelSize: Sendable, Hashable {
        package let user: VoxelSize?
        package let metadata: VoxelSize?
        package let folder: VoxelSize?
        package let dataset: VoxelSize?

        package init(user: VoxelSize?, metadata: VoxelSize?, folder: VoxelSize?, dataset: VoxelSize?) {
            (self.user, self.metadata, self.folder, self.dataset) = (user, metadata, folder, dataset)
        }
    }

    /// A slab, a slice or an annotation: a part of a tomogram.
    package struct Part: Sendable {
        package let id: Int64
        /// The position of its tomogram in `tomograms`.
        package let tomogram: Int32
        /// The slices that it covers; empty for annotations.
        package let z: Range<Int32>
        /// Of an annotation: the digest of its content, and of the grid of its tomogram where its points are given in that grid.
        package let digest: Digest?
        /// Of an annotation: the digest of its content alone.
        package let contentDigest: Digest?
        /// The grid of the tomogram, where the points of an annotation are given in voxels or from its middle.
        package let grid: Grid?

        init(id: Int64, tomogram: Int32, z: Range<Int32>, digest: Digest?, contentDigest: Digest? = nil, grid: Grid? = nil) {
            self.id = id
            self.tomogram = tomogram
            self.z = z
            self.digest = digest
            self.contentDigest = contentDigest ?? digest
            self.grid = grid
        }
    }

    /// The grid of a tomogram, by which the points of an annotation are converted to Å.
    package struct Grid: Sendable, Hashable {
        package let shape: VolumeShape
        /// The voxel size that counts; nil where none is known.
        package let voxelSize: VoxelSize?
    }

    /// The current training set with the ids of its members.
    package struct TrainingSet: Sendable {
        package let id: Int64
        package let name: String
        package let slabs: Set<Int64>
        package let annotations: Set<Int64>
        /// The tomograms of its members.
        package let tomograms: Set<Int64>
    }

    /// The current training set; nil where there is none.
    package func currentTrainingSet() throws -> TrainingSet? {
        guard let record = try TrainingSetRecord.fetchOne(db, sql: "SELECT * FROM training_set WHERE is_current = 1"),
            let id = record.id
        else { return nil }
        var tomograms: Set<Int64> = []
        func members(_ noun: String) throws -> Set<Int64> {
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT \(noun).id, \(noun).tomogram_id FROM training_set_\(noun) AS member
                    JOIN \(noun) ON \(noun).id = member.\(noun)_id WHERE training_set_id = ?
                    """, arguments: [id])
            for row in rows { tomograms.insert(row[1]) }
            return Set(rows.map { $0[0] })
        }
        let (slabs, annotations) = (try members("slab"), try members("annotation"))
        return TrainingSet(id: id, name: record.name, slabs: slabs, annotations: annotations, tomograms: tomograms)
    }

    /// Tomograms by ascending id, all or those selected.
    package func tomograms(selection: [Int64]?) throws -> [Tomogram] {
        let selected = selection.map(Set.init)
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT t.id, dataset.name || '/' || t.name, t.path, t.member, dataset.voxel_size_angstrom,
                    user.x_angstrom, user.y_angstrom, user.z_angstrom,
                    metadata.x_angstrom, metadata.y_angstrom, metadata.z_angstrom,
                    folder.x_angstrom, folder.y_angstrom, folder.z_angstrom
                FROM tomogram AS t JOIN dataset ON dataset.id = t.dataset_id
                LEFT JOIN voxel_size_evidence AS user ON user.tomogram_id = t.id AND user.source = 'user'
                LEFT JOIN voxel_size_evidence AS metadata ON metadata.tomogram_id = t.id AND metadata.source = 'metadata'
                LEFT JOIN voxel_size_evidence AS folder ON folder.tomogram_id = t.id AND folder.source = 'folder'
                ORDER BY t.id
                """)
        var tomograms: [Tomogram] = []
        while let row = try rows.next() {
            let id: Int64 = row[0]
            if let selected, !selected.contains(id) { continue }
            func size(at column: Int) -> VoxelSize? {
                (row[column] as Double?).flatMap { x in
                    VoxelSize(xInAngstroms: x, yInAngstroms: row[column + 1] ?? x, zInAngstroms: row[column + 2] ?? x)
                }
            }
            tomograms.append(
                Tomogram(
                    id: id, name: row[1], location: VolumeLocation(path: row[2], member: row[3]),
                    declaredVoxelSize: DeclaredVoxelSize(
                        user: size(at: 5), metadata: size(at: 8), folder: size(at: 11),
                        dataset: (row[4] as Double?).flatMap { VoxelSize(cubicInAngstroms: $0) })))
        }
        return tomograms
    }

    /// The parts of one kind of these tomograms, ordered by tomogram, then by z, then by id. Slices are those that a
    /// slab covers now.
    package func parts(of kind: ScopeKind, tomograms: [Tomogram]) throws -> [Part] {
        let sql =
            switch kind {
            // These are not parts of a tomogram.
            case .tomogram, .trainingSet: "SELECT id, id, 0, 0, NULL FROM tomogram WHERE 0"
            case .annotation: "SELECT id, tomogram_id, 0, 0, digest FROM annotation ORDER BY tomogram_id, id"
            case .slab: "SELECT id, tomogram_id, z_first, z_end, NULL FROM slab ORDER BY tomogram_id, z_first, z_end"
            case .slice:
                """
                SELECT id, tomogram_id, z, z + 1, NULL FROM slice
                WHERE EXISTS (
                    SELECT 1 FROM slab WHERE slab.tomogram_id = slice.tomogram_id AND z >= z_first AND z < z_end)
                ORDER BY tomogram_id, z
                """
            }
        var parts: [Part] = []
        var position = 0
        let rows = try Row.fetchCursor(db, sql: sql)
        while let row = try rows.next() {
            let tomogramID: Int64 = row[1]
            while position < tomograms.count, tomograms[position].id < tomogramID { position += 1 }
            guard position < tomograms.count, tomograms[position].id == tomogramID else { continue }
            let (first, end) = (Int32(clamping: row[2] as Int64), Int32(clamping: row[3] as Int64))
            parts.append(Part(id: row[0], tomogram: Int32(position), z: first..<max(first, end), digest: row[4]))
        }
        if kind == .annotation { try addGrids(to: &parts) }
        return parts
    }

    /// What people say of single particles of tomograms, by the id of the tomogram; those without a verdict are left out.
    package func curation(ofTomograms ids: Set<Int64>) throws -> [Int64: Catalog.CuratedParticles] {
        var curation: [Int64: Catalog.CuratedParticles] = [:]
        for id in ids.sorted() {
            curation[id] = Catalog.CuratedParticles(try Catalog.Collection.standing(tomogramID: id, class: nil, db))
        }
        return curation
    }

    /// Makes the voxel size and shape of the tomogram part of the digest of annotations whose points are given in voxels or from
    /// the tomogram's middle: they mean other places where these change.
    private func addGrids(to annotations: inout [Part]) throws {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT annotation.id, size_z, size_y, size_x, voxel_size, voxel_size_y, voxel_size_z
                FROM annotation JOIN v_tomogram ON v_tomogram.id = tomogram_id
                WHERE kind = 'points' AND convention <> ?
                """, arguments: [CoordinateConvention.angstrom.rawValue])
        guard !rows.isEmpty else { return }
        let grids = Dictionary(
            uniqueKeysWithValues: rows.compactMap { row -> (Int64, Grid)? in
                guard let shape = VolumeShape(z: row[1], y: row[2], x: row[3]) else { return nil }
                let voxelSize = (row[4] as Double?).flatMap { x in
                    VoxelSize(xInAngstroms: x, yInAngstroms: row[5] ?? x, zInAngstroms: row[6] ?? x)
                }
                return (row[0], Grid(shape: shape, voxelSize: voxelSize))
            })
        for index in annotations.indices {
            guard let grid = grids[annotations[index].id], let digest = annotations[index].digest else { continue }
            let size = grid.voxelSize.map { "\($0.xInAngstroms) \($0.yInAngstroms) \($0.zInAngstroms)" } ?? "unknown"
            let text = ["cellar annotation in a grid 1", digest.hexadecimal, "\(grid.shape)", size].joined(separator: "\n")
            annotations[index] = Part(
                id: annotations[index].id, tomogram: annotations[index].tomogram, z: annotations[index].z,
                digest: Digest(of: text.utf8), contentDigest: digest, grid: grid)
        }
    }

    /// The id of each step that ever ran, by name.
    package func stepIDs() throws -> [String: Int64] {
        try Dictionary(
            uniqueKeysWithValues: Row.fetchAll(db, sql: "SELECT name, id FROM step").map { ($0[0] as String, $0[1] as Int64) })
    }

    /// Calls the closure with the standing result of each scope of a step, by ascending scope id: its key, and the digests
    /// of its outputs in the order of their names.
    ///
    /// - Complexity: a million rows take a fraction of a second. They are read by SQLite's C functions, where a row needs no
    ///   allocation.
    package func forEachHead(
        ofStep stepID: Int64, _ body: (_ scopeID: Int64, _ key: Digest, _ outputs: UnsafeRawBufferPointer) -> Void
    ) throws {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        let sql = "SELECT scope_id, key, outputs FROM head WHERE step_id = ? ORDER BY scope_id"
        guard sqlite3_prepare_v2(db.sqliteConnection, sql, -1, &statement, nil) == SQLITE_OK else { throw failure() }
        sqlite3_bind_int64(statement, 1, stepID)
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                guard let key = Digest(blob(statement, 1)) else { continue }
                body(sqlite3_column_int64(statement, 0), key, blob(statement, 2))
            case SQLITE_DONE: return
            default: throw failure()
            }
        }
    }

    private func blob(_ statement: OpaquePointer?, _ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(statement, column)
        return UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(statement, column)))
    }

    private func failure() -> CatalogError {
        let message = String(cString: sqlite3_errmsg(db.sqliteConnection))
        return CatalogError(.storage, "the catalog could not be read: \(message); `cellar verify` checks the database")
    }

    /// The successful trace that has a key.
    package func trace(withKey key: Digest) throws -> KnownTrace? {
        let statement = try db.cachedStatement(sql: "SELECT id FROM trace WHERE key = ? AND status = 'done'")
        guard let id = try Int64.fetchOne(statement, arguments: [key]) else { return nil }
        let outputs = try db.cachedStatement(sql: "SELECT digest FROM trace_output WHERE trace_id = ? ORDER BY name")
        return KnownTrace(id: id, outputs: try Digest.fetchAll(outputs, arguments: [id]))
    }

    /// The digests of evicted artifacts, whose bytes were dropped.
    package func evictedArtifacts() throws -> Set<Digest> {
        try Set(Digest.fetchCursor(db, sql: "SELECT digest FROM artifact WHERE state = 'evicted'"))
    }

    /// Items of each step that failed, or were skipped, at their last try, by ascending scope id.
    ///
    /// These are the rows of `v_failure`, but without the names of tomograms, for which the view reads every scope; and with
    /// items whose earlier result was found again since.
    package func troubles() throws -> [String: [Trouble]] {
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT step.name, trace.scope_id, trace.status, trace.error, trace.host, trace.job
                FROM trace JOIN step ON step.id = trace.step_id
                WHERE trace.status IN ('failed', 'skipped') AND NOT EXISTS (
                    SELECT 1 FROM trace AS later
                    WHERE later.step_id = trace.step_id AND later.scope_id = trace.scope_id AND later.id > trace.id)
                ORDER BY trace.step_id, trace.scope_id
                """)
        var troubles: [String: [Trouble]] = [:]
        while let row = try rows.next() {
            troubles[row[0], default: []].append(
                Trouble(
                    scopeID: row[1], status: row[2], error: row[3], place: ItemOutcome.Place(host: row[4], job: row[5])))
        }
        return troubles
    }

    /// How an item ended at its last try, where it failed or was skipped.
    package struct Trouble: Sendable {
        package let scopeID: Int64
        package let status: TraceStatus
        package let error: String
        package let place: ItemOutcome.Place
    }

    /// Where the standing result of a step on a scope was computed by a worker; nil where that was in the run itself.
    package func place(ofStep step: String, scopeID: Int64) throws -> ItemOutcome.Place? {
        let statement = try db.cachedStatement(
            sql: """
                SELECT host, job FROM trace WHERE host IS NOT NULL AND id = (
                    SELECT trace_id FROM head WHERE step_id = (SELECT id FROM step WHERE name = ?) AND scope_id = ?)
                """)
        return try Row.fetchOne(statement, arguments: [step, scopeID]).map { ItemOutcome.Place(host: $0[0], job: $0[1]) }
    }

    /// The mean cost of an item of a step, for estimates: over the standing results of the 200 newest scopes.
    package func costs(ofStep stepID: Int64) throws -> StepCost? {
        let row = try Row.fetchOne(
            db,
            sql: """
                WITH recent AS (
                    SELECT trace.id, seconds, memory_bytes FROM head JOIN trace ON trace.id = head.trace_id
                    WHERE head.step_id = ? ORDER BY head.scope_id DESC LIMIT 200)
                SELECT avg(seconds) AS seconds, count(*) AS items, max(memory_bytes) AS memory,
                    (SELECT ifnull(sum(bytes), 0) FROM recent JOIN trace_output ON trace_output.trace_id = recent.id
                     JOIN artifact ON artifact.id = trace_output.artifact_id) AS bytes
                FROM recent
                """, arguments: [stepID])
        guard let row, let items: Int = row["items"], items > 0 else { return nil }
        return StepCost(seconds: row["seconds"], bytes: (row["bytes"] as Double) / Double(items), memoryBytes: row["memory"])
    }
}

/// A successful trace: its id, and the digests of its outputs in the order of their names.
package struct KnownTrace: Sendable {
    package let id: Int64
    package let outputs: [Digest]
}

/// The mean cost of one item of a step.
package struct StepCost: Sendable {
    package let seconds: Double
    package let bytes: Double
    /// The most memory that a worker had for one; nil where workers computed none.
    package let memoryBytes: Int64?
}
