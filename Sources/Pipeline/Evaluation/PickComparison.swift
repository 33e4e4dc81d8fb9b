import Catalog
import Engine
import Metrics

/// Compares particles that a step found with those of an annotation, for each class (method.md, section 8).
struct PickComparison {
    /// How particles that were found are paired with annotated ones.
    enum Rule: String, CaseIterable, Sendable {
        /// The pairing with the most pairs, and among those the one with the smallest distances.
        case oneToOne = "one-to-one"
        /// In order of confidence, each particle gets the nearest annotated one that is not paired yet (DeePiCt).
        case greedy
        /// A particle is right where it lies within the ball of an annotated one (DeepETPicker).
        case insideBall = "inside-ball"
        /// Pairs within half of the particle's radius, and F4 instead of F1 (CZII).
        case czii
    }

    let rule: Rule
    /// The largest distance of a pair in Å; nil for the radius of each class's particles.
    let radiusInAngstroms: Double?

    /// One class of both sides.
    struct Class {
        let name: String
        let found: [Pick]
        /// The annotated positions x, y, z in Å.
        let truth: [SIMD3<Double>]
        /// The radius of the particles; nil where it is not known.
        let radiusInAngstroms: Double?
    }

    /// Records metrics `class/measure`, with other names than those of a comparison of voxels: all measures by the recipe's rule, and the F score
    /// by each of the four rules.
    ///
    /// - Returns: the precision-recall curve of each class by confidence, and the rule of each class in words.
    /// - Throws: ``PipelineError`` where the radius of a class is not known.
    func record(_ classes: [Class], of item: StepItem, source: String) throws -> (
        curves: [String: EvaluationCurve], rules: [String: String]
    ) {
        var (curves, rules) = ([String: EvaluationCurve](), [String: String]())
        for particles in classes {
            guard let size = particles.radiusInAngstroms else {
                throw PipelineError(
                    "nobody says how large \(particles.name) is: annotate with --radius, or set the recipe's `radius`")
            }
            let name = particles.name
            func record(_ measure: String, _ value: Double?) {
                if let value { item.record("\(name)/\(measure)", value) }
            }
            let radius = radiusInAngstroms ?? size
            for other in Rule.allCases {
                let score = try Self.rule(other, radius: radius, size: size).score(particles.found, truth: particles.truth)
                let measure = "f\(other == .czii ? 4 : 1)_\(other.rawValue.map { $0 == "-" ? "_" : String($0) }.joined())"
                record(measure, other == .czii ? score.fBeta(4) : score.f1)
                guard other == rule else { continue }
                rules[name] = score.rule.description
                record("f1", score.f1)
                record("pick_precision", score.precision)
                record("pick_recall", score.recall)
                record("right", Double(score.truePositives))
                record("distance_mean", score.meanDistanceInAngstroms)
                record("match_radius", other == .czii ? size / 2 : radius)
            }
            record("true", Double(particles.truth.count))
            record("found", Double(particles.found.count))
            let curve = try PrecisionRecallCurve(picks: particles.found, truth: particles.truth, radiusInAngstroms: radius)
            record("average_precision", curve.averagePrecision)
            record("best_f1", curve.best?.f1)
            record("best_threshold", curve.best?.threshold)
            curves[name] = EvaluationCurve(curve, source: source)
        }
        return (curves, rules)
    }

    private static func rule(_ rule: Rule, radius: Double, size: Double) -> PickRule {
        switch rule {
        case .oneToOne: .oneToOne(radiusInAngstroms: radius)
        case .greedy: .greedy(radiusInAngstroms: radius)
        case .insideBall: .insideBall(radiusInAngstroms: radius)
        case .czii: .czii(particleRadiusInAngstroms: size)
        }
    }
}
