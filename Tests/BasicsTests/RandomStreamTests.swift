import Basics
import Foundation
import Testing

@Suite("Random streams") struct RandomStreamTests {
    @Test("numbers are SplitMix64's")
    func reference() {
        // The first numbers of the reference implementation for the seed 1234567.
        var random = RandomStream(state: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
    }

    @Test("a stream that was stored goes on with the same numbers")
    func stored() throws {
        var random = RandomStream(seed: 11, purpose: 2, piece: 3)
        _ = (random.normal(), random.index(below: 10), random.shuffled([1, 2, 3]))
        var restored = try JSONDecoder().decode(RandomStream.self, from: JSONEncoder().encode(random))
        var other = RandomStream(state: random.state)
        for _ in 0..<10 {
            let number = random.normal()
            #expect(restored.normal() == number && other.normal() == number)
        }
    }

    @Test("seeds, purposes and pieces have streams of their own")
    func separate() {
        let streams = (0..<3).flatMap { seed in
            (0..<3).flatMap { purpose in
                (-1..<2).map { RandomStream(seed: UInt64(seed), purpose: UInt64(purpose), piece: $0).state }
            }
        }
        #expect(Set(streams).count == 27)
    }

    @Test("whole numbers are even, normal ones have the normal distribution's moments, orders are all as likely")
    func distributions() {
        var random = RandomStream(seed: 1)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[random.index(below: 7)] += 1 }
        // Five standard deviations of a binomial count.
        #expect(counts.allSatisfy { abs($0 - 10_000) < 470 })
        // A bound where a plain remainder, or no rejection, would prefer every second number by half.
        let large = Int.max / 4 * 3
        #expect((0..<1000).allSatisfy { _ in (0..<large).contains(random.index(below: large)) })
        #expect((0..<1000).allSatisfy { _ in (-3...3).contains(random.integer(in: -3...3)) })
        let normal = (0..<100_000).map { _ in random.normal() }
        let mean = normal.reduce(0, +) / 1e5
        let variance = normal.reduce(0) { $0 + $1 * $1 } / 1e5
        let fourth = normal.reduce(0) { $0 + $1 * $1 * $1 * $1 } / 1e5
        #expect(abs(mean) < 0.016 && abs(variance - 1) < 0.023 && abs(fourth - 3) < 0.16)
        var orders: [[Int]: Int] = [:]
        for _ in 0..<24_000 { orders[random.shuffled([0, 1, 2, 3]), default: 0] += 1 }
        #expect(orders.count == 24 && orders.values.allSatisfy { abs($0 - 1000) < 160 })
        #expect(random.shuffled([Int]()).isEmpty && random.shuffled([4]) == [4])
    }
}
