import Foundation
import TestSupport
import Testing

@testable import ImageProcessing

@Suite("Aggregation of maps")
struct AggregationTests {
    /// `blobs` of Golden/make_operations_golden.py: noise and a bright disc.
    static func blobs(side: Int, seed: Int) -> Image<Float>? {
        guard let noise = SyntheticImage.real(height: side, width: side, seed: UInt64(seed)) else { return nil }
        let center = 8 + 4 * (seed / 3 % 3)
        let values = noise.values.enumerated().map { index, value in
            let (y, x) = (index / side, index % side)
            let isDisc = (x - center) * (x - center) + (y - 14) * (y - 14) < 30 && x + y > 3 * (seed % 3)
            return value / 8 + (isDisc ? 2 : 0)
        }
        return Image(height: side, width: side, values: values)
    }

    static func merge(_ similarity: GreedyMerge.Similarity, _ threshold: Double) throws -> GreedyMerge {
        try GreedyMerge(similarity: similarity, threshold: threshold, diversity: DiversityScore(), scaling: MapScaling())
    }

    // Maps are float32, scores of them float64: the order of additions is all that differs.
    @Test("the decisions, and all that they are made from, equal those of the same rule in NumPy")
    func decisionsEqualNumPy() throws {
        let rows = try GoldenFile("operations/merge.csv", in: .module).rows()
        #expect(rows.count == 128)
        for start in stride(from: 0, to: rows.count, by: 8) {
            var first = rows[start]
            let (similarity, threshold, seed) = (
                try first.value(GreedyMerge.Similarity.self), try first.double(), try first.int()
            )
            let maps = try (0..<9).map { try #require(Self.blobs(side: 32, seed: seed + $0)) }
            let log = try Self.merge(similarity, threshold)(maps).log
            try #require(log.decisions.count == 8)
            for (var row, decision) in zip(rows[start..<start + 8], log.decisions) {
                _ = (try row.text(), try row.text(), try row.text())
                let (base, map) = (try row.int(), try row.int())
                #expect(log.base == base && decision.map == map, "seed \(seed)")
                for value in [decision.ownDiversity, decision.similarity, decision.diversityBefore, decision.diversityAfter] {
                    let expected = try row.double()
                    #expect(abs(value - expected) < 1e-7, "seed \(seed), map \(map)")
                }
                let (before, after) = (try row.int(), try row.int())
                #expect(decision.contoursBefore == before && decision.contoursAfter == after, "seed \(seed), map \(map)")
                let outcome = try row.value(MergeDecision.Outcome.self)
                #expect(decision.outcome == outcome, "\(decision.explanation)")
            }
        }
    }

    @Test("what is merged is similar, raises the diversity and adds no contour; the log says so and adds up")
    func laws() throws {
        for seed in stride(from: 0, to: 60, by: 6) {
            let maps = try (0..<6).map { try #require(Self.blobs(side: 40, seed: seed + $0)) }
            let result = try Self.merge(.overlap, 0.3)(maps)
            let merged = result.log.decisions.filter { $0.outcome == .merged }
            for decision in merged {
                #expect(decision.similarity >= 0.3)
                #expect(decision.diversityAfter > decision.diversityBefore && decision.contoursAfter <= decision.contoursBefore)
            }
            #expect(Set(result.log.decisions.map(\.map) + [result.log.base]) == Set(maps.indices))
            #expect(result.log.finalDiversity == merged.last?.diversityAfter ?? result.log.baseDiversity)
            #expect(result.log.finalContours == merged.last?.contoursAfter ?? result.log.baseContours)
            // The result is the mean of the scaled maps that the log names.
            let scaled = try result.log.mergedMaps.map { try MapScaling()(maps[$0]).values }
            for index in result.map.values.indices {
                let mean = scaled.reduce(Float(0)) { $0 + $1[index] } / Float(scaled.count)
                #expect(abs(result.map.values[index] - mean) < 1e-5)
            }
            let decoded = try JSONDecoder().decode(MergeLog.self, from: JSONEncoder().encode(result.log))
            #expect(decoded == result.log)
        }
    }

    @Test("one map alone is scaled; of maps of which none merges the base remains")
    func nothingMerges() throws {
        let map = try #require(Self.blobs(side: 32, seed: 1))
        let alone = try Self.merge(.overlap, 0.5)([map])
        #expect(alone.map == (try MapScaling()(map)))
        #expect(alone.log.decisions.isEmpty && alone.log.mergedMaps == [0])
        let others = try Self.merge(.overlap, 1)([map, map.map { -$0 }])
        #expect(others.log.decisions.map(\.outcome) == [.dissimilar])
        #expect(others.log.decisions[0].explanation.contains("not similar to the base"))
    }

    @Test("constant maps, and maps without a number, are defined: the first is the base, nothing is merged")
    func constantMaps() throws {
        for value in [Float(0), 7, .nan, .infinity] {
            let map = try #require(Image<Float>(height: 16, width: 16, repeating: value))
            for similarity in GreedyMerge.Similarity.allCases {
                let result = try Self.merge(similarity, 0.5)([map, map, map])
                #expect(result.map.values.allSatisfy { $0 == 0 })
                #expect(result.log.base == 0 && result.log.mergedMaps == [0] && result.log.baseDiversity == 0)
            }
        }
    }

    @Test("no map, and maps of different sizes, are refused")
    func refuses() throws {
        let merge = try Self.merge(.overlap, 0.5)
        let small = try #require(Image<Float>(height: 8, width: 8, repeating: 0))
        let large = try #require(Image<Float>(height: 8, width: 9, repeating: 0))
        #expect(throws: ImageError.self) { try merge([]) }
        #expect(throws: ImageError.self) { try merge([small, large]) }
        #expect(throws: ImageError.self) { try Self.merge(.overlap, .nan) }
    }

    @Test("diversity is zero where all patches are alike, and that of flat and rough halves is half the roughness")
    func diversity() throws {
        let score = try DiversityScore(patchSize: 4)
        let chequered = try #require(Image<Float>(height: 8, width: 8, values: (0..<64).map { Float(($0 / 8 + $0) % 2) }))
        #expect(score(chequered) < 1e-12)
        var half = chequered
        for y in 0..<8 { for x in 0..<4 { half[y: y, x: x] = 0 } }
        #expect(abs(score(half) - 0.25) < 1e-12)
        #expect(try DiversityScore(patchSize: 8)(half) == 0)
        for size in [0, 1, -8, 4097] { #expect(throws: ImageError.self) { try DiversityScore(patchSize: size) } }
    }

    @Test("scaling is the same for every positive gain and any offset, and puts the percentiles at 0 and 1")
    func scaling() throws {
        let map = try #require(Self.blobs(side: 30, seed: 8))
        let scaled = try MapScaling()(map)
        #expect(scaled.finiteRange == 0...1)
        let other = try MapScaling()(map.map { 8 * $0 - 64 })
        #expect(zip(scaled.values, other.values).allSatisfy { abs($0 - $1) < 1e-5 })
        // One outlier of the nine hundred changes next to nothing.
        var outlier = map
        outlier[y: 0, x: 0] = 1e6
        let robust = try MapScaling()(outlier)
        #expect(zip(scaled.values, robust.values).dropFirst().allSatisfy { abs($0 - $1) < 0.05 })
        #expect(throws: ImageError.self) { try MapScaling(lowerPercent: 50, upperPercent: 50) }
        #expect(throws: ImageError.self) { try MapScaling(lowerPercent: -1, upperPercent: .nan) }
    }

    @Test("a map of one value but for a few pixels keeps those")
    func scalingOfSparseMap() throws {
        var map = try #require(Image<Float>(height: 20, width: 20, repeating: 5))
        map[y: 3, x: 4] = 6
        #expect(try MapScaling()(map).values.filter { $0 == 1 }.count == 1)
        #expect(try MapScaling()(map).values.filter { $0 == 0 }.count == 399)
    }

    @Test("a map is turned so that it correlates with the density, whichever sign it comes in")
    func orientation() throws {
        let map = try #require(Self.blobs(side: 16, seed: 2))
        let density = try map.resized(height: 64, width: 64)
        let orientation = MapOrientation(density: density)
        let (upright, turned) = (try orientation(map), try orientation(map.map { -$0 }))
        #expect(!upright.isFlipped && turned.isFlipped)
        #expect(upright.map == map && turned.map == map)
        #expect(upright.correlation > 0.5 && upright.correlation == turned.correlation)
        #expect(abs(try MapOrientation(density: map.map { 3 * $0 + 1 })(map).correlation - 1) < 1e-6)
        let constant = try #require(Image<Float>(height: 16, width: 16, repeating: 1))
        let still = try MapOrientation(density: constant)(map)
        #expect(!still.isFlipped && still.correlation == 0 && still.map == map)
        #expect(throws: ImageError.self) { try MapOrientation(density: map)(density) }
    }
}
