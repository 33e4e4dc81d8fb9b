import Basics
import Testing

@Suite("Integers") struct IntegerTests {
    @Test("a number is rounded up to a multiple, and a multiple stays")
    func multiples() {
        for (number, step, expected) in [(0, 8, 0), (1, 8, 8), (8, 8, 8), (9, 8, 16), (7, 1, 7), (100, 48, 144)] {
            #expect(number.rounded(upToMultipleOf: step) == expected)
        }
    }

    @Test("the part of a range in an interval has both ends, and nothing beyond the range")
    func parts() {
        let range = 2..<7
        #expect(range.part(from: 3, through: 5) == 3..<6)
        #expect(range.part(from: 2.1, through: 4.9) == 3..<5)
        #expect(range.part(from: -10, through: 100) == 2..<7)
        #expect(range.part(from: -.infinity, through: .infinity) == 2..<7)
        #expect(range.part(from: 3.1, through: 3.9) == nil)
        #expect(range.part(from: 6.5, through: 9) == nil && range.part(from: -3, through: 1.9) == nil)
        #expect((0..<0).part(from: -1, through: 1) == nil)
    }
}
