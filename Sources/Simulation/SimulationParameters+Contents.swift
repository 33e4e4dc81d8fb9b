extension SimulationParameters {
    /// How much of each structure there is.
    ///
    /// Numbers are expectations: how many there are in one tomogram is drawn from the seed (Poisson), and a structure
    /// that finds no free place is left out. Structures in a compartment count per µm³ of that compartment. Zero leaves a
    /// structure out.
    public struct Contents: Codable, Hashable, Sendable {
        /// The thickness of a bilayer, from half maximum to half maximum of its two leaflets, 30...100.
        public var bilayerThicknessInAngstroms = 48.0
        /// Plasma membranes and nuclear envelopes that cross the whole field.
        public var sheetsPerTomogram = 0.6
        /// 150-250 nm in radius, two membranes, lamellar cristae.
        public var mitochondriaPerCubicMicrometer = 1.0
        /// Round organelles of 90-220 nm in radius with vesicles inside.
        public var organellesPerCubicMicrometer = 3.0
        /// Flat closed sacs, 35-50 nm thick and 80-250 nm in radius: endoplasmic reticulum, Golgi.
        public var cisternaePerCubicMicrometer = 12.0
        /// 20-55 nm in radius.
        public var vesiclesPerCubicMicrometer = 120.0
        /// 25 nm, of two subunits; in the cytosol.
        public var ribosomesPerCubicMicrometer = 6000.0
        /// The 20S core, 15 × 11.5 nm: four rings of seven; in cytosol and nucleus.
        public var proteasomesPerCubicMicrometer = 600.0
        /// Globular complexes of 10-13 nm; in cytosol, nucleus and mitochondria.
        public var complexesPerCubicMicrometer = 1500.0
        /// Tubes of 13 protofilaments, 25 nm; in the cytosol.
        public var microtubulesPerCubicMicrometer = 30.0
        /// Two-stranded, 7 nm; in the cytosol.
        public var actinFilamentsPerCubicMicrometer = 80.0
        /// Beads of 10 nm on the lamella's two surfaces, counted per area of lamella.
        public var goldBeadsPerSquareMicrometer = 4.0
        /// Single proteins of 10-400 kDa, which make the texture of the background and are not labelled: their
        /// concentration in the cytosol.
        public var crowdingInMilligramsPerMilliliter = 250.0

        public init() {}

        /// Nothing at all: a slab of vitreous water.
        public static var empty: Contents {
            var contents = Contents()
            contents.sheetsPerTomogram = 0
            contents.mitochondriaPerCubicMicrometer = 0
            contents.organellesPerCubicMicrometer = 0
            contents.cisternaePerCubicMicrometer = 0
            contents.vesiclesPerCubicMicrometer = 0
            contents.ribosomesPerCubicMicrometer = 0
            contents.proteasomesPerCubicMicrometer = 0
            contents.complexesPerCubicMicrometer = 0
            contents.microtubulesPerCubicMicrometer = 0
            contents.actinFilamentsPerCubicMicrometer = 0
            contents.goldBeadsPerSquareMicrometer = 0
            contents.crowdingInMilligramsPerMilliliter = 0
            return contents
        }
    }
}
