import ImageProcessing

/// Positions paired one to one with particles, the nearest pair first.
///
/// Of all pairs of a position and a particle in whose ball it lies, the one with the least distance is taken, then the one with the
/// least among those that are left, and so on. Other than in an assignment (``PickRule/oneToOne(radiusInAngstroms:)``), what lies
/// at the place of a particle is always paired with that one, whatever lies beside it. Where distances are equal, the later
/// position counts.
public struct NearestPairs: Hashable, Sendable {
    /// The position of each particle, as an index; nil where it has none.
    public let positionOfParticle: [Int?]
    /// The particle of each position, as an index; nil where it has none.
    public let particleOfPosition: [Int?]

    /// - Parameters:
    ///   - positions: x, y, z; those that are not finite have no particle.
    ///   - particles: the centre and radius of each, in the same unit. A particle whose radius is not positive, or whose centre is
    ///     not finite, has no position.
    /// - Complexity: linear but for sorting the pairs, as long as few positions lie within the largest radius.
    public init(_ positions: [SIMD3<Double>], with particles: [(center: SIMD3<Double>, radius: Double)]) {
        func isPlace(_ place: SIMD3<Double>) -> Bool { (0..<3).allSatisfy { abs(place[$0]) < 1e12 } }
        let known = particles.indices.filter {
            particles[$0].radius > 1e-6 && particles[$0].radius < 1e12 && isPlace(particles[$0].center)
        }
        var (ofParticle, ofPosition) = (
            [Int?](repeating: nil, count: particles.count), [Int?](repeating: nil, count: positions.count)
        )
        if let reach = known.map({ particles[$0].radius }).max() {
            var cells = CellList(distance: reach)
            for particle in known { cells.add(particle, at: particles[particle].center) }
            var pairs: [(distance: Double, position: Int, particle: Int)] = []
            for position in positions.indices where isPlace(positions[position]) {
                for particle in cells.near(positions[position]) {
                    let offset = positions[position] - particles[particle].center
                    let distance = (offset * offset).sum().squareRoot()
                    if distance <= particles[particle].radius { pairs.append((distance, position, particle)) }
                }
            }
            pairs.sort { ($0.distance, -$0.position, $0.particle) < ($1.distance, -$1.position, $1.particle) }
            for pair in pairs where ofParticle[pair.particle] == nil && ofPosition[pair.position] == nil {
                (ofParticle[pair.particle], ofPosition[pair.position]) = (pair.position, pair.particle)
            }
        }
        (positionOfParticle, particleOfPosition) = (ofParticle, ofPosition)
    }
}
