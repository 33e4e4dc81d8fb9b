package import Basics
package import CatalogSchema
import Foundation
import GRDB

/// How one item of a step ended, as it is written to the catalog.
package enum ItemOutcome: Sendable {
    /// It ran.
    case done(Completed)
    /// It was found again: an earlier trace has its key.
    case foundAgain(stepID: Int64, scopeID: Int64, key: Digest, trace: KnownTrace)
    /// It failed, or was skipped because something before it failed.
    case trouble(Trouble)

    /// The key of the item; nil where one of its inputs was not known.
    package var key: Digest? {
        switch self {
        case .done(let item): item.key
        case .foundAgain(_, _, let key, _): key
        case .trouble(let trouble): trouble.key
        }
    }

    package struct Completed: Sendable {
        package var stepID: Int64
        package var scopeID: Int64
        package var configurationID: Int64
        package var key: Digest
        package var startedAt: String
        package var seconds: Double
        package var inputs: [Input]
        /// The members of the training set, for each input that is read of all of them.
        package var members: [Member]
        /// By ascending name.
        package var outputs: [Output]
        package var metrics: [(name: String, value: Double)]
        package var objects: [FoundObject]
        package var place: Place

        package init(
            stepID: Int64, scopeID: Int64, configurationID: Int64, key: Digest, startedAt: String, seconds: Double,
            inputs: [Input], members: [Member] = [], outputs: [Output], metrics: [(name: String, value: Double)],
            objects: [FoundObject] = [], place: Place = Place()
        ) {
            self.stepID = stepID
            self.scopeID = scopeID
            self.configurationID = configurationID
            self.key = key
            self.startedAt = startedAt
            self.seconds = seconds
            self.inputs = inputs
            self.members = members
            self.outputs = outputs.sorted { $0.name < $1.name }
            self.metrics = metrics
            self.objects = objects
            self.place = place
        }
    }

    /// Where an item was computed, and how much memory that took: as its worker said, so nothing of items that threads of the run computed.
    package struct Place: Sendable, Hashable {
        package var host: String?
        /// The job of a cluster: `1234_5`.
        package var job: String?
        /// The most memory that the worker had meanwhile.
        package var memoryBytes: Int64?

        package init(host: String? = nil, job: String? = nil, memoryBytes: Int64? = nil) {
            (self.host, self.job, self.memoryBytes) = (host, job, memoryBytes)
        }

        /// `node1, job 1234_5`; nil where nothing is known.
        package var words: String? {
            let parts = [host, job.map { "job \($0)" }].compactMap { $0 }
            return parts.isEmpty ? nil : parts.joined(separator: ", ")
        }
    }

    package struct Input: Sendable, Hashable {
        package var name: String
        package var digest: Digest
        package var value: String?

        package init(name: String, digest: Digest, value: String?) {
            self.name = name
            self.digest = digest
            self.value = value
        }
    }

    /// A member of a training set in one input.
    package struct Member: Sendable, Hashable {
        package var input: String
        package var tomogramID: Int64
        /// `dataset/name`
        package var tomogram: String
        /// Its name within its tomogram, such as `z 0..<10`.
        package var label: String
        package var digest: Digest

        package init(input: String, tomogramID: Int64, tomogram: String, label: String, digest: Digest) {
            self.input = input
            self.tomogramID = tomogramID
            self.tomogram = tomogram
            self.label = label
            self.digest = digest
        }
    }

    package struct Output: Sendable, Hashable {
        package enum Content: Sendable, Hashable {
            case value(String)
            case artifact(kind: String, bytes: Int, evictable: Bool)
        }

        package var name: String
        package var digest: Digest
        package var content: Content

        package init(name: String, digest: Digest, content: Content) {
            self.name = name
            self.digest = digest
            self.content = content
        }
    }

    package struct Trouble: Sendable {
        package var stepID: Int64
        package var scopeID: Int64
        package var configurationID: Int64
        /// `failed` or `skipped`.
        package var status: TraceStatus
        package var key: Digest?
        package var startedAt: String
        package var seconds: Double
        package var error: String
        package var place: Place
        /// The end of what its worker printed.
        package var log: String?

        package init(
            stepID: Int64, scopeID: Int64, configurationID: Int64, status: TraceStatus, key: Digest?, startedAt: String,
            seconds: Double, error: String, place: Place = Place(), log: String? = nil
        ) {
            self.stepID = stepID
            self.scopeID = scopeID
            self.configurationID = configurationID
            self.status = status
            self.key = key
            self.startedAt = startedAt
            self.seconds = seconds
            self.error = error
            self.place = place
            self.log = log
        }
    }
}

extension Catalog.Results {
    /// Records a batch of items: writes their results in one transaction, at whose end they exist and stand.
    ///
    /// The bytes of all their artifacts must be in the blob store, synced to disk, before.
    package func record(_ outcomes: [ItemOutcome], runID: Int64) throws {
        try database.write { db in
            let statements = RecordingStatements(db: db, runID: runID)
            for outcome in outcomes {
                switch outcome {
                case .done(let item): try statements.complete(item)
                case .foundAgain(let stepID, let scopeID, let key, let trace):
                    try statements.setHead(stepID: stepID, scopeID: scopeID, key: key, traceID: trace.id, outputs: trace.outputs)
                case .trouble(let trouble): try statements.record(trouble)
                }
            }
        }
    }
}

/// The statements of one recording transaction. Each is prepared once for a connection, and used again.
private struct RecordingStatements {
    let db: Database
    let runID: Int64

    func complete(_ item: ItemOutcome.Completed) throws {
        let outputs = try item.outputs.map { output in (output, try artifactID(of: output)) }
        let digests = item.outputs.map(\.digest)
        if let known = try PlanningSnapshot(db).trace(withKey: item.key) {
            // The item ran although its result was there: to restore evicted bytes, or because another item with the same key
            // ended first.
            if known.outputs == digests {
                return try setHead(
                    stepID: item.stepID, scopeID: item.scopeID, key: item.key, traceID: known.id, outputs: digests)
            }
            try execute("UPDATE trace SET status = 'superseded' WHERE id = ?", [known.id])
            try execute(
                "INSERT INTO event (run_id, at, level, message) VALUES (?, ?, 'warning', ?)",
                [runID, Timestamp.now, "trace \(known.id) was computed again under the same key and gave another result"])
        }
        try execute(
            """
            INSERT INTO trace (
                run_id, step_id, scope_id, configuration_id, status, key, started_at, seconds, host, job, memory_bytes)
            VALUES (?, ?, ?, ?, 'done', ?, ?, ?, ?, ?, ?)
            """,
            [
                runID, item.stepID, item.scopeID, item.configurationID, item.key, item.startedAt, item.seconds, item.place.host,
                item.place.job, item.place.memoryBytes,
            ])
        let traceID = db.lastInsertedRowID
        for input in item.inputs {
            try execute(
                "INSERT INTO trace_input (trace_id, name, digest, value) VALUES (?, ?, ?, ?)",
                [traceID, input.name, input.digest, input.value])
        }
        for member in item.members {
            try execute(
                "INSERT INTO trace_member (trace_id, input, tomogram_id, tomogram, label, digest) VALUES (?, ?, ?, ?, ?, ?)",
                [traceID, member.input, member.tomogramID, member.tomogram, member.label, member.digest])
        }
        for (output, artifactID) in outputs {
            var value: String?
            if case .value(let text) = output.content { value = text }
            try execute(
                "INSERT INTO trace_output (trace_id, name, digest, artifact_id, value) VALUES (?, ?, ?, ?, ?)",
                [traceID, output.name, output.digest, artifactID, value])
        }
        for metric in item.metrics {
            try execute("INSERT INTO metric (trace_id, name, value) VALUES (?, ?, ?)", [traceID, metric.name, metric.value])
        }
        for object in item.objects { try insert(object, traceID: traceID) }
        for summary in ObjectSummary.summaries(of: item.objects) {
            try execute(
                """
                INSERT INTO object_summary (trace_id, class, measure, count, sum, sum_of_squares, minimum, maximum)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    traceID, summary.class, summary.measure, summary.count, summary.sum, summary.sumOfSquares, summary.minimum,
                    summary.maximum,
                ])
        }
        // Deletes curves of items that began under other keys and never ended. Curves of results stay as long as these.
        try execute(
            """
            DELETE FROM curve
            WHERE step_id = ? AND scope_id = ? AND NOT EXISTS (
                SELECT 1 FROM trace WHERE trace.key = curve.key AND trace.status = 'done')
            """, [item.stepID, item.scopeID])
        try setHead(stepID: item.stepID, scopeID: item.scopeID, key: item.key, traceID: traceID, outputs: digests)
    }

    private func insert(_ object: FoundObject, traceID: Int64) throws {
        let (centroid, low, high) = (
            object.centroidInAngstroms, object.boxMinimumInAngstroms, object.boxMaximumInAngstroms
        )
        try execute(
            """
            INSERT INTO object (
                trace_id, number, class, x_angstrom, y_angstrom, z_angstrom, radius_angstrom, voxels, volume_nm3, confidence,
                x_min_angstrom, x_max_angstrom, y_min_angstrom, y_max_angstrom, z_min_angstrom, z_max_angstrom,
                surface_nm2, diameter_nm, elongation, density_mean, membrane_distance_angstrom, uncertainty, compartment,
                kind, kind_certainty
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                traceID, object.number, object.class, centroid.x, centroid.y, centroid.z, object.radiusInAngstroms, object.voxels,
                object.volumeInCubicNanometers, object.confidence, low.x, high.x, low.y, high.y, low.z, high.z,
                object.surfaceInSquareNanometers, object.diameterInNanometers, object.elongation, object.meanDensity,
                object.membraneDistanceInAngstroms, object.uncertainty, object.compartment,
                object.kind?.number, object.kind?.certainty,
            ])
        if let enclosure = object.enclosure {
            try execute(
                """
                INSERT INTO object_enclosure (trace_id, number, state, level, gap_angstrom, open_part, depth_angstrom, sphericity)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    traceID, object.number, enclosure.state.rawValue, enclosure.level, enclosure.gapInAngstroms,
                    enclosure.openPart,
                    enclosure.depthInAngstroms, enclosure.sphericity,
                ])
        }
        if let membrane = object.membrane { try insert(membrane, number: object.number, traceID: traceID) }
        for neighbour in object.neighbours {
            try execute(
                "INSERT INTO object_neighbour (trace_id, number, class, neighbour, distance_angstrom) VALUES (?, ?, ?, ?, ?)",
                [traceID, object.number, neighbour.class, neighbour.number, neighbour.distanceInAngstroms])
        }
    }

    private func insert(_ membrane: FoundObject.Membrane, number: Int, traceID: Int64) throws {
        let (mean, gaussian, spacing) = (membrane.meanCurvature, membrane.gaussianCurvature, membrane.spacing)
        let profile = membrane.profile.map { "[\($0.densities.map { $0.map { "\($0)" } ?? "null" }.joined(separator: ","))]" }
        try execute(
            """
            INSERT INTO object_membrane (
                trace_id, number, places, curved_places, area_nm2,
                mean_curvature_per_nm, mean_curvature_lower_per_nm, mean_curvature_upper_per_nm,
                gaussian_curvature_per_nm2, gaussian_curvature_lower_per_nm2, gaussian_curvature_upper_per_nm2,
                roughness_angstrom, thickness_angstrom, thickness_by, profile, profile_step_angstrom,
                spacing_angstrom, spacing_lower_angstrom, spacing_upper_angstrom, neighboured_part, other_part
            ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                traceID, number, membrane.places, membrane.curvedPlaces, membrane.areaInSquareNanometers,
                mean?.median, mean?.lower, mean?.upper, gaussian?.median, gaussian?.lower, gaussian?.upper,
                membrane.roughnessInAngstroms, membrane.thicknessInAngstroms, membrane.thicknessMethod?.rawValue,
                profile, membrane.profile?.stepInAngstroms,
                spacing?.median, spacing?.lower, spacing?.upper, membrane.neighbouredPart, membrane.otherPart,
            ])
    }

    private func artifactID(of output: ItemOutcome.Output) throws -> Int64? {
        guard case .artifact(let kind, let bytes, let evictable) = output.content else { return nil }
        let statement = try db.cachedStatement(
            sql: """
                INSERT INTO artifact (digest, kind, bytes, evictable, state, created_at) VALUES (?, ?, ?, ?, 'present', ?)
                ON CONFLICT (digest) DO UPDATE SET
                    state = 'present', bytes = excluded.bytes, evictable = min(evictable, excluded.evictable)
                RETURNING id
                """)
        return try Int64.fetchOne(statement, arguments: [output.digest, kind, bytes, evictable, Timestamp.now])
    }

    /// Makes a result the standing one of a step on a scope. If the scope was removed while the item ran, nothing stands; the
    /// trace stays, and is found again if the scope comes back.
    func setHead(stepID: Int64, scopeID: Int64, key: Digest, traceID: Int64, outputs: [Digest]) throws {
        try execute(
            """
            INSERT INTO head (step_id, scope_id, trace_id, key, outputs, run_id)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE \(ScopeKind.isScopeThere)
            ON CONFLICT DO UPDATE SET
                trace_id = excluded.trace_id, key = excluded.key, outputs = excluded.outputs, run_id = excluded.run_id
            """,
            [stepID, scopeID, traceID, key, Data(outputs.flatMap(\.bytes)), runID])
    }

    func record(_ trouble: ItemOutcome.Trouble) throws {
        try execute(
            """
            INSERT INTO trace (
                run_id, step_id, scope_id, configuration_id, status, key, started_at, seconds, error, host, job, memory_bytes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                runID, trouble.stepID, trouble.scopeID, trouble.configurationID, trouble.status, trouble.key, trouble.startedAt,
                trouble.seconds, trouble.error, trouble.place.host, trouble.place.job, trouble.place.memoryBytes,
            ])
        guard let log = trouble.log, !log.isEmpty else { return }
        try execute("INSERT INTO trace_log (trace_id, text) VALUES (?, ?)", [db.lastInsertedRowID, log])
    }

    private func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
