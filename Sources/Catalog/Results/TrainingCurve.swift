public import CatalogSchema
import GRDB

/// What a step on a training set logged under one name, point by point.
public struct TrainingCurve: Sendable, Hashable {
    /// Whether what it belongs to counts today, as in `v_curve`.
    public enum State: String, Sendable, Hashable {
        /// Of the result that stands.
        case standing
        /// Of an item that runs now.
        case running
        /// Of earlier parameters, or of an item that was stopped.
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

extension Catalog {
    /// The curves of the steps on a training set, by step and name; those of earlier items too.
    ///
    public func curves(of set: TrainingSetRecord) throws -> [TrainingCurve] {
        let rows = try read { db in
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
}
