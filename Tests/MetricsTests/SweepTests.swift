import Basics
import ImageProcessing
import Metrics
import TestSupport
import Testing

@Suite struct SweepTests {
    @Test("average precision and best F1 are those of scikit-learn's definition") func golden() throws {
        for row in try GoldenFile("curves.csv", in: .module).rows() {
            let (scores, isTrue) = (try row.doubles("scores"), try row.doubles("is_true").map { $0 == 1 })
            let curve = try PrecisionRecallCurve(scores: scores, isTrue: isTrue, positives: isTrue.count { $0 })
            let expected = (try row.double("average_precision"), try row.double("best_f1"), try row.double("best_threshold"))
            #expect(agrees(curve.averagePrecision, expected.0, 1e-12))
            #expect(agrees(curve.best?.f1, expected.1, 1e-12))
            #expect(curve.best?.threshold == expected.2)
            #expect(curve.points.last?.recall == 1)
        }
    }

    @Test("a sweep over levels is each level's overlap") func levels() throws {
        var random = RandomStream(state: 8)
        let truth = try #require(Mask(height: 60, width: 61, values: (0..<3660).map { _ in Bool.random(using: &random) }))
        let probability = try #require(
            Image<UInt8>(
                height: 60, width: 61, values: truth.values.map { UInt8.random(in: $0 ? 50...255 : 0...200, using: &random) }))
        var histogram = ProbabilityHistogram()
        try histogram.add(probability: probability, truth: truth)
        let curve = histogram.curve()
        for level in [0, 50, 128, 200, 255] {
            var overlap = Overlap()
            try overlap.add(prediction: probability.map { $0 >= level }, truth: truth)
            let point = try #require(curve.points.first { $0.threshold == Double(level) / 255 })
            #expect(point.precision == overlap.precision && point.recall == overlap.recall)
            let dice = try #require(overlap.dice)
            #expect(agrees(point.f1, dice, 1e-12))
        }
    }

    @Test("a sweep over picks is the greedy rule at each threshold") func picks() throws {
        var random = RandomStream(state: 9)
        func place() -> SIMD3<Double> { SIMD3(.random(in: 0..<500, using: &random), .random(in: 0..<500, using: &random), 0) }
        let (picks, truth) = (
            (0..<80).map { _ in Pick(center: place(), score: .random(in: 0..<1, using: &random)) }, (0..<60).map { _ in place() }
        )
        let curve = try PrecisionRecallCurve(picks: picks, truth: truth, radiusInAngstroms: 50)
        for point in curve.points {
            let score = try PickRule.greedy(radiusInAngstroms: 50).score(
                picks.filter { $0.score >= point.threshold }, truth: truth)
            #expect(score.precision == point.precision && score.recall == point.recall)
        }
        #expect(curve.points.count == 80)
    }

    @Test("without truth there is no curve, without predictions its area is 0") func empty() throws {
        let none = try PrecisionRecallCurve(scores: [0.5], isTrue: [false], positives: 0)
        #expect(none.averagePrecision == nil && none.best == nil)
        let missed = try PrecisionRecallCurve(scores: [], isTrue: [], positives: 3)
        #expect(missed.averagePrecision == 0 && missed.best == nil)
        #expect(throws: MetricsError.self) { try PrecisionRecallCurve(scores: [.nan], isTrue: [true], positives: 1) }
        #expect(throws: MetricsError.self) { try PrecisionRecallCurve(scores: [1], isTrue: [], positives: 1) }
        #expect(throws: MetricsError.self) { try PrecisionRecallCurve(scores: [1], isTrue: [true], positives: 0) }
    }
}
