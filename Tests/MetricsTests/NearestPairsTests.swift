import Basics
import Metrics
import Testing

@Suite("Nearest pairs") struct NearestPairsTests {
    private typealias Ball = (center: SIMD3<Double>, radius: Double)

    private func distance(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { ((a - b) * (a - b)).sum().squareRoot() }

    /// Positions and particles in a cube, so dense that many balls hold several positions.
    private func scene(_ seed: UInt64) -> (positions: [SIMD3<Double>], particles: [Ball]) {
        var random = RandomStream(seed: seed)
        func place() -> SIMD3<Double> { SIMD3(random.unit(), random.unit(), random.unit()) * 60 - 30 }
        let positions = (0..<Int(40 * random.unit())).map { _ in place() }
        let particles = (0..<Int(40 * random.unit())).map { _ -> Ball in (place(), 2 + 15 * random.unit()) }
        return (positions, particles)
    }

    @Test("are one to one, within the particle's radius, and no pair that was left out is nearer than both that took its members")
    func laws() {
        var count = 0
        for seed in UInt64(0)..<200 {
            let (positions, particles) = scene(seed)
            let pairs = NearestPairs(positions, with: particles)
            #expect(pairs.positionOfParticle.count == particles.count && pairs.particleOfPosition.count == positions.count)
            for (position, particle) in pairs.particleOfPosition.enumerated() {
                guard let particle else { continue }
                count += 1
                #expect(pairs.positionOfParticle[particle] == position)
                #expect(distance(positions[position], particles[particle].center) <= particles[particle].radius)
            }
            #expect(pairs.positionOfParticle.count { $0 != nil } == pairs.particleOfPosition.count { $0 != nil })
            for position in positions.indices {
                for particle in particles.indices {
                    let apart = distance(positions[position], particles[particle].center)
                    guard apart <= particles[particle].radius else { continue }
                    let own = pairs.particleOfPosition[position].map { distance(positions[position], particles[$0].center) }
                    let other = pairs.positionOfParticle[particle].map { distance(positions[$0], particles[particle].center) }
                    #expect(own ?? .infinity <= apart || other ?? .infinity <= apart, "seed \(seed)")
                }
            }
        }
        #expect(count > 500)
    }

    @Test("do not depend on the order in which positions and particles are given")
    func order() {
        for seed in UInt64(0)..<50 {
            let (positions, particles) = scene(seed)
            let pairs = NearestPairs(positions, with: particles)
            let turned = NearestPairs(positions.reversed(), with: particles.reversed())
            let back = turned.particleOfPosition.reversed().map { $0.map { particles.count - 1 - $0 } }
            #expect(Array(back) == pairs.particleOfPosition, "seed \(seed)")
        }
    }

    @Test("a position at a particle's centre is paired with it, whatever lies beside it")
    func exact() {
        let particles: [Ball] = [(SIMD3(0, 0, 0), 10), (SIMD3(6, 0, 0), 10)]
        // An assignment could pair both here, too, and would take any of the two that has the least sum.
        let pairs = NearestPairs([SIMD3(-3, 0, 0), SIMD3(0, 0, 0)], with: particles)
        #expect(pairs.particleOfPosition == [1, 0])
        // A ball that is too small takes none.
        let small = NearestPairs([SIMD3(-3, 0, 0), SIMD3(0, 0, 0)], with: [particles[0], (SIMD3(6, 0, 0), 5)])
        #expect(small.particleOfPosition == [nil, 0] && small.positionOfParticle == [1, nil])
    }

    @Test("of two positions at one place the later one counts")
    func ties() {
        let pairs = NearestPairs([SIMD3(1, 0, 0), SIMD3(1, 0, 0), SIMD3(0, 1, 0)], with: [(SIMD3(0, 0, 0), 5)])
        #expect(pairs.positionOfParticle == [2])
    }

    @Test("what is nowhere, or has no size, has no partner")
    func bad() {
        let nowhere = NearestPairs(
            [SIMD3(.nan, 0, 0), SIMD3(0, .infinity, 0), SIMD3(0, 0, 1e300)],
            with: [
                (SIMD3(0, 0, 0), 5), (SIMD3(0, .nan, 0), 5), (SIMD3(0, 0, 0), .nan), (SIMD3(0, 0, 0), -1), (SIMD3(0, 0, 0), 0),
            ])
        #expect(nowhere.particleOfPosition == [nil, nil, nil] && nowhere.positionOfParticle == [nil, nil, nil, nil, nil])
        #expect(NearestPairs([], with: []).particleOfPosition.isEmpty)
        #expect(NearestPairs([SIMD3(0, 0, 0)], with: []).particleOfPosition == [nil])
        #expect(NearestPairs([SIMD3(0, 0, 0)], with: [(SIMD3(0, 0, 0), .infinity)]).particleOfPosition == [nil])
    }
}
