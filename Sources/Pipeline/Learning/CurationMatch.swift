import Metrics

/// Which particles the verdicts of people are about: the nearest of the same class, within its radius, one to one
/// (``NearestPairs``).
///
/// Positions and radii have one unit, Å or voxels.
package struct CurationMatch: Sendable {
    /// A particle, as far as verdicts are concerned.
    package struct Particle: Sendable, Hashable {
        package var className: String
        package var center: SIMD3<Double>
        package var radius: Double

        package init(className: String, center: SIMD3<Double>, radius: Double) {
            (self.className, self.center, self.radius) = (className, center, radius)
        }
    }

    /// The index of the verdict on each particle; nil where there is none.
    package let verdictOfParticle: [Int?]
    /// The index of the particle that each verdict is about; nil where there is none.
    package let particleOfVerdict: [Int?]

    /// - Parameter verdicts: where they are, in the order in which they were given.
    package init(_ verdicts: [(className: String, center: SIMD3<Double>)], on particles: [Particle]) {
        var (ofParticle, ofVerdict) = (
            [Int?](repeating: nil, count: particles.count), [Int?](repeating: nil, count: verdicts.count)
        )
        let particlesByClass = Dictionary(grouping: particles.indices) { particles[$0].className }
        for (name, judged) in Dictionary(grouping: verdicts.indices, by: { verdicts[$0].className }) {
            guard let known = particlesByClass[name] else { continue }
            let pairs = NearestPairs(
                judged.map { verdicts[$0].center }, with: known.map { (particles[$0].center, particles[$0].radius) })
            for (index, particle) in pairs.particleOfPosition.enumerated() {
                guard let particle else { continue }
                ofVerdict[judged[index]] = known[particle]
                ofParticle[known[particle]] = judged[index]
            }
        }
        (verdictOfParticle, particleOfVerdict) = (ofParticle, ofVerdict)
    }
}
