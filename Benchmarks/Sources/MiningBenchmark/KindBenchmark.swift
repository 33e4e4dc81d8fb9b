import Basics
import BenchmarkSupport
import Foundation
import Mining

/// Measures how kinds are found.
enum KindBenchmark {
    /// Finds the kinds of rows in a file, and writes the kind of each.
    ///
    /// - Parameters:
    ///   - rows: a file of float32, `[row][component]`.
    ///   - kinds: receives a whole number of 32 bits for each row.
    static func find(rows: String, dimension: Int, kinds: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: rows))
        let values = data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        let (model, trials) = try KindFinder().find(values, dimension: dimension)
        let found = try model.assign(rows: values).map { Int32($0.kind) }
        try found.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: kinds))
        for trial in trials { print(trial.count, trial.kinds ?? trial.count, trial.stability, trial.informationCriterion) }
    }

    /// Times a million rows less or more, around as many centres as there are kinds.
    static func time(rows: Int, components: Int, kinds: Int) throws {
        var random = RandomStream(seed: 1)
        var values = [Float](repeating: 0, count: rows * components)
        for row in 0..<rows {
            let kind = random.index(below: kinds)
            for index in 0..<components {
                // About normal: the sum of four.
                let noise = (0..<4).reduce(0.0) { sum, _ in sum + random.unit() - 0.5 } * 3.0.squareRoot()
                values[row * components + index] = Float(noise) + (index % kinds == kind ? 6 : 0)
            }
        }
        let clock = ContinuousClock()
        var found: KindModel?
        let finding = try clock.measure { found = try KindFinder().find(values, dimension: components).model }
        guard let found else { return }
        let assigning = try clock.measure { _ = try found.assign(rows: values) }
        print("\(rows) rows of \(components): \(found.kinds.count) kinds in \(finding), assigned in \(assigning)")
    }
}
