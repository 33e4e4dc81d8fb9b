package import Basics
public import CatalogSchema
import Foundation
import GRDB

/// A training curve: the points that a step on a training set logged under one name, such as the loss by epoch.
public struct TrainingCurve: Sendable, Hashable {
    /// The state of the item that logged it, as in `v_curve`.
    public enum State: String, Sendable, Hashable {
        /// Its result stands.
        case standing
        /// It runs now.
        case running
        /// It ran under other parameters, or was stopped.
        case earlier
    }

    public var step: String
    public var name: String
    public var state: State
    /// By ascending x: the epoch.
    public var points: [SIMD2<Double>]

    public init(step: String, name: String, state: State, points: [SIMD2<Double>]) {
        self.step = step
        self.name = name
        self.state = state
        self.points = points
    }
}

/// The precision-recall curve of one class. The output `curves` of the steps `evaluate…` is a JSON object of one of these for
/// each class.
public struct EvaluationCurve: Codable, Sendable, Hashable {
    /// What was evaluated: the name of the step that gave it, or of the source that it names.
    public var source: String
    /// One for each threshold, which descend; precision likewise.
    public var recall: [Double]
    public var precision: [Double]
    public var threshold: [Double]

    public init(source: String, recall: [Double], precision: [Double], threshold: [Double]) {
        self.source = source
        self.recall = recall
        self.precision = precision
        self.threshold = threshold
    }

    /// The curves by class in the text of an output; nil where it is something else.
    public static func curves(in text: String) -> [String: EvaluationCurve]? {
        guard let curves = try? JSONDecoder().decode([String: EvaluationCurve].self, from: Data(text.utf8)),
            curves.values.allSatisfy({ $0.recall.count == $0.precision.count && $0.recall.count == $0.threshold.count })
        else { return nil }
        return curves
    }
}

extension Catalog {
    /// The item that a curve belongs to, and its run.
    package struct CurveOwner: Sendable, Hashable {
        package var stepID: Int64
        package var scopeID: Int64
        package var key: Digest
        package var runID: Int64

        package init(stepID: Int64, scopeID: Int64, key: Digest, runID: Int64) {
            self.stepID = stepID
            self.scopeID = scopeID
            self.key = key
            self.runID = runID
        }
    }
}

extension Catalog.Results {
    /// Writes a point of a curve in a transaction of its own, so that others see it while the item runs. It replaces the point of
    /// the same key, name and x. Nothing is written where the scope was removed meanwhile.
    package func log(_ name: String, at x: Int, _ value: Double, for owner: Catalog.CurveOwner) throws {
        try database.write { db in
            let curve = try db.cachedStatement(
                sql: """
                    INSERT INTO curve (step_id, scope_id, key, run_id)
                    SELECT ?1, ?2, ?3, ?4 WHERE \(ScopeKind.isScopeThere)
                    ON CONFLICT DO UPDATE SET run_id = excluded.run_id
                    RETURNING id
                    """)
            guard let id = try Int64.fetchOne(curve, arguments: [owner.stepID, owner.scopeID, owner.key, owner.runID])
            else { return }
            try db.cachedStatement(
                sql: """
                    INSERT INTO curve_point (curve_id, name, x, value) VALUES (?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET value = excluded.value
                    """
            ).execute(arguments: [id, name, x, value])
        }
    }

    /// The curves of the steps on a training set, ordered by step and name, with those of earlier items.
    public func curves(of set: TrainingSetRecord) throws -> [TrainingCurve] {
        let rows = try database.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT step, name, state, key, x, value FROM v_curve WHERE training_set = ?
                    ORDER BY step, name, state, key, x
                    """, arguments: [set.name])
        }
        var curves: [TrainingCurve] = []
        var last: [String] = []
        for row in rows {
            let (step, name, state, key): (String, String, String, String) = (row[0], row[1], row[2], row[3])
            if last != [step, name, state, key] {
                last = [step, name, state, key]
                curves.append(TrainingCurve(step: step, name: name, state: .init(rawValue: state) ?? .earlier, points: []))
            }
            curves[curves.count - 1].points.append(SIMD2(row[4], row[5]))
        }
        return curves
    }

    /// Calls the closure with the values of one output of some executions, in the order of the ids; executions without it are
    /// left out.
    public func forEachValue(ofTraces ids: [Int64], output: String, _ body: (_ traceID: Int64, _ text: String) throws -> Void)
        throws
    {
        try database.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT value FROM trace_output WHERE trace_id = ? AND name = ? AND value IS NOT NULL")
            for id in ids {
                if let text = try String.fetchOne(statement, arguments: [id, output]) { try body(id, text) }
            }
        }
    }
}
