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
    /// How the image comes about: by one filter in three dimensions, or by images at each tilt and their back-projection.
    public var imaging = Imaging.volume

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
        /// Whether what the transfer function inverted is turned back (phase flipping), as most reconstructions are.
        public var isPhaseFlipped = false
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

    /// How the density becomes a tomogram.
    public enum Imaging: Codable, Hashable, Sendable {
        /// The contrast transfer function and the missing wedge multiply the spectrum of the volume, which is exact for perfect
        /// images and a perfect reconstruction.
        case volume
        /// Each tilt has an image, with a defocus, detector noise and misalignment of its own; weighted back-projection makes a
        /// tomogram of them.
        case tiltImages(conditions: TiltConditions)
    }

    /// What differs from one image of a tilt series to the next.
    public struct TiltConditions: Codable, Hashable, Sendable {
        /// The standard deviation of the defocus of an image from that of the series, 0...2.
        public var defocusJitterInMicrometers = 0.1
        /// The standard deviation of the remaining shift of an image along x and along y, 0...200.
        public var shiftJitterInAngstroms = 6.0
        /// The standard deviation of the remaining rotation of an image in its plane, 0...5.
        public var rotationJitterInDegrees = 0.2
        /// Λ, 300...1e6: with the thickness D and the tilt θ fewer electrons arrive without loss, and the standard deviation of
        /// the noise relative to the signal is that of the untilted image times exp(D/2Λ · (1/cos θ − 1)).
        public var meanFreePathInAngstroms = 3500.0

        public init() {}
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
