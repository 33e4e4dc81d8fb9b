import Foundation
import GRDB

/// Precision by recall of one class, as an evaluation keeps it: the output `curves` of steps whose name begins with `evaluate`, a
/// JSON object of one of these for each class.
public struct EvaluationCurve: Codable, Sendable, Hashable {
    /// What was evaluated: the step that gave it, or what it calls itself.
    public var source: String
    /// By descending threshold, as precision and threshold, which are as many.
    public var recall: [Double]
    public var precision: [Double]
    public var threshold: [Double]

    public init(source: String, recall: [Double], precision: [Double], threshold: [Double]) {
        self.source = source
        self.recall = recall
        self.precision = precision
        self.threshold = threshold
    }

    /// The curves of each class in an output's text; nil where it is something else.
    public static func curves(in text: String) -> [String: EvaluationCurve]? {
        guard let curves = try? JSONDecoder().decode([String: EvaluationCurve].self, from: Data(text.utf8)),
            curves.values.allSatisfy({ $0.recall.count == $0.precision.count && $0.recall.count == $0.threshold.count })
        else { return nil }
        return curves
    }
}

extension Catalog {
    /// The values that executions gave under a name, one after the other in the order of the ids; executions without it are left
    /// out.
    public func forEachValue(ofTraces ids: [Int64], output: String, _ body: (_ traceID: Int64, _ text: String) throws -> Void)
        throws
    {
        try read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT value FROM trace_output WHERE trace_id = ? AND name = ? AND value IS NOT NULL")
            for id in ids {
                if let text = try String.fetchOne(statement, arguments: [id, output]) { try body(id, text) }
            }
        }
    }
}
