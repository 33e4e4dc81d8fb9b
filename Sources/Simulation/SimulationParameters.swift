public import Basics
import Foundation
import Volumes

/// The parameters of a simulated tomogram: its size, its contents, and how it is imaged.
///
/// The defaults describe a thin lamella of a crowded cell at the voxel size of EMPIAR-10988. Parameters that are nil are drawn
/// from the seed; ``SimulatedTomogram/parameters`` has the drawn values, and simulating with those gives the same voxels again.
public struct SimulationParameters: Codable, Hashable, Sendable {
    /// The number of voxels along x, 8 to 16384.
    public var x = 256
    /// The number of voxels along y, 8 to 16384.
    public var y = 256
    /// The number of slices, 8 to 16384.
    public var z = 64
    /// The edge of a voxel in Å, 2 to 50.
    public var voxelSizeInAngstroms = 13.48
    /// The seed of all random numbers. The same seed gives the same voxels on the same kind of machine, whatever the number of
    /// threads.
    public var seed: UInt64 = 1
    /// The signal-to-noise ratio: the variance of the imaged signal over the variance of the noise, both over the voxels of the
    /// lamella and without gold; 1e-6...1e9. Nil draws it log-uniformly from 0.05...0.5.
    public var signalToNoiseRatio: Double?
    /// The microscope.
    public var optics = Optics()
    /// The tilt angles, which determine the missing wedge.
    public var tiltSeries = TiltSeries()
    /// Thickness, slope and roughness of the lamella.
    public var lamella = Lamella()
    /// The abundance of each structure.
    public var contents = Contents()

    public init() {}

    /// The microscope: the parameters of the contrast transfer function and of the envelopes.
    public struct Optics: Codable, Hashable, Sendable {
        /// The acceleration voltage, 10...1000.
        public var voltageInKilovolts = 300.0
        /// The defocus, positive for underfocus, −20...20.
        public var defocusInMicrometers = 3.5
        /// C_s, 0...20.
        public var sphericalAberrationInMillimeters = 2.7
        /// The fraction of amplitude contrast, 0...0.99.
        public var amplitudeContrast = 0.07
        /// The phase shift of a phase plate: 0 without one, about 90 with a Volta phase plate; −360...360.
        public var phaseShiftInDegrees = 0.0
        /// B of the signal's envelope exp(−B k²/4), in Å², 0...1e5.
        public var signalBFactor = 4000.0
        /// B of the noise's envelope exp(−B k²/4), in Å², 0...1e5. It stands for the effect of the detector and of the
        /// interpolation in a reconstruction on white noise.
        public var noiseBFactor = 2000.0

        /// P of the high-pass 1 − exp(−P²k²/2), in Å, 100...1e6: spatial periods longer than about P are damped, as by gain
        /// correction, the normalisation of each tilt and the cut-on of a phase plate.
        public var longestPeriodInAngstroms = 2500.0

        /// The defaults: defocus contrast without a phase plate.
        public init() {}

        /// A Volta phase plate near focus, as in one half of EMPIAR-10988.
        public static var voltaPhasePlate: Optics {
            var optics = Optics()
            optics.defocusInMicrometers = 0.7
            optics.phaseShiftInDegrees = 90
            return optics
        }
    }

    /// A single-axis tilt series about the y axis.
    public struct TiltSeries: Codable, Hashable, Sendable {
        /// Tilt angles range from minus to plus this angle, 1...90; the part of Fourier space beyond is the missing wedge.
        public var maximumTiltInDegrees = 60.0
        /// The increment between two tilts, 0.5...30.
        public var stepInDegrees = 3.0

        public init() {}
    }

    /// The lamella: the slab of a cell that remains after milling with an ion beam. Beyond its surfaces there is vacuum.
    public struct Lamella: Codable, Hashable, Sendable {
        /// The thickness, 50...20000. Nil takes four fifths of the tomogram's depth, but at least 50 Å and at most 1800 Å.
        public var thicknessInAngstroms: Double?
        /// The slope of the lamella along x, −30...30. Nil draws it from −2...2.
        public var tiltAlongXInDegrees: Double?
        /// The slope of the lamella along y, −30...30. Nil draws it from −2...2.
        public var tiltAlongYInDegrees: Double?
        /// The root mean square roughness of each surface, 0...500.
        public var roughnessInAngstroms = 20.0

        public init() {}
    }
}

extension SimulationParameters {
    /// The abundance of each structure.
    ///
    /// Numbers are expected values: the count in one tomogram is drawn from the seed (Poisson), and a structure for which no
    /// free place is found is left out. Structures in a compartment are counted per µm³ of that compartment. Zero means none.
    public struct Contents: Codable, Hashable, Sendable {
        /// The thickness of a bilayer: the full width at half maximum of its two leaflets together, 30...100.
        public var bilayerThicknessInAngstroms = 48.0
        /// Plasma membranes and nuclear envelopes that cross the whole field of view, 0...20.
        public var sheetsPerTomogram = 0.6
        /// Mitochondria, 150-250 nm in radius: two membranes, lamellar cristae.
        public var mitochondriaPerCubicMicrometer = 1.0
        /// Round organelles, 90-220 nm in radius, with vesicles inside.
        public var organellesPerCubicMicrometer = 3.0
        /// Flat closed sacs, 35-50 nm thick and 80-250 nm in radius: endoplasmic reticulum, Golgi.
        public var cisternaePerCubicMicrometer = 12.0
        /// Vesicles, 20-55 nm in radius.
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
}

extension SimulationParameters {
    /// The allowed voxel sizes, in Å.
    public static let voxelSizesInAngstroms = 2.0...50
    /// The allowed signal-to-noise ratios.
    public static let signalToNoiseRatios = 1e-6...1e9

    private static let axisLengths = 8...16_384
    /// The most voxels of the tomogram and its margins: about 6 GiB of memory at the peak.
    private static let voxelLimit = 1 << 29

    /// Checks that a tomogram can be simulated with these parameters.
    ///
    /// - Throws: ``SimulationError`` for the first parameter that is out of range.
    public func validate() throws(SimulationError) { _ = try validatedGrid() }

    /// Checks the parameters and returns the grid of voxels in which the tomogram is simulated.
    ///
    /// - Throws: ``SimulationError`` for the first parameter that is out of range.
    func validatedGrid() throws(SimulationError) -> SimulationGrid {
        try check("voxelSizeInAngstroms", voxelSizeInAngstroms, Self.voxelSizesInAngstroms, "Å")
        for (name, value) in [("x", x), ("y", y), ("z", z)] where !Self.axisLengths.contains(value) {
            throw .outOfRange(name, voxels: value, Self.axisLengths)
        }
        guard let shape = VolumeShape(z: z, y: y, x: x), shape.count <= Self.voxelLimit else {
            throw .tooManyVoxels(limit: Self.voxelLimit)
        }
        let grid = SimulationGrid(shape: shape, voxelSize: voxelSizeInAngstroms)
        guard grid.count <= Self.voxelLimit else { throw .tooManyVoxels(limit: Self.voxelLimit) }
        if let signalToNoiseRatio { try check("signalToNoiseRatio", signalToNoiseRatio, Self.signalToNoiseRatios, "") }
        try checkImaging()
        try checkContents(grid)
        return grid
    }

    private func checkImaging() throws(SimulationError) {
        try check("optics.voltageInKilovolts", optics.voltageInKilovolts, 10...1000, "kV")
        try check("optics.defocusInMicrometers", optics.defocusInMicrometers, -20...20, "µm")
        try check("optics.sphericalAberrationInMillimeters", optics.sphericalAberrationInMillimeters, 0...20, "mm")
        try check("optics.amplitudeContrast", optics.amplitudeContrast, 0...0.99, "")
        try check("optics.phaseShiftInDegrees", optics.phaseShiftInDegrees, -360...360, "°")
        try check("optics.signalBFactor", optics.signalBFactor, 0...1e5, "Å²")
        try check("optics.noiseBFactor", optics.noiseBFactor, 0...1e5, "Å²")
        try check("optics.longestPeriodInAngstroms", optics.longestPeriodInAngstroms, 100...1e6, "Å")
        try check("tiltSeries.maximumTiltInDegrees", tiltSeries.maximumTiltInDegrees, 1...90, "°")
        try check("tiltSeries.stepInDegrees", tiltSeries.stepInDegrees, 0.5...30, "°")
        if let thickness = lamella.thicknessInAngstroms { try check("lamella.thicknessInAngstroms", thickness, 50...20_000, "Å") }
        if let tilt = lamella.tiltAlongXInDegrees { try check("lamella.tiltAlongXInDegrees", tilt, -30...30, "°") }
        if let tilt = lamella.tiltAlongYInDegrees { try check("lamella.tiltAlongYInDegrees", tilt, -30...30, "°") }
        try check("lamella.roughnessInAngstroms", lamella.roughnessInAngstroms, 0...500, "Å")
    }

    private func checkContents(_ grid: SimulationGrid) throws(SimulationError) {
        try check("contents.bilayerThicknessInAngstroms", contents.bilayerThicknessInAngstroms, 30...100, "Å")
        try check("contents.sheetsPerTomogram", contents.sheetsPerTomogram, 0...20, "")
        try check("contents.crowdingInMilligramsPerMilliliter", contents.crowdingInMilligramsPerMilliliter, 0...500, "mg/ml")
        let volume = grid.region.volumeInCubicMicrometers
        // Large structures are also placed around the field of view, so that they can reach into it: 5000 Å for the longest.
        let withSurroundings = grid.region.expanded(by: 5000).volumeInCubicMicrometers
        let area = volume / (Double(grid.z) * grid.voxelSize * 1e-4)
        let densities: [(String, Double, Double, limit: Double)] = [
            ("mitochondriaPerCubicMicrometer", contents.mitochondriaPerCubicMicrometer, withSurroundings, 1e4),
            ("organellesPerCubicMicrometer", contents.organellesPerCubicMicrometer, withSurroundings, 1e4),
            ("cisternaePerCubicMicrometer", contents.cisternaePerCubicMicrometer, withSurroundings, 1e4),
            ("vesiclesPerCubicMicrometer", contents.vesiclesPerCubicMicrometer, volume, 1e5),
            ("ribosomesPerCubicMicrometer", contents.ribosomesPerCubicMicrometer, volume, 1e6),
            ("proteasomesPerCubicMicrometer", contents.proteasomesPerCubicMicrometer, volume, 1e6),
            ("complexesPerCubicMicrometer", contents.complexesPerCubicMicrometer, volume, 1e6),
            ("microtubulesPerCubicMicrometer", contents.microtubulesPerCubicMicrometer, volume, 1e5),
            ("actinFilamentsPerCubicMicrometer", contents.actinFilamentsPerCubicMicrometer, volume, 1e5),
            ("goldBeadsPerSquareMicrometer", contents.goldBeadsPerSquareMicrometer, area, 1e5),
            ("crowdingInMilligramsPerMilliliter", Crowding.number(at: contents.crowdingInMilligramsPerMilliliter), volume, 1e8),
        ]
        for (name, density, extent, limit) in densities {
            guard density >= 0, density.isFinite else {
                throw .outOfRange("contents.\(name)", density, 0...1e7, unit: "")
            }
            guard density * extent <= limit else {
                throw .tooMany("contents.\(name)", expected: min(density * extent, 1e15), limit: limit)
            }
        }
    }

    private func check(
        _ parameter: String, _ value: Double, _ range: ClosedRange<Double>, _ unit: String
    ) throws(SimulationError) {
        guard range.contains(value) else { throw .outOfRange(parameter, value, range, unit: unit) }
    }

    /// The parameters with a value for each one that was nil.
    func resolved() -> SimulationParameters {
        // All values are drawn, in this order, whether or not they are used, so that setting one does not change the others.
        var random = RandomStream(seed: seed, .parameters)
        let ratio = exp(random.uniform(log(0.05)...log(0.5)))
        let tiltAlongX = random.uniform(-2...2)
        let tiltAlongY = random.uniform(-2...2)
        var resolved = self
        resolved.signalToNoiseRatio = signalToNoiseRatio ?? ratio
        resolved.lamella.tiltAlongXInDegrees = lamella.tiltAlongXInDegrees ?? tiltAlongX
        resolved.lamella.tiltAlongYInDegrees = lamella.tiltAlongYInDegrees ?? tiltAlongY
        resolved.lamella.thicknessInAngstroms =
            lamella.thicknessInAngstroms ?? max(50, min(1800, 0.8 * Double(z) * voxelSizeInAngstroms))
        return resolved
    }
}

extension SimulationParameters.TiltSeries {
    /// The tilt angles in radians, symmetric about zero.
    var tilts: [Double] {
        let steps = Int((maximumTiltInDegrees / stepInDegrees + 1e-9).rounded(.down))
        return (-steps...steps).map { Double($0) * stepInDegrees * Double.pi / 180 }
    }
}
