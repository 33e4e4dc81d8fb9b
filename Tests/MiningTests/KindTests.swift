import Basics
import Foundation
import Mining
import Testing

@Suite("Kinds")
struct KindTests {
    /// Rows around centres that lie `distance` standard deviations apart, and as many rows far from all as `strangers` says.
    static func rows(
        _ sizes: [Int], dimension: Int = 12, distance: Double = 9, strangers: Int = 0, seed: UInt64 = 1
    ) -> (rows: [[Float]], kinds: [Int]) {
        var random = RandomStream(seed: seed)
        func normal() -> Double { (-2 * log(1 - random.unit())).squareRoot() * cos(2 * .pi * random.unit()) }
        let centres = sizes.indices.map { kind in
            (0..<dimension).map { $0 % sizes.count == kind ? distance / Double(2).squareRoot() : 0 }
        }
        var (rows, kinds): ([[Float]], [Int]) = ([], [])
        for (kind, size) in sizes.enumerated() {
            for _ in 0..<size {
                rows.append(centres[kind].map { Float($0 + normal()) })
                kinds.append(kind + 1)
            }
        }
        for _ in 0..<strangers {
            rows.append((0..<dimension).map { _ in Float(40 * normal()) })
            kinds.append(0)
        }
        let order = rows.indices.shuffled(using: &random)
        return (order.map { rows[$0] }, order.map { kinds[$0] })
    }

    @Test(
        "as many kinds are found as there are, and each particle is given its own", arguments: [1, 2, 3, 5],
        [UInt64(1), 2, 3])
    func count(_ count: Int, seed: UInt64) throws {
        let (rows, kinds) = Self.rows((0..<count).map { 60 + 40 * $0 }, seed: seed)
        var finder = KindFinder()
        finder.seed = seed
        let (model, trials) = try finder.find(rows.flatMap(\.self), dimension: 12)
        #expect(model.kinds == Array(1...count), "\(trials)")
        let found = try model.assign(rows: rows.flatMap(\.self))
        #expect(PartitionAgreement.adjustedRand(kinds, found.map(\.kind)) > 0.97)
        // By size: the largest is 1.
        let sizes = Dictionary(grouping: found.map(\.kind).filter { $0 > 0 }) { $0 }.mapValues(\.count)
        #expect((1...count).map { sizes[$0] ?? 0 } == sizes.values.sorted(by: >))
    }

    @Test("on the map of kinds each is a disc of deviation 1, and kinds lie apart", arguments: [1, 2, 3, 5])
    func map(count: Int) throws {
        let (rows, kinds) = Self.rows((0..<count).map { 200 + 20 * $0 }, seed: 4)
        let values = rows.flatMap(\.self)
        let places = try KindMap(KindFinder().find(values, dimension: 12).model).places(of: values)
        let groups = Dictionary(grouping: zip(kinds, places), by: \.0).mapValues { $0.map(\.1) }
        var means: [SIMD2<Double>] = []
        for group in groups.values {
            let mean = group.reduce(.zero, +) / Double(group.count)
            let variance = group.reduce(SIMD2<Double>.zero) { $0 + ($1 - mean) * ($1 - mean) } / Double(group.count)
            #expect(all(variance .> 0.7) && all(variance .< 1.4), "\(variance)")
            means.append(mean)
        }
        // Two and three means span the plane in which they lie 9 apart; of more, the two widest directions are kept.
        let least = count <= 3 ? 8.0 : 2.0
        for (index, one) in means.enumerated() {
            for other in means[(index + 1)...] {
                let offset = one - other
                #expect((offset * offset).sum().squareRoot() > least)
            }
        }
        let model = try KindFinder().find(values, dimension: 12).model
        #expect(try KindMap(model).places(of: values) == places && KindMap(model).places(of: []).isEmpty)
        #expect(throws: MiningError.self) { try KindMap(model).places(of: [1, 2]) }
    }

    @Test("one long group is one kind, however it is cut the same way each time")
    func long() throws {
        var random = RandomStream(seed: 5)
        func normal() -> Double { (-2 * log(1 - random.unit())).squareRoot() * cos(2 * .pi * random.unit()) }
        let rows = (0..<600).map { _ in (0..<6).map { Float(normal() * ($0 == 0 ? 8 : 1)) } }
        #expect(try KindFinder().find(rows.flatMap(\.self), dimension: 6).model.kinds == [1])
    }

    @Test("a group that is not normal is one kind, though the mixture gives it several components", arguments: [UInt64(1), 2, 3])
    func flat(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        func normal() -> Double { (-2 * log(1 - random.unit())).squareRoot() * cos(2 * .pi * random.unit()) }
        // Spread evenly along the first axis; and a second group, which is far from it.
        let rows = (0..<800).map { row in
            (0..<6).map { axis -> Float in
                if row >= 600 { return Float(normal() + (axis == 1 ? 12 : 0)) }
                return Float(axis == 0 ? 14 * random.unit() - 7 : normal())
            }
        }
        let (model, trials) = try KindFinder().find(rows.flatMap(\.self), dimension: 6)
        let best = try #require(trials.min { $0.informationCriterion < $1.informationCriterion })
        #expect(model.kinds == [1, 2] && best.kinds == 2 && best.count > 2, "\(trials)")
        let found = try model.assign(rows: rows.flatMap(\.self)).map(\.kind)
        #expect(PartitionAgreement.adjustedRand(found, rows.indices.map { $0 < 600 ? 1 : 2 }) > 0.97)
    }

    @Test("what is unlike all kinds is none", arguments: [UInt64(1), 2, 3])
    func strangers(seed: UInt64) throws {
        let (rows, kinds) = Self.rows([200, 150], strangers: 12, seed: seed)
        let model = try KindFinder().find(rows.flatMap(\.self), dimension: 12).model
        #expect(model.kinds == [1, 2])
        let found = try model.assign(rows: rows.flatMap(\.self))
        #expect(zip(kinds, found).allSatisfy { ($0 == 0) == ($1.kind == 0) })
        let far = try model.assign([Float](repeating: 900, count: 12)[...])
        #expect(far.kind == 0 && far.certainty > 0.99)
        let unknown = try model.assign([Float](repeating: .nan, count: 12)[...])
        #expect(unknown.kind == 0 && unknown.certainty == 0)
    }

    @Test("the same rows give the same model; in another order, or turned, the same partition")
    func invariance() throws {
        let (rows, _) = Self.rows([90, 70, 50])
        let first = try KindFinder().find(rows.flatMap(\.self), dimension: 12).model
        #expect(try KindFinder().find(rows.flatMap(\.self), dimension: 12).model == first)
        let found = try first.assign(rows: rows.flatMap(\.self)).map(\.kind)
        let backwards = Array(rows.reversed())
        let other = try KindFinder().find(backwards.flatMap(\.self), dimension: 12).model
        #expect(try other.assign(rows: rows.flatMap(\.self)).map(\.kind) == found)
        // A turn by 30° in each pair of coordinates.
        let (c, s) = (Float(cos(Double.pi / 6)), Float(sin(Double.pi / 6)))
        let turned = rows.map { row in
            var turned = row
            for first in stride(from: 0, to: 12, by: 2) {
                turned[first] = c * row[first] - s * row[first + 1]
                turned[first + 1] = s * row[first] + c * row[first + 1]
            }
            return turned
        }
        let model = try KindFinder().find(turned.flatMap(\.self), dimension: 12).model
        #expect(try model.assign(rows: turned.flatMap(\.self)).map(\.kind) == found)
    }

    @Test("a model that was written and read gives the same kinds")
    func coding() throws {
        let (rows, _) = Self.rows([60, 50])
        let model = try KindFinder().find(rows.flatMap(\.self), dimension: 12).model
        let read = try JSONDecoder().decode(KindModel.self, from: JSONEncoder().encode(model))
        #expect(read == model && read.isSound)
    }

    @Test("a kind is split, merged, and comes apart again")
    func splitting() throws {
        let (rows, kinds) = Self.rows([120, 100, 60], seed: 4)
        let values = rows.flatMap(\.self)
        let model = try KindFinder().find(values, dimension: 12).model
        let merged = model.renumbered([2: 1])
        #expect(merged.kinds == [1, 3])
        let found = try merged.assign(rows: values).map(\.kind)
        #expect(PartitionAgreement.adjustedRand(kinds.map { $0 == 2 ? 1 : $0 }, found) > 0.97)
        let apart = try merged.splitting(1, rows: values, number: 7)
        #expect(apart.kinds == [1, 3, 7])
        #expect(PartitionAgreement.adjustedRand(kinds, try apart.assign(rows: values).map(\.kind)) > 0.97)
        // Two groups that were found as one.
        var one = KindFinder()
        one.most = 1
        let single = try one.find(values, dimension: 12).model
        #expect(single.kinds == [1])
        let two = try single.splitting(1, rows: values, number: 2)
        #expect(two.kinds == [1, 2])
        #expect(Set(try two.assign(rows: values).map(\.kind)).isSuperset(of: [1, 2]))
        #expect(throws: MiningError.self) { try model.splitting(9, rows: values, number: 10) }
    }

    @Test("bad input is a sentence")
    func badInput() throws {
        let finder = KindFinder()
        #expect(throws: MiningError.self) { try finder.find([], dimension: 12) }
        #expect(throws: MiningError.self) { try finder.find([1, 2, 3], dimension: 3) }
        #expect(throws: MiningError.self) { try finder.find([1, 2, 3], dimension: 0) }
        #expect(throws: MiningError.self) { try finder.find([Float](repeating: 1, count: 600), dimension: 12) }
        var rows = Self.rows([40]).rows.flatMap(\.self)
        rows[17] = .infinity
        #expect(throws: MiningError.self) { try finder.find(rows, dimension: 12) }
        let model = try finder.find(Self.rows([40]).rows.flatMap(\.self), dimension: 12).model
        #expect(throws: MiningError.self) { try model.assign([1, 2][...]) }
        #expect(throws: MiningError.self) { try model.assign(rows: [1, 2]) }
        // One component that never varies.
        let flat = Self.rows([80]).rows.map { Array($0.dropLast()) + [3] }
        #expect(try finder.find(flat.flatMap(\.self), dimension: 12).model.kinds == [1])
    }

    @Test("adjusted Rand index: that of scikit-learn 1.9.1, and its ends")
    func adjustedRand() {
        #expect(PartitionAgreement.adjustedRand([0, 0, 1, 1], [5, 5, 2, 2]) == 1)
        #expect(abs(PartitionAgreement.adjustedRand([0, 0, 1, 2], [0, 0, 1, 1]) - 0.5714285714285714) < 1e-12)
        #expect(abs(PartitionAgreement.adjustedRand([0, 0, 1, 1], [0, 1, 0, 1]) - -0.5) < 1e-12)
        #expect(PartitionAgreement.adjustedRand([1, 1, 1], [4, 4, 4]) == 1)
        #expect(PartitionAgreement.adjustedRand([], []) == 1)
    }

    @Test("kinds that are found again keep their numbers, and new ones get numbers that were never given")
    func identity() {
        let old = [3, 3, 3, 5, 5, 5, 5, 0, 8]
        #expect(PartitionAgreement.numbers(ofGroups: [1, 1, 1, 2, 2, 2, 2, 0, 0], after: old, next: 9) == [1: 3, 2: 5])
        // One that came apart: the larger half keeps the number.
        #expect(PartitionAgreement.numbers(ofGroups: [1, 1, 1, 2, 2, 2, 3, 0, 0], after: old, next: 9) == [1: 3, 2: 5, 3: 9])
        // One that was never there, in particles that were never there.
        #expect(
            PartitionAgreement.numbers(ofGroups: [1, 1, 1, 2, 2, 2, 2, 0, 0, 4, 4], after: old, next: 9) == [1: 3, 2: 5, 4: 9])
        #expect(PartitionAgreement.numbers(ofGroups: [1, 1, 2], after: [], next: 1) == [1: 1, 2: 2])
    }
}
