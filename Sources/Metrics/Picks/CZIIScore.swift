public import Basics

/// The score of the CZII challenge *CryoET Object Identification* (2024): the weighted mean over classes of F-beta, with β = 4
/// by default. The counts of a class, by ``PickRule/czii(particleRadiusInAngstroms:)``, are summed over tomograms first.
///
/// ```swift
/// var score = try CZIIScore(classes: ["ribosome": .init(radiusInAngstroms: 150, weight: 1), …])
/// for tomogram in tomograms { try score.add(picks, truth: truth, className: "ribosome") }
/// print(score.score)
/// ```
public struct CZIIScore: Sendable {
    /// The radius of the particles of a class, and the weight of the class.
    public struct ParticleClass: Hashable, Codable, Sendable {
        /// The radius of a particle in Å; positive, below 10⁹.
        public var radiusInAngstroms: Double
        /// The weight of the class in the mean; at least 0, below 10⁹.
        public var weight: Double

        public init(radiusInAngstroms: Double, weight: Double) {
            self.radiusInAngstroms = radiusInAngstroms
            self.weight = weight
        }
    }

    /// The classes, by name.
    public let classes: [String: ParticleClass]
    /// β: recall counts β times as much as precision.
    public let beta: Double
    private var counts: [String: Overlap] = [:]

    /// - Throws: ``MetricsError`` where β is not positive or not below 10⁶, a radius or a weight is out of its range, or no class
    ///   has a positive weight.
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
    /// - Throws: ``MetricsError`` for an unknown class, and as ``PickRule/score(_:truth:)``.
    /// - Complexity: as ``PickRule/score(_:truth:)``.
    public mutating func add(_ picks: [Pick], truth: [SIMD3<Double>], className: String) throws(MetricsError) {
        guard let particle = classes[className] else {
            throw MetricsError(
                .unknownLabel, "there is no class \(className); give one of \(classes.keys.sorted().joined(separator: ", "))")
        }
        let score = try PickRule.czii(particleRadiusInAngstroms: particle.radiusInAngstroms).score(picks, truth: truth)
        counts[className, default: Overlap()] += Overlap(
            truePositives: score.truePositives, falsePositives: score.falsePositives, falseNegatives: score.falseNegatives)
    }

    /// The F-beta of a class; 0 where precision or recall is undefined, as published, and nil for an unknown class.
    public func fBeta(of className: String) -> Double? {
        guard classes[className] != nil else { return nil }
        let overlap = counts[className] ?? Overlap()
        return harmonicMean(overlap.precision, overlap.recall, beta: beta) ?? 0
    }

    /// The mean of F-beta over the classes, by weight.
    public var score: Double {
        let names = classes.keys.sorted()
        let whole = names.reduce(0) { $0 + (classes[$1]?.weight ?? 0) }
        return names.reduce(0) { $0 + (classes[$1]?.weight ?? 0) * (fBeta(of: $1) ?? 0) } / whole
    }
}
