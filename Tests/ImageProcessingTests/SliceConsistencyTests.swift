import Foundation
import TestSupport
import Testing

@testable import ImageProcessing

@Suite("Consistency along z")
struct SliceConsistencyTests {
    /// `slab` of Golden/make_operations_golden.py: twelve slices, alike but for the fifth, and a change of scene after
    /// the eighth.
    private func slab() throws -> [Image<Float>] {
        func real(_ seed: Int) throws -> Image<Float> {
            try #require(SyntheticImage.real(height: 24, width: 20, seed: UInt64(seed)))
        }
        return try (0..<12).map { z in
            let (scene, grain) = (try real(z == 4 ? 9854 : z < 8 ? 9800 : 9850), try real(9801 + z))
            return try #require(Image(height: 24, width: 20, values: zip(scene.values, grain.values).map { $0 + $1 / 64 }))
        }
    }

    private func consistency(of slices: [Image<Float>]) throws -> SliceConsistency {
        let ranges = slices.compactMap(\.finiteRange)
        let (low, high) = (ranges.map(\.lowerBound).min() ?? 0, ranges.map(\.upperBound).max() ?? 0)
        return try SliceConsistency(range: low...high)
    }

    @Test(
        "decisions and slices are those of the same rule with scikit-image's SSIM: an odd slice is replaced, a new scene is not"
    )
    func equalsScikitImage() throws {
        let slices = try slab()
        let results = try consistency(of: slices)(slices)
        let expected = try GoldenFile("operations/consistency.f4", in: .module).floats()
        let rows = try GoldenFile("operations/consistency.csv", in: .module).rows()
        try #require(results.count == 12 && rows.count == 12 && expected.count == 12 * 480)
        for (var row, result) in zip(rows, results) {
            let (z, rule) = (try row.int(), try row.value(SliceDecision.Rule.self))
            #expect(result.decision.index == z && result.decision.rule == rule)
            let similarities = [try row.text(), try row.text()].map { Double($0) }
            for (mine, theirs) in zip([result.decision.neighbourSimilarity, result.decision.sliceSimilarity], similarities) {
                #expect((mine == nil) == (theirs == nil))
                #expect(abs((mine ?? 0) - (theirs ?? 0)) < 1e-10)
            }
            let values = expected[z * 480..<(z + 1) * 480]
            #expect(zip(result.map.values, values).allSatisfy { abs($0 - $1) < 2e-6 })
        }
        #expect(results[4].decision.rule == .replaced)
    }

    @Test("a stream gives what the whole slab gives, and each slice from original neighbours")
    func stream() throws {
        let slices = try slab()
        let rule = try consistency(of: slices)
        var stream = rule.stream()
        var results: [ConsistentSlice] = []
        for (z, slice) in slices.enumerated() {
            let result = try stream.add(slice)
            #expect((result == nil) == (z == 0))
            if let result { results.append(result) }
        }
        if let last = stream.finish() { results.append(last) }
        #expect(results.map(\.decision) == (try rule(slices).map(\.decision)))
        // The window of three around a slice decides all of it.
        for z in 1..<11 {
            let three = try rule(Array(slices[z - 1...z + 1]))
            #expect(three[1].map == results[z].map)
        }
        #expect(stream.finish() == nil)
    }

    @Test("a slab of one slice stays as it is, of two each is averaged with the other, of none there is none")
    func shortSlabs() throws {
        let slices = Array(try slab().prefix(2))
        let rule = try consistency(of: slices)
        let alone = try rule([slices[0]])
        #expect(alone.map(\.map) == [slices[0]])
        #expect(alone.map(\.decision.rule) == [.alone])
        let two = try rule(slices)
        #expect(two.map(\.decision.rule) == [.smoothedAtEnd, .smoothedAtEnd])
        #expect(zip(two[0].map.values, two[1].map.values).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(try rule([]).isEmpty)
    }

    @Test("equal slices stay equal, also constant ones")
    func constant() throws {
        for value in [Float(0), 3, -1e30] {
            let slice = try #require(Image<Float>(height: 8, width: 9, repeating: value))
            let results = try consistency(of: [slice])([slice, slice, slice])
            #expect(results.map(\.map) == [slice, slice, slice])
            #expect(results.map(\.decision.rule) == [.smoothedAtEnd, .smoothed, .smoothedAtEnd])
        }
    }

    @Test("a slice that is no number decides nothing, and its decision can be stored")
    func notANumber() throws {
        let slices = try slab()
        let odd = slices[1].map { _ in Float.nan }
        let results = try consistency(of: slices)([slices[0], odd, slices[2]])
        #expect(results[1].decision.rule == .smoothed && results[1].decision.sliceSimilarity == nil)
        #expect(!(try JSONEncoder().encode(results.map(\.decision))).isEmpty)
    }

    @Test("slices of different sizes, and parameters of no rule, are refused")
    func refuses() throws {
        let slice = try #require(Image<Float>(height: 8, width: 9, repeating: 0))
        let other = try #require(Image<Float>(height: 9, width: 8, repeating: 0))
        #expect(throws: ImageError.self) { try SliceConsistency(range: 0...1)([slice, other]) }
        #expect(throws: ImageError.self) { try SliceConsistency(range: -.infinity...0) }
        #expect(throws: ImageError.self) { try SliceConsistency(range: 0...1, neighbourThreshold: 2) }
        #expect(throws: ImageError.self) { try SliceConsistency(range: 0...1, sliceThreshold: .nan) }
        #expect(throws: ImageError.self) { try SliceConsistency(range: 0...1, sliceWeight: -0.1) }
    }

    /// All results of a slab of which only some slices were looked at.
    private func sparse(_ slices: [Image<Float>], every: Int, weight: Double = 0.5) throws -> [ConsistentSlice] {
        let plain = try consistency(of: slices)
        let rule = try SliceConsistency(range: plain.range, sliceWeight: weight)
        let isLookedAt = slices.indices.map { $0 % every == 0 }
        var (stream, results) = (try SparseConsistency(rule, isLookedAt: isLookedAt), [ConsistentSlice]())
        for (slice, isLookedAt) in zip(slices, isLookedAt) where isLookedAt { try stream.add(slice) { results.append($0) } }
        try stream.finish { results.append($0) }
        return results
    }

    @Test("without gaps, a sparse slab is a slab")
    func sparseWithoutGaps() throws {
        let slices = try slab()
        let (found, expected) = (try sparse(slices, every: 1), try consistency(of: slices)(slices))
        #expect(found.map(\.decision) == expected.map(\.decision))
        #expect(zip(found, expected).allSatisfy { $0.map.values == $1.map.values })
    }

    @Test(
        "slices that nobody looked at lie on a line between those that were, and beyond the last they are it",
        arguments: [2, 3, 5, 12])
    func sparse(every: Int) throws {
        let slices = try (0..<12).map { z in try #require(Image(height: 8, width: 8, values: (0..<64).map { Float($0 * z) })) }
        // A weight of 1 averages nothing, so that what was interpolated can be seen.
        let results = try sparse(slices, every: every, weight: 1)
        #expect(results.map(\.decision.index) == Array(0..<12))
        let last = 11 / every * every
        for (z, result) in results.enumerated() {
            #expect((result.decision.rule == .interpolated) == (z % every != 0))
            #expect(zip(result.map.values, slices[min(z, last)].values).allSatisfy { abs($0 - $1) < 1e-3 })
        }
    }

    @Test("an outlier among the slices that were looked at is replaced, and teaches its neighbours nothing")
    func sparseOutlier() throws {
        let slices = try slab()
        let odd = try sparse(slices, every: 2)
        #expect(odd[4].decision.rule == .replaced && odd[3].decision.rule == .interpolated)
        var mended = slices
        mended[4] = try #require(
            Image(height: 24, width: 20, values: zip(slices[2].values, slices[6].values).map { ($0 + $1) / 2 }))
        let even = try sparse(mended, every: 2)
        for z in 0..<12 { #expect(zip(odd[z].map.values, even[z].map.values).allSatisfy { abs($0 - $1) < 1e-5 }, "slice \(z)") }
    }

    @Test("a slab that nobody looked at is refused")
    func sparseNothing() throws {
        let rule = try SliceConsistency(range: 0...1)
        #expect(throws: ImageError.self) { try SparseConsistency(rule, isLookedAt: [false, false]) }
        #expect(throws: ImageError.self) { try SparseConsistency(rule, isLookedAt: []) }
    }
}
