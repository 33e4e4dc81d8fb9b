import Catalog
import Engine
import Metrics

/// Particles that were found beside those of an annotation, class by class (method.md, section 8).
struct PickComparison {
    /// How pairs are made.
    enum Rule: String, CaseIterable, Sendable {
        /// The most pairs, and of these the nearest ones.
        case oneToOne = "one-to-one"
        /// In order of confidence, each takes the nearest that is free (DeePiCt).
        case greedy
        /// Whatever lies in a true ball is right (DeepETPicker).
        case insideBall = "inside-ball"
        /// Within half of the particle's radius, and F4 in place of F1 (CZII).
        case czii
    }

    let rule: Rule
    /// In Å; nil for the radius of each class's particles.
    let radiusInAngstroms: Double?

    /// One class of both sides.
    struct Class {
        let name: String
        let found: [Pick]
        /// x, y, z in Å.
        let truth: [SIMD3<Double>]
        /// Of the particles; nil where nobody says.
        let radiusInAngstroms: Double?
    }

    /// Records metrics `class/measure`, under names that no comparison of voxels has: by the recipe's rule, and F by each of the four.
    /// Gives the curves by confidence, and the rules in words.
    ///
    /// - Throws: ``PipelineError`` where nobody says how large the particles are.
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
