import ImageProcessing

/// What makes a piece of a mask membrane, as a slice's instances keep it for the steps that come after.
struct MembraneRules: Sendable, Hashable {
    /// In pixels.
    var thickness: Double
    /// In thicknesses.
    var shortest: Double
    /// In thicknesses.
    var widest: Double
    /// Radii in pixels.
    var closing: Int
    var dilation: Int

    func assembly() throws -> MembraneAssembly {
        try MembraneAssembly(thickness: thickness, shortest: shortest, widest: widest, closing: closing, dilation: dilation)
    }

    /// As attributes of an artifact.
    var attributes: [String: Double] {
        [
            "membrane_thickness": thickness, "membrane_shortest": shortest, "membrane_widest": widest,
            "membrane_closing": Double(closing), "membrane_dilation": Double(dilation),
        ]
    }
}

extension MembraneRules {
    /// Nil where one of them is missing.
    init?(attributes: [String: Double]) {
        guard let thickness = attributes["membrane_thickness"], let shortest = attributes["membrane_shortest"],
            let widest = attributes["membrane_widest"], let closing = attributes["membrane_closing"].flatMap(Int.init(exactly:)),
            let dilation = attributes["membrane_dilation"].flatMap(Int.init(exactly:))
        else { return nil }
        self.init(thickness: thickness, shortest: shortest, widest: widest, closing: closing, dilation: dilation)
    }
}
