import Basics
import Metrics
import Testing

@Suite("Neighbours against randomness") struct NeighborPatternTests {
    /// Two regions of 20 slices of 30 × 40 voxels: 1 where x < 10, 2 where x ≥ 20; between them none.
    private static func numbers(_ z: Int) -> [UInt16] { (0..<1200).map { $0 % 40 < 10 ? 1 : $0 % 40 < 20 ? 0 : 2 } }

    private static func drawn(_ counts: [Int: Int], seed: UInt64 = 1) -> [Int: [SIMD3<Double>]] {
        RegionPlaces.draw(counts, slices: 20, width: 40, seed: seed, numbers: numbers)
    }

    @Test("places lie in their region, uniformly, the same for a seed; a region without a voxel has none")
    func places() throws {
        let drawn = Self.drawn([1: 4000, 2: 10, 3: 5, 0: 7])
        #expect(drawn.keys.sorted() == [1, 2] && drawn[2]?.count == 10)
        let first = try #require(drawn[1])
        #expect(first.count == 4000 && first.allSatisfy { $0.x >= -0.5 && $0.x < 9.5 })
        #expect(drawn[2]?.allSatisfy { $0.x >= 19.5 && $0.x < 39.5 } == true)
        // Of a uniform distribution over n voxels the mean is (n − 1) / 2, with the deviation n / √12 / √4000.
        let sides: [Double] = [10, 30, 20]
        for (axis, side) in sides.enumerated() {
            let mean = first.reduce(0) { $0 + $1[axis] } / 4000
            #expect(abs(mean - (side - 1) / 2) < 4 * side / 12.0.squareRoot() / 4000.0.squareRoot())
        }
        // Not in the order of the voxels: half of the steps go down.
        let falls = zip(first, first.dropFirst()).count { $1.z < $0.z }
        #expect((1500...2500).contains(falls))
        #expect(Self.drawn([1: 4000])[1] == first && Self.drawn([1: 4000], seed: 2)[1] != first)
    }

    private func pattern(_ points: [SIMD3<Double>]) throws -> NeighborPattern {
        var pattern = NeighborPattern()
        let random = try #require(Self.drawn([2: points.count * NeighborPattern.draws], seed: 9)[2])
        try pattern.add(points, drawn: random)
        return pattern
    }

    @Test("random points are within the envelope, clusters above it, and a lattice below")
    func patterns() throws {
        let random = try pattern(try #require(Self.drawn([2: 100], seed: 5)[2]))
        #expect(abs(try #require(random.clustering) - 1) < 0.15)
        #expect(try #require(random.probability) > 0.02)
        let pairs = try #require(Self.drawn([2: 50], seed: 6)[2]).flatMap { [$0, $0 + SIMD3(0.5, 0, 0)] }
        let clustered = try pattern(pairs)
        #expect(try #require(clustered.clustering) < 0.4)
        #expect(clustered.probability == 0.02)
        let curves = try #require(clustered.curves())
        #expect(curves.distances.count == 101 && curves.found.first == 0 && curves.distances == curves.distances.sorted())
        #expect(curves.found == curves.found.sorted() && (curves.found.last ?? 0) >= 0.98)
        let index = try #require(curves.distances.firstIndex { $0 > 1 })
        #expect(curves.found[index] == 1 && curves.random.greatest[index] < 0.5)
        #expect(zip(curves.random.least, curves.random.mean).allSatisfy { $0 <= $1 })
        #expect(zip(curves.random.mean, curves.random.greatest).allSatisfy { $0 <= $1 + 1e-12 })
        var lattice: [SIMD3<Double>] = []
        for z in 0..<4 {
            for y in 0..<6 { for x in 0..<4 { lattice.append(SIMD3(22, 2, 2) + 5 * SIMD3(Double(x), Double(y), Double(z))) } }
        }
        let apart = try pattern(lattice)
        #expect(try #require(apart.clustering) > 1.3)
        #expect(apart.probability == 0.02)
    }

    @Test("single points have no neighbour, and as many random points are wanted")
    func refusals() throws {
        var pattern = NeighborPattern()
        #expect(pattern.curves() == nil && pattern.clustering == nil && pattern.probability == nil)
        try pattern.add([.zero], drawn: [SIMD3<Double>](repeating: .zero, count: NeighborPattern.draws))
        #expect(pattern.count == 0 && pattern.curves() == nil)
        #expect(throws: MetricsError.self) { try pattern.add([.zero, .one], drawn: [.zero]) }
        // All in one place: distances of zero are no trap.
        try pattern.add([.zero, .zero], drawn: [SIMD3<Double>](repeating: .zero, count: 2 * NeighborPattern.draws))
        #expect(pattern.clustering == nil && pattern.curves()?.found.last == 1)
    }
}
