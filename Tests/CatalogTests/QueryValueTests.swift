import Catalog
import Testing

@Suite struct QueryValueTests {
    @Test("a value as a text keeps every digit and byte, and as a number only what is one")
    func conversions() {
        for (value, text, number, integer) in [
            (.null, "", nil, nil), (.integer(-7), "-7", -7, -7), (.real(0.1), "0.1", 0.1, nil), (.real(3), "3.0", 3, nil),
            (.text("7"), "7", nil, nil), (.blob([0, 0x1F, 0xA0, 255]), "001fa0ff", nil, nil), (.blob([]), "", nil, nil),
        ] as [(QueryValue, String, Double?, Int64?)] {
            #expect(value.plainText == text && value.number == number && value.integer == integer, "\(value)")
        }
    }
}
