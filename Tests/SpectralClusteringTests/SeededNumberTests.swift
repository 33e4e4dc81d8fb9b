import Basics
import Testing

@testable import SpectralClustering

@Suite("Seeded numbers") struct SeededNumberTests {
    @Test("each purpose has numbers of its own, whatever the seed")
    func purposes() {
        // The inverse of the step from state to state, modulo 2⁶⁴, by Newton's iteration: how many numbers a purpose lies from
        // another.
        let step: UInt64 = 0x9E37_79B9_7F4A_7C15
        let inverse = (0..<6).reduce(step) { inverse, _ in inverse &* (2 &- step &* inverse) }
        #expect(inverse &* step == 1)
        for one in RandomPurpose.allCases {
            for other in RandomPurpose.allCases where one != other {
                #expect((one.rawValue &- other.rawValue) &* inverse >= 1 << 62, "\(one), \(other)")
                var (first, second) = (RandomStream(seed: 5, for: one), RandomStream(seed: 5, for: other))
                #expect((0..<100).map { _ in first.next() } != (0..<100).map { _ in second.next() })
            }
        }
    }
}
