internal import Basics
import Foundation
import GRDB
public import Volumes

/// Which execution a result that stands is of, and what lengths in it mean.
public struct ResultProvenance: Sendable, Hashable {
    /// The run that computed it.
    public var runID: Int64
    /// When that began on it: UTC, ISO 8601.
    public var startedAt: String
    /// The voxel size by which lengths in Å of the result came about; nil where it was computed without one.
    public var voxelSize: VoxelSize?
}

extension Catalog {
    /// Which execution the standing result of a step on a scope is of; nil where nothing stands.
    ///
    /// The voxel size is the one that the step read then. What counts for the tomogram today may be another, as long as nothing
    /// ran since it was changed.
    ///
    /// - Throws: ``CatalogError`` where the catalog no longer knows what the step read.
    public func provenance(step: String, scopeID: Int64) throws -> ResultProvenance? {
        try read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT trace.run_id, trace.started_at, trace_input.digest AS calibration
                    FROM head
                    JOIN step ON step.id = head.step_id
                    JOIN trace ON trace.id = head.trace_id
                    LEFT JOIN trace_input ON trace_input.trace_id = trace.id AND trace_input.name = 'calibrate.voxel-size'
                    WHERE step.name = ? AND head.scope_id = ?
                    """, arguments: [step, scopeID])
            guard let row else { return nil }
            var provenance = ResultProvenance(runID: row[0], startedAt: row[1], voxelSize: nil)
            if let digest: Digest = row["calibration"] {
                provenance.voxelSize = try Self.voxelSize(ofCalibration: digest, db)
                guard provenance.voxelSize != nil else {
                    throw CatalogError(
                        .invalid,
                        "the voxel size by which \(step) was computed is no longer known; `cellar run` renews the result")
                }
            }
            return provenance
        }
    }

    /// The voxel size that an output of `calibrate` says.
    private static func voxelSize(ofCalibration digest: Digest, _ db: Database) throws -> VoxelSize? {
        let text = try String.fetchOne(
            db,
            sql: """
                SELECT value FROM trace_output JOIN trace ON trace.id = trace_id
                WHERE step_id = (SELECT id FROM step WHERE name = 'calibrate')
                    AND trace_output.name = 'voxel-size' AND trace_output.digest = ?
                LIMIT 1
                """, arguments: [digest])
        let size = try text.map { try JSONDecoder().decode([Double].self, from: Data($0.utf8)) } ?? []
        return size.count == 3 ? VoxelSize(xInAngstroms: size[0], yInAngstroms: size[1], zInAngstroms: size[2]) : nil
    }
}
