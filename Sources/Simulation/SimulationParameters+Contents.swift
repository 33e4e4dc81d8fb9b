extension SimulationParameters {
    /// The abundance of each structure.
    ///
    /// Numbers are expected values: the count in one tomogram is drawn from the seed (Poisson), and a structure for which no
    /// free place is found is left out. Structures in a compartment are counted per µm³ of that compartment. Zero means none.
    public struct Contents: Codable, Hashable, Sendable {
        /// The thickness of a bilayer: the full width at half maximum of its two leaflets together, 25...100.
        public var bilayerThicknessInAngstroms = 48.0
        /// Plasma membranes and nuclear envelopes that cross the whole field of view, 0...20.
        public var sheetsPerTomogram = 0.6
        /// Mitochondria, 150-250 nm in radius: two membranes, lamellar cristae.
        public var mitochondriaPerCubicMicrometer = 1.0
        /// Round organelles, 90-220 nm in radius, with vesicles inside.
        public var organellesPerCubicMicrometer = 3.0
        /// Flat closed sacs, 35-50 nm thick and 80-250 nm in radius: endoplasmic reticulum, Golgi.
        public var cisternaePerCubicMicrometer = 12.0
        /// Vesicles; see ``vesicleRadiiInAngstroms``.
        public var vesiclesPerCubicMicrometer = 120.0
        /// Ribosomes, 25 nm in diameter, of two subunits; in the cytosol.
        public var ribosomesPerCubicMicrometer = 6000.0
        /// 20S proteasomes, 15 × 11.5 nm, four rings of seven subunits; in cytosol and nucleus.
        public var proteasomesPerCubicMicrometer = 600.0
        /// Globular complexes, 10-13 nm in diameter; in cytosol, nucleus and mitochondrial matrix.
        public var complexesPerCubicMicrometer = 1500.0
        /// Microtubules: tubes of 13 protofilaments, 25 nm in diameter; in the cytosol.
        public var microtubulesPerCubicMicrometer = 30.0
        /// Actin filaments: two-stranded, 7 nm in diameter; in the cytosol.
        public var actinFilamentsPerCubicMicrometer = 80.0
        /// Gold beads of 10 nm on the two surfaces of the lamella, per area of the lamella seen from above.
        public var goldBeadsPerSquareMicrometer = 4.0
        /// The concentration in the cytosol of single proteins of 10-400 kDa, which make the texture of the background and are
        /// not labelled; 0...500.
        public var crowdingInMilligramsPerMilliliter = 250.0

        /// A factor on the density of bilayers, 0.1...5. With one sheet it is the density of its middle, relative to protein.
        public var membraneDensity = 1.0
        /// Whether the two leaflets of a bilayer are seen.
        public var membraneProfile = MembraneProfile.leaflets
        /// The largest relative difference of a membrane's thickness and density from those of the tomogram, 0...0.4.
        public var membraneVariation = 0.0
        /// The radii of vesicles, 100...1000.
        public var vesicleRadiiInAngstroms = 200.0...550
        /// Single sheets in all directions, with free edges or across the whole field; 0...20.
        public var singleSheetsPerTomogram = 0.0
        /// Stacks of two to six parallel sheets in all directions; 0...20.
        public var stacksPerTomogram = 0.0
        /// The distances between the middles of two sheets of a stack, 60...1000.
        public var stackGapsInAngstroms = 80.0...300
        /// Membrane tubes, 10-40 nm in radius, about wavy axes nearly in the plane of the lamella.
        public var tubesPerCubicMicrometer = 0.0

        /// The number of kinds of assemblies: particles of drawn shapes (round, long, rods, rings, shells, lobes); 0...64.
        public var assemblyKinds = 0
        /// The fraction of the lamella's volume that the assemblies fill, 0...0.35. Where all places are taken, it stays lower.
        public var assemblyVolumeFraction = 0.0
        /// The diameters of assemblies, drawn log-uniformly for each kind; 30...1000. From 200 Å on they are large particles.
        public var assemblyDiametersInAngstroms = 50.0...450
        /// The densities of assemblies relative to protein, drawn for each kind; 0...3.
        public var assemblyDensities = 0.6...1.4
        /// Assemblies on membranes, on either side, per area of membrane in the lamella.
        public var membraneAssembliesPerSquareMicrometer = 0.0
        /// Blobs of ice, 40-160 nm in diameter, on the two surfaces of the lamella, per area of the lamella seen from above.
        public var iceBlobsPerSquareMicrometer = 0.0

        public init() {}

        /// No structures: a slab of vitreous water.
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

    /// The density across a membrane.
    public enum MembraneProfile: String, Codable, Hashable, Sendable, CaseIterable {
        /// Two leaflets with lipid tails of less than the density of water between them.
        case leaflets
        /// One blurred sheet, as at low resolution.
        case sheet
    }
}
