import Testing

@testable import Volumes

@Suite("Units of length")
struct LengthUnitTests {
    @Test(
        "are known by the names that files give them",
        arguments: [
            ("pm", 0.01), ("picometer", 0.01), ("Å", 1), ("A", 1), ("a", 1), ("ang", 1), ("angstrom", 1), ("Angstroms", 1),
            ("ångström", 1), ("\u{212b}", 1), ("A\u{30a}", 1), ("nm", 10), ("nanometer", 10), ("nanometres", 10), ("um", 1e4),
            ("\u{b5}m", 1e4), ("\u{3bc}m", 1e4), ("micron", 1e4), ("microns", 1e4), ("micrometer", 1e4), ("mm", 1e7),
            ("millimeter", 1e7), ("cm", 1e8), ("inch", 2.54e8), ("m", 1e10), ("meter", 1e10),
        ] as [(String, Double)])
    func names(name: String, angstroms: Double) throws {
        #expect(try #require(LengthUnit(named: name)).inAngstroms == angstroms)
    }

    @Test("are not guessed", arguments: ["", "pixel", "n m", "nm ", "px", "second", "nanometerss"])
    func unknown(name: String) {
        #expect(LengthUnit(named: name) == nil)
    }
}
