public import Basics
import CatalogSchema
import Foundation
import GRDB
public import Volumes

extension Catalog {
    /// What runs gave: traces, artifacts, values, objects and curves, and which of them stand.
    ///
    /// A result stands where it is the one that counts for a step on a scope now (table `head`): the last that was computed or
    /// found again. ``Catalog/results`` gives this struct. An operation that writes is one transaction. All operations throw
    /// ``CatalogError`` where the database cannot be read or written.
    public struct Results: Sendable {
        let database: CatalogDatabase
    }

    /// The inputs of an earlier execution of a step on a scope, for comparison with today's.
    package struct EarlierTrace: Sendable {
        package var runID: Int64
        package var stepVersion: Int
        package var parameters: [String: String]
        package var models: [String: String]
        package var inputs: [String: (digest: Digest, value: String?)]
    }

    /// An output of a step on a slice.
    public struct SliceArtifact: Sendable, Hashable {
        /// The slice, from 0.
        public var z: Int
        public var digest: Digest
    }

    /// An output of a step on a slab.
    public struct SlabArtifact: Sendable, Hashable {
        /// The slices of the slab.
        public var z: Range<Int>
        public var digest: Digest
    }
}

/// The execution that gave a standing result, and the voxel size that its lengths rely on.
public struct ResultProvenance: Sendable, Hashable {
    /// The run that computed it.
    public var runID: Int64
    /// When the execution began: UTC, ISO 8601.
    public var startedAt: String
    /// The voxel size by which lengths in the result were converted to Å; nil where it was computed without one.
    public var voxelSize: VoxelSize?
}

extension Catalog.Results {
    // MARK: Standing results

    /// The value that stands as an output of a step on a scope: its digest and JSON text; nil where none stands.
    package func standingValue(step: String, scopeID: Int64, output: String) throws -> (digest: Digest, text: String)? {
        try database.read { db in
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

    /// Whether a result of a step stands on a scope, also where its artifacts are evicted.
    package func hasResult(step: String, scopeID: Int64) throws -> Bool {
        try database.read { db in
            try Bool.fetchOne(
                db,
                sql:
                    "SELECT EXISTS (SELECT 1 FROM head JOIN step ON step.id = head.step_id WHERE step.name = ? AND scope_id = ?)",
                arguments: [step, scopeID]) ?? false
        }
    }

    /// The digest of the artifact that stands as an output of a step on a scope; nil where none does, or it is evicted.
    package func standingArtifact(step: String, scopeID: Int64, output: String) throws -> Digest? {
        try database.read { db in
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

    /// A result that stands on a tomogram and read that of another step.
    package struct StandingReader: Sendable {
        /// The tomogram.
        package let scopeID: Int64
        /// Whether what it read stands still.
        package let isCurrent: Bool
        /// An artifact that it gave; nil where it gave none, or it is evicted.
        package let artifact: Digest?
    }

    /// The results of a step that stand on tomograms, by the tomograms' ids.
    ///
    /// - Parameters:
    ///   - input: the step and the output that it reads.
    ///   - output: of which the artifact is given.
    /// - Complexity: some microseconds for each.
    package func standingReaders(
        step: String, of input: (step: String, output: String), giving output: String
    ) throws -> [StandingReader] {
        try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT head.scope_id, read.digest = theirs.digest, artifact.digest
                    FROM step
                    JOIN head ON head.step_id = step.id
                    JOIN tomogram ON tomogram.id = head.scope_id
                    LEFT JOIN trace_output AS own ON own.trace_id = head.trace_id AND own.name = ?2
                    LEFT JOIN artifact ON artifact.id = own.artifact_id AND artifact.state = 'present'
                    LEFT JOIN trace_input AS read ON read.trace_id = head.trace_id AND read.name = ?3 || '.' || ?4
                    LEFT JOIN step AS other ON other.name = ?3
                    LEFT JOIN head AS their ON their.step_id = other.id AND their.scope_id = head.scope_id
                    LEFT JOIN trace_output AS theirs ON theirs.trace_id = their.trace_id AND theirs.name = ?4
                    WHERE step.name = ?1 AND step.scope = 'tomogram'
                    ORDER BY head.scope_id
                    """, arguments: [step, output, input.step, input.output]
            ).map { StandingReader(scopeID: $0[0], isCurrent: $0[1] ?? false, artifact: $0[2]) }
        }
    }

    /// The artifacts that stand as an output of a step on the slabs of a tomogram, in the order in which the slabs were added.
    public func slabArtifacts(ofTomogram id: Int64, step: String, output: String) throws -> [Catalog.SlabArtifact] {
        try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT z_first, z_end, artifact.digest FROM slab
                    JOIN head ON head.scope_id = slab.id
                    JOIN step ON step.id = head.step_id AND step.scope = 'slab' AND step.name = ?2
                    JOIN trace_output ON trace_output.trace_id = head.trace_id AND trace_output.name = ?3
                    JOIN artifact ON artifact.id = trace_output.artifact_id AND state = 'present'
                    WHERE tomogram_id = ?1 ORDER BY slab.id
                    """, arguments: [id, step, output]
            ).map { row in
                let (first, end): (Int, Int) = (row[0], row[1])
                return Catalog.SlabArtifact(z: first..<end, digest: row[2])
            }
        }
    }

    /// The artifacts that stand as an output of a step on the slices of a tomogram, by z.
    public func sliceArtifacts(ofTomogram id: Int64, step: String, output: String) throws -> [Catalog.SliceArtifact] {
        try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT z, artifact.digest FROM slice
                    JOIN head ON head.scope_id = slice.id
                    JOIN step ON step.id = head.step_id AND step.scope = 'slice' AND step.name = ?2
                    JOIN trace_output ON trace_output.trace_id = head.trace_id AND trace_output.name = ?3
                    JOIN artifact ON artifact.id = trace_output.artifact_id AND state = 'present'
                    WHERE tomogram_id = ?1 ORDER BY z
                    """, arguments: [id, step, output]
            ).map { Catalog.SliceArtifact(z: $0[0], digest: $0[1]) }
        }
    }

    // MARK: What results were computed from

    /// The execution that gave the standing result of a step on a scope, or else the last successful one; nil where there is
    /// none.
    package func earlierTrace(step: String, scopeID: Int64) throws -> Catalog.EarlierTrace? {
        try database.read { db -> Catalog.EarlierTrace? in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT trace.id, run_id, configuration_id, step_version
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
            let inputs = try Row.fetchAll(
                db, sql: "SELECT name, digest, value FROM trace_input WHERE trace_id = ?", arguments: [id])
            func values(of kind: String) -> [String: String] {
                Dictionary(
                    uniqueKeysWithValues: rows.filter { $0["kind"] == kind }.map { ($0["name"] as String, $0["value"] as String) }
                )
            }
            return Catalog.EarlierTrace(
                runID: row["run_id"], stepVersion: row["step_version"],
                parameters: values(of: "recipe"), models: values(of: "model"),
                inputs: Dictionary(uniqueKeysWithValues: inputs.map { ($0[0], (digest: $0[1], value: $0[2])) }))
        }
    }

    /// The execution that gave the standing result of a step on a scope; nil where none stands.
    ///
    /// The voxel size is the one that the step read then. The tomogram may have another one now, if nothing ran since that was
    /// changed.
    ///
    /// - Parameter calibration: the step and the output that give voxel sizes: a JSON array of x, y, z in Å.
    /// - Throws: ``CatalogError`` where the catalog no longer knows what the step read.
    package func provenance(
        step: String, scopeID: Int64, calibration: (step: String, output: String)
    ) throws -> ResultProvenance? {
        try database.read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT trace.run_id, trace.started_at, trace_input.digest AS calibration
                    FROM head
                    JOIN step ON step.id = head.step_id
                    JOIN trace ON trace.id = head.trace_id
                    LEFT JOIN trace_input ON trace_input.trace_id = trace.id AND trace_input.name = ?
                    WHERE step.name = ? AND head.scope_id = ?
                    """, arguments: ["\(calibration.step).\(calibration.output)", step, scopeID])
            guard let row else { return nil }
            var provenance = ResultProvenance(runID: row[0], startedAt: row[1], voxelSize: nil)
            if let digest: Digest = row["calibration"] {
                provenance.voxelSize = try Self.voxelSize(digest, of: calibration, db)
                guard provenance.voxelSize != nil else {
                    throw CatalogError(
                        .invalid,
                        "the voxel size by which \(step) was computed is no longer known; `cellar run` renews the result")
                }
            }
            return provenance
        }
    }

    /// The voxel size of an output with a digest.
    private static func voxelSize(
        _ digest: Digest, of calibration: (step: String, output: String), _ db: Database
    ) throws -> VoxelSize? {
        let text = try String.fetchOne(
            db,
            sql: """
                SELECT value FROM trace_output JOIN trace ON trace.id = trace_id
                WHERE step_id = (SELECT id FROM step WHERE name = ?) AND trace_output.name = ? AND trace_output.digest = ?
                LIMIT 1
                """, arguments: [calibration.step, calibration.output, digest])
        let size = try text.map { try JSONDecoder().decode([Double].self, from: Data($0.utf8)) } ?? []
        return size.count == 3 ? VoxelSize(xInAngstroms: size[0], yInAngstroms: size[1], zInAngstroms: size[2]) : nil
    }
}
