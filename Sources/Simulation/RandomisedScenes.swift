import Basics
import Foundation

/// The ranges from which random scenes are drawn: data from which networks learn what carries over to other simulators and to
/// microscopes.
///
/// ```swift
/// var scenes = RandomisedScenes()
/// scenes.voxelSizesInAngstroms = 10...10
/// let parameters = scenes.parameters(seed: 7, x: 256, y: 256, z: 64)
/// ```
///
/// Each value has a random stream of its own: another range of one moves no other.
public struct RandomisedScenes: Codable, Hashable, Sendable {
    /// A number that is zero in some scenes, and log-uniform over a range in the others.
    public struct Abundance: Codable, Hashable, Sendable {
        /// The share of the scenes in which it is not zero, 0...1.
        public var share: Double
        public var range: ClosedRange<Double>

        public init(_ share: Double, _ range: ClosedRange<Double>) {
            self.share = share
            self.range = range
        }
    }

    // MARK: Image

    /// Uniform.
    public var voxelSizesInAngstroms = 8.0...21
    /// Log-uniform.
    public var signalToNoiseRatios = 0.03...1
    /// The share of scenes that are imaged by tilt images; the others are filtered in three dimensions.
    public var tiltImageShare = 0.5
    /// The share of scenes with a phase plate near focus.
    public var phasePlateShare = 0.2
    /// Without a phase plate; log-uniform.
    public var defociInMicrometers = 0.5...8
    /// With a phase plate; uniform.
    public var phasePlateDefociInMicrometers = 0.2...1.5
    /// With a phase plate; uniform.
    public var phaseShiftsInDegrees = 60.0...120
    /// The share of scenes whose images are phase flipped.
    public var phaseFlippedShare = 0.6
    /// Uniform.
    public var amplitudeContrasts = 0.05...0.15
    /// Uniform.
    public var maximumTiltsInDegrees = 40.0...70
    /// Uniform.
    public var stepsInDegrees = 1.0...5
    /// B of the signal in Å²; log-uniform.
    public var signalBFactors = 500.0...6000
    /// B of the noise in Å²; log-uniform.
    public var noiseBFactors = 200.0...3000
    /// B of a low-pass of the whole reconstruction in squared voxels, which is added to both: 4 is half the amplitude at .42
    /// cycles per voxel.
    public var blurs = Abundance(0.4, 2...20)
    /// The longest periods in Å; log-uniform.
    public var longestPeriodsInAngstroms = 800.0...6000
    /// The shift of images in voxels, with tilt images.
    public var shiftsInVoxels = Abundance(0.8, 0.1...1.2)
    /// With tilt images; uniform.
    public var rotationsInDegrees = 0.0...0.4
    /// With tilt images; uniform.
    public var defocusJittersInMicrometers = 0.0...0.3
    /// With tilt images; uniform.
    public var meanFreePathsInAngstroms = 1500.0...5000

    // MARK: Lamella

    /// The thickness of the lamella over the depth of the tomogram; uniform. It is between 300 and 4000 Å all the same.
    public var thicknesses = 0.4...1.3
    /// The slope along x and along y is at most this; small ones are more frequent (the cube of a uniform number).
    public var steepestTiltInDegrees = 20.0
    /// Uniform.
    public var roughnessesInAngstroms = 0.0...60

    // MARK: Membranes

    /// Uniform.
    public var bilayerThicknessesInAngstroms = 25.0...75
    /// The mean density of membranes over their thickness, relative to protein; uniform.
    public var membraneDensities = 0.3...1.0
    /// The share of scenes in which a membrane is one sheet, not two leaflets.
    public var oneSheetShare = 0.4
    /// The variation from one membrane to the next; uniform.
    public var membraneVariations = 0.0...0.3
    public var sheets = Abundance(0.3, 0.5...2)
    public var singleSheets = Abundance(0.5, 0.7...4)
    public var stacks = Abundance(0.4, 0.7...3)
    /// The distances between the sheets of a stack: two of these bound those of a scene.
    public var stackGapsInAngstroms = 80.0...300
    public var mitochondria = Abundance(0.3, 0.5...4)
    public var organelles = Abundance(0.5, 1...8)
    public var cisternae = Abundance(0.5, 4...30)
    public var vesicles = Abundance(0.8, 30...800)
    /// The radii of vesicles: two of these bound those of a scene.
    public var vesicleRadiiInAngstroms = 100.0...600
    public var tubes = Abundance(0.5, 5...60)

    // MARK: Particles

    /// The number of kinds of assemblies; uniform.
    public var assemblyKinds = 3.0...12
    /// The diameters of assemblies; at least three voxels.
    public var assemblyDiametersInAngstroms = 50.0...450
    /// The densities of assemblies.
    public var assemblyDensities = 0.6...1.4
    /// The fraction of the lamella's volume that assemblies fill.
    public var assemblyFractions = Abundance(0.9, 0.02...0.25)
    /// On membranes, per µm².
    public var membraneAssemblies = Abundance(0.5, 50...2000)
    public var ribosomes = Abundance(0.4, 200...10_000)
    public var proteasomes = Abundance(0.4, 100...4000)
    public var complexes = Abundance(0.4, 200...6000)
    public var microtubules = Abundance(0.3, 20...300)
    public var actinFilaments = Abundance(0.3, 50...800)
    /// Single proteins, in mg/ml.
    public var crowding = Abundance(0.85, 30...350)
    public var goldBeads = Abundance(0.3, 2...60)
    public var iceBlobs = Abundance(0.3, 1...20)

    public init() {}
}

extension RandomisedScenes {
    /// Draws the parameters of one scene. The same seed gives the same scene.
    ///
    /// - Parameters:
    ///   - x: the number of voxels along x; y and z likewise.
    public func parameters(seed: UInt64, x: Int = 256, y: Int = 256, z: Int = 64) -> SimulationParameters {
        var parameters = SimulationParameters()
        (parameters.x, parameters.y, parameters.z, parameters.seed) = (x, y, z, seed)
        var draws = Draws(seed: seed)
        parameters.voxelSizeInAngstroms = draws.uniform(voxelSizesInAngstroms)
        parameters.signalToNoiseRatio = draws.logUniform(signalToNoiseRatios)
        let voxelSize = parameters.voxelSizeInAngstroms
        parameters.optics = optics(voxelSize, &draws)
        parameters.tiltSeries.maximumTiltInDegrees = draws.uniform(maximumTiltsInDegrees)
        parameters.tiltSeries.stepInDegrees = draws.uniform(stepsInDegrees)
        parameters.imaging = imaging(voxelSize, &draws)
        let thickness = draws.uniform(thicknesses) * Double(z) * voxelSize
        parameters.lamella.thicknessInAngstroms = min(max(thickness, 300), 4000)
        parameters.lamella.tiltAlongXInDegrees = steepestTiltInDegrees * pow(draws.uniform(-1...1), 3)
        parameters.lamella.tiltAlongYInDegrees = steepestTiltInDegrees * pow(draws.uniform(-1...1), 3)
        parameters.lamella.roughnessInAngstroms = draws.uniform(roughnessesInAngstroms)
        parameters.contents = .empty
        drawMembranes(of: &parameters.contents, &draws)
        drawParticles(of: &parameters.contents, voxelSize, &draws)
        // The last one, so that all others are drawn as they were before there was phase flipping.
        parameters.optics.isPhaseFlipped = draws.uniform(0...1) < phaseFlippedShare
        return parameters
    }

    private func optics(_ voxelSize: Double, _ draws: inout Draws) -> SimulationParameters.Optics {
        var optics = SimulationParameters.Optics()
        let isPhasePlate = draws.uniform(0...1) < phasePlateShare
        let defocus = draws.logUniform(defociInMicrometers)
        let phasePlateDefocus = draws.uniform(phasePlateDefociInMicrometers)
        let phaseShift = draws.uniform(phaseShiftsInDegrees)
        optics.defocusInMicrometers = isPhasePlate ? phasePlateDefocus : defocus
        optics.phaseShiftInDegrees = isPhasePlate ? phaseShift : 0
        optics.amplitudeContrast = draws.uniform(amplitudeContrasts)
        let signal = draws.logUniform(signalBFactors)
        let noise = draws.logUniform(noiseBFactors)
        let blur = draws.abundance(blurs) * voxelSize * voxelSize
        optics.signalBFactor = signal + blur
        optics.noiseBFactor = noise + blur
        optics.longestPeriodInAngstroms = draws.logUniform(longestPeriodsInAngstroms)
        return optics
    }

    private func imaging(_ voxelSize: Double, _ draws: inout Draws) -> SimulationParameters.Imaging {
        let isByTiltImages = draws.uniform(0...1) < tiltImageShare
        var conditions = SimulationParameters.TiltConditions()
        conditions.shiftJitterInAngstroms = draws.abundance(shiftsInVoxels) * voxelSize
        conditions.rotationJitterInDegrees = draws.uniform(rotationsInDegrees)
        conditions.defocusJitterInMicrometers = draws.uniform(defocusJittersInMicrometers)
        conditions.meanFreePathInAngstroms = draws.uniform(meanFreePathsInAngstroms)
        return isByTiltImages ? .tiltImages(conditions: conditions) : .volume
    }

    private func drawMembranes(of contents: inout SimulationParameters.Contents, _ draws: inout Draws) {
        contents.bilayerThicknessInAngstroms = draws.uniform(bilayerThicknessesInAngstroms)
        let density = draws.uniform(membraneDensities)
        contents.membraneProfile = draws.uniform(0...1) < oneSheetShare ? .sheet : .leaflets
        contents.membraneDensity =
            density / Bilayer.meanDensity(thickness: contents.bilayerThicknessInAngstroms, contents.membraneProfile)
        contents.membraneVariation = draws.uniform(membraneVariations)
        contents.sheetsPerTomogram = draws.abundance(sheets)
        contents.singleSheetsPerTomogram = draws.abundance(singleSheets)
        contents.stacksPerTomogram = draws.abundance(stacks)
        contents.stackGapsInAngstroms = draws.range(within: stackGapsInAngstroms)
        contents.mitochondriaPerCubicMicrometer = draws.abundance(mitochondria)
        contents.organellesPerCubicMicrometer = draws.abundance(organelles)
        contents.cisternaePerCubicMicrometer = draws.abundance(cisternae)
        contents.vesiclesPerCubicMicrometer = draws.abundance(vesicles)
        contents.vesicleRadiiInAngstroms = draws.range(within: vesicleRadiiInAngstroms)
        contents.tubesPerCubicMicrometer = draws.abundance(tubes)
    }

    private func drawParticles(
        of contents: inout SimulationParameters.Contents, _ voxelSize: Double, _ draws: inout Draws
    ) {
        contents.assemblyKinds = Int(exactly: draws.uniform(assemblyKinds).rounded()) ?? .max
        let diameters = assemblyDiametersInAngstroms
        let least = min(max(diameters.lowerBound, 3 * voxelSize), diameters.upperBound)
        contents.assemblyDiametersInAngstroms = least...diameters.upperBound
        contents.assemblyDensities = assemblyDensities
        contents.assemblyVolumeFraction = draws.abundance(assemblyFractions)
        contents.membraneAssembliesPerSquareMicrometer = draws.abundance(membraneAssemblies)
        contents.ribosomesPerCubicMicrometer = draws.abundance(ribosomes)
        contents.proteasomesPerCubicMicrometer = draws.abundance(proteasomes)
        contents.complexesPerCubicMicrometer = draws.abundance(complexes)
        contents.microtubulesPerCubicMicrometer = draws.abundance(microtubules)
        contents.actinFilamentsPerCubicMicrometer = draws.abundance(actinFilaments)
        contents.crowdingInMilligramsPerMilliliter = draws.abundance(crowding)
        contents.goldBeadsPerSquareMicrometer = draws.abundance(goldBeads)
        contents.iceBlobsPerSquareMicrometer = draws.abundance(iceBlobs)
    }

    /// One random stream for each value, in the order in which they are drawn.
    private struct Draws {
        let seed: UInt64
        private var piece = 0

        init(seed: UInt64) { self.seed = seed }

        private mutating func next() -> RandomStream {
            piece += 1
            return RandomStream(seed: seed, .scenes, piece: piece)
        }

        mutating func uniform(_ range: ClosedRange<Double>) -> Double {
            var random = next()
            return random.uniform(range)
        }

        mutating func logUniform(_ range: ClosedRange<Double>) -> Double {
            // What is not positive has no logarithm; the simulation refuses the number that comes of it.
            func bounded(_ value: Double) -> Double { log(max(value, .leastNormalMagnitude)) }
            return exp(uniform(bounded(range.lowerBound)...bounded(range.upperBound))).clamped(to: range)
        }

        /// Two uniform numbers of a range, in order.
        mutating func range(within range: ClosedRange<Double>) -> ClosedRange<Double> {
            let (a, b) = (uniform(range), uniform(range))
            return min(a, b)...max(a, b)
        }

        mutating func abundance(_ abundance: Abundance) -> Double {
            let isPresent = uniform(0...1) < abundance.share
            let value = logUniform(abundance.range)
            return isPresent ? value : 0
        }
    }
}

extension Double {
    /// The nearest number of a range. The exponential of a logarithm may leave it by a rounding.
    fileprivate func clamped(to range: ClosedRange<Double>) -> Double { min(max(self, range.lowerBound), range.upperBound) }
}
