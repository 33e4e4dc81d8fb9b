/// A unit of length that files give for their voxel sizes.
enum LengthUnit: CaseIterable, Sendable {
    case picometer, angstrom, nanometer, micrometer, millimeter, centimeter, inch, meter

    /// The length of the unit in Å.
    var inAngstroms: Double {
        switch self {
        case .picometer: 0.01
        case .angstrom: 1
        case .nanometer: 10
        case .micrometer: 1e4
        case .millimeter: 1e7
        case .centimeter: 1e8
        case .inch: 2.54e8
        case .meter: 1e10
        }
    }

    /// The names that occur in files, in lower case.
    private var names: [String] {
        switch self {
        case .picometer: ["pm", "picometer", "picometers", "picometre", "picometres"]
        case .angstrom: ["å", "a", "ang", "angstrom", "angstroms", "ångström"]
        case .nanometer: ["nm", "nanometer", "nanometers", "nanometre", "nanometres"]
        // The micro sign (U+00B5) and the Greek letter mu (U+03BC) look alike.
        case .micrometer:
            [
                "um", "\u{b5}m", "\u{3bc}m", "micrometer", "micrometers", "micrometre", "micrometres", "micron", "microns",
            ]
        case .millimeter: ["mm", "millimeter", "millimeters", "millimetre", "millimetres"]
        case .centimeter: ["cm", "centimeter", "centimeters", "centimetre", "centimetres"]
        case .inch: ["inch", "inches"]
        case .meter: ["m", "meter", "meters", "metre", "metres"]
        }
    }

    private static let unitsByName = Dictionary(uniqueKeysWithValues: allCases.flatMap { unit in unit.names.map { ($0, unit) } })

    /// The unit of this name, in small or capital letters; nil where it is no unit of length that is known.
    ///
    /// - Complexity: one look-up in a dictionary.
    init?(named name: some StringProtocol) {
        guard let unit = Self.unitsByName[name.lowercased()] else { return nil }
        self = unit
    }
}
