import Basics
import Testing

@Suite("Ordered bits") struct OrderedBitsTests {
    @Test("the bits ascend with the values, and give them back")
    func order() {
        let values: [Float] = [
            -.infinity, -.greatestFiniteMagnitude, -1.5, -1, -.leastNormalMagnitude, -.leastNonzeroMagnitude, -0.0, 0,
            .leastNonzeroMagnitude, 1, 1.5, .greatestFiniteMagnitude, .infinity, .nan,
        ]
        for (lower, upper) in zip(values, values.dropFirst()) { #expect(lower.orderedBits < upper.orderedBits, "\(lower)") }
        for value in values { #expect(Float(orderedBits: value.orderedBits).bitPattern == value.bitPattern, "\(value)") }
        #expect(Float(0).orderedBits == 0x8000_0000)
    }
}
