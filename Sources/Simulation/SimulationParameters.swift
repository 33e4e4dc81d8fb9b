/// What a simulated tomogram is made of and how it is imaged.
///
/// The defaults are a thin lamella of a crowded cell at the voxel size of EMPIAR-10988. What is nil is drawn from the seed;
/// ``SimulatedTomogram/parameters`` has the values drawn, and gives the same voxels again.
public struct SimulationParameters: Codable, Hashable, Sendable {
    /// The number of voxels along x, 8 to 16384.
    public var x = 256
    /// The number of voxels along y, 8 to 16384.
    public var y = 256
    /// The number of slices, 8 to 16384.
    public var z = 64
    /// The edge of a voxel in Å, 2 to 50.
    public var voxelSizeInAngstroms = 13.48
    /// The same seed gives the same voxels on the same kind of machine, whatever the number of threads.
    public var seed: UInt64 = 1
    /// The variance of the imaged signal over the variance of the noise, both over the voxels of the lamella and without
    /// gold. Nil draws it from 0.05...0.5, evenly on a logarithmic scale.
    public var signalToNoiseRatio: Double?
    public var optics = Optics()
    public var tiltSeries = TiltSeries()
    public var lamella = Lamella()
    public var contents = Contents()

    public init() {}

    /// The microscope.
    public struct Optics: Codable, Hashable, Sendable {
        public var voltageInKilovolts = 300.0
        /// Positive for underfocus.
        public var defocusInMicrometers = 3.5
        public var sphericalAberrationInMillimeters = 2.7
        /// The part of the contrast that is amplitude contrast, 0..<1.
        public var amplitudeContrast = 0.07
        /// The phase shift of a phase plate: 0 without, about 90 with a Volta phase plate.
        public var phaseShiftInDegrees = 0.0
        /// B of the signal's envelope exp(−B k²/4), in Å².
        public var signalBFactor = 4000.0
        /// B of the noise's envelope exp(−B k²/4), in Å²: what the detector and the interpolation of a reconstruction do to
        /// white noise.
        public var noiseBFactor = 2000.0

        /// Spatial periods longer than about this are damped, as gain correction, the normalisation of each tilt and a phase
        /// plate's cut-on do, in Å.
        public var longestPeriodInAngstroms = 2500.0

        /// Defocus contrast, no phase plate.
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
        /// Tilts go from minus to plus this angle; what lies beyond is the missing wedge. 1...90.
        public var maximumTiltInDegrees = 60.0
        /// The angle from one tilt to the next, 0.5...30.
        public var stepInDegrees = 3.0

        public init() {}
    }

    /// The slab of a cell that the ion beam left; beyond it there is vacuum.
    public struct Lamella: Codable, Hashable, Sendable {
        /// Nil takes four fifths of the tomogram's depth, but no more than 1800 Å.
        public var thicknessInAngstroms: Double?
        /// The rise of the lamella along x. Nil draws it from −2...2.
        public var tiltAlongXInDegrees: Double?
        /// The rise of the lamella along y. Nil draws it from −2...2.
        public var tiltAlongYInDegrees: Double?
        /// The root mean square unevenness of each surface.
        public var roughnessInAngstroms = 20.0

        public init() {}
    }
}
