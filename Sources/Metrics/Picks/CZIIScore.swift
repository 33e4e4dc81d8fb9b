public import Basics

/// The score of the CZII challenge *CryoET Object Identification* (2024): of each class the F-beta of ``PickRule/czii``, with
/// true and false positives summed over tomograms, and then the mean of the classes by weight.
///
/// ```swift
/// var score = try CZIIScore(classes: ["ribosome": .init(radiusInAngstroms: 150, weight: 1), …])
/// for tomogram in tomograms { try score.add(picks, truth: truth, className: "ribosome") }
/// print(score.score)
/// ```
public struct CZIIScore: Sendable {
    /// How large the particles of a class are, and how much the class counts.
    public struct ParticleClass: Hashable, Codable, Sendable {
        public var radiusInAngstroms: Double
        public var weight: Double

        public init(radiusInAngstroms: Double, weight: Double) {
            self.radiusInAngstroms = radiusInAngstroms
            self.weight = weight
        }
    }

    public let classes: [String: ParticleClass]
    public let beta: Double
    private var counts: [String: Overlap] = [:]

    /// - Throws: ``MetricsError`` where β is not positive, a radius is not, a weight is negative, or no class has one.
    public init(classes: [String: ParticleClass], beta: Double = 4) throws(MetricsError) {
        guard beta > 0, beta < 1e6 else { throw .parameter("beta", beta, mustBe: "positive and below 10⁶") }
        for (name, particle) in classes.sorted(by: { $0.key < $1.key }) {
            guard particle.radiusInAngstroms > 0, particle.radiusInAngstroms < 1e9 else {
                throw .parameter("the radius of \(name)", particle.radiusInAngstroms, mustBe: "positive and below 10⁹ Å")
            }
            guard particle.weight >= 0, particle.weight < 1e9 else {
                throw .parameter("the weight of \(name)", particle.weight, mustBe: "in 0..<10⁹")
            }
        }
        guard classes.contains(where: { $0.value.weight > 0 }) else {
            throw MetricsError(.invalidParameter, "no class has a positive weight; give one to at least one class")
        }
        self.classes = classes
        self.beta = beta
    }

    /// Counts the picks of a class in a tomogram.
    ///
    /// - Throws: ``MetricsError`` for an unknown class, and where a coordinate is not finite.
    public mutating func add(_ picks: [Pick], truth: [SIMD3<Double>], className: String) throws(MetricsError) {
        guard let particle = classes[className] else {
            throw MetricsError(
                .unknownLabel, "there is no class \(className); there are \(classes.keys.sorted().joined(separator: ", "))")
        }
        let score = try PickRule.czii(particleRadiusInAngstroms: particle.radiusInAngstroms).score(picks, truth: truth)
        counts[className, default: Overlap()] += Overlap(
            truePositives: score.truePositives, falsePositives: score.falsePositives, falseNegatives: score.falseNegatives)
    }

    /// The F-beta of a class; 0 where precision or recall is undefined, as published, and nil for a class that there is not.
    public func fBeta(of className: String) -> Double? {
        guard classes[className] != nil else { return nil }
        let overlap = counts[className] ?? Overlap()
        return harmonicMean(overlap.precision, overlap.recall, beta: beta) ?? 0
    }

    /// The mean of the classes' F-beta by weight.
    public var score: Double {
        let names = classes.keys.sorted()
        let whole = names.reduce(0) { $0 + (classes[$1]?.weight ?? 0) }
        return names.reduce(0) { $0 + (classes[$1]?.weight ?? 0) * (fBeta(of: $1) ?? 0) } / whole
    }
}
