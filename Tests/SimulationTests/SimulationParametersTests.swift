import Basics
import Testing

@testable import Simulation

@Suite("Simulation parameters")
struct SimulationParametersTests {
    typealias Change = @Sendable (inout SimulationParameters) -> Void

    /// Images by tilts, under changed conditions.
    private static func tilt(
        _ parameters: inout SimulationParameters, _ change: (inout SimulationParameters.TiltConditions) -> Void
    ) {
        var conditions = SimulationParameters.TiltConditions()
        change(&conditions)
        parameters.imaging = .tiltImages(conditions: conditions)
    }

    static let impossible: [(String, Change)] = [
        ("x", { $0.x = 7 }), ("y", { $0.y = 0 }), ("z", { $0.z = -4 }), ("z", { $0.z = Int.min }),
        ("x", { $0.x = Int.max }), ("x, y, z", { ($0.x, $0.y, $0.z) = (4096, 4096, 4096) }),
        ("voxelSizeInAngstroms", { $0.voxelSizeInAngstroms = 0 }), ("voxelSizeInAngstroms", { $0.voxelSizeInAngstroms = .nan }),
        ("signalToNoiseRatio", { $0.signalToNoiseRatio = -0.1 }), ("signalToNoiseRatio", { $0.signalToNoiseRatio = .infinity }),
        ("optics.voltageInKilovolts", { $0.optics.voltageInKilovolts = -300 }),
        ("optics.defocusInMicrometers", { $0.optics.defocusInMicrometers = 35_000 }),
        ("optics.amplitudeContrast", { $0.optics.amplitudeContrast = 1.5 }),
        ("optics.signalBFactor", { $0.optics.signalBFactor = -1 }),
        ("optics.longestPeriodInAngstroms", { $0.optics.longestPeriodInAngstroms = 0 }),
        ("tiltSeries.maximumTiltInDegrees", { $0.tiltSeries.maximumTiltInDegrees = 120 }),
        ("tiltSeries.stepInDegrees", { $0.tiltSeries.stepInDegrees = 0 }),
        ("lamella.thicknessInAngstroms", { $0.lamella.thicknessInAngstroms = 0 }),
        ("lamella.tiltAlongXInDegrees", { $0.lamella.tiltAlongXInDegrees = 90 }),
        ("lamella.roughnessInAngstroms", { $0.lamella.roughnessInAngstroms = -1 }),
        ("contents.bilayerThicknessInAngstroms", { $0.contents.bilayerThicknessInAngstroms = 5 }),
        ("contents.sheetsPerTomogram", { $0.contents.sheetsPerTomogram = .infinity }),
        ("contents.ribosomesPerCubicMicrometer", { $0.contents.ribosomesPerCubicMicrometer = -1 }),
        ("contents.vesiclesPerCubicMicrometer", { $0.contents.vesiclesPerCubicMicrometer = .nan }),
        ("contents.vesiclesPerCubicMicrometer", { $0.contents.vesiclesPerCubicMicrometer = 1e300 }),
        ("contents.crowdingInMilligramsPerMilliliter", { $0.contents.crowdingInMilligramsPerMilliliter = 1e4 }),
        ("contents.membraneDensity", { $0.contents.membraneDensity = 0 }),
        ("contents.membraneVariation", { $0.contents.membraneVariation = 0.9 }),
        ("contents.vesicleRadiiInAngstroms", { $0.contents.vesicleRadiiInAngstroms = 0...300 }),
        ("contents.vesicleRadiiInAngstroms", { $0.contents.vesicleRadiiInAngstroms = 200...1e5 }),
        ("contents.singleSheetsPerTomogram", { $0.contents.singleSheetsPerTomogram = .nan }),
        ("contents.stacksPerTomogram", { $0.contents.stacksPerTomogram = -1 }),
        ("contents.stackGapsInAngstroms", { $0.contents.stackGapsInAngstroms = 10...100 }),
        ("contents.tubesPerCubicMicrometer", { $0.contents.tubesPerCubicMicrometer = -.infinity }),
        ("contents.tubesPerCubicMicrometer", { $0.contents.tubesPerCubicMicrometer = 1e9 }),
        ("contents.assemblyKinds", { $0.contents.assemblyKinds = Int.max }),
        ("contents.assemblyKinds", { $0.contents.assemblyKinds = -1 }),
        ("contents.assemblyVolumeFraction", { $0.contents.assemblyVolumeFraction = 0.9 }),
        ("contents.assemblyDiametersInAngstroms", { $0.contents.assemblyDiametersInAngstroms = 1...400 }),
        ("contents.assemblyDensities", { $0.contents.assemblyDensities = -1...1 }),
        (
            "contents.membraneAssembliesPerSquareMicrometer",
            { $0.contents.membraneAssembliesPerSquareMicrometer = 1e12 }
        ),
        ("contents.iceBlobsPerSquareMicrometer", { $0.contents.iceBlobsPerSquareMicrometer = 1e9 }),
        (
            "tiltSeries.maximumTiltInDegrees",
            {
                tilt(&$0) { _ in }
                $0.tiltSeries.maximumTiltInDegrees = 85
            }
        ),
        ("imaging.defocusJitterInMicrometers", { tilt(&$0) { $0.defocusJitterInMicrometers = 5 } }),
        ("imaging.shiftJitterInAngstroms", { tilt(&$0) { $0.shiftJitterInAngstroms = -1 } }),
        ("imaging.rotationJitterInDegrees", { tilt(&$0) { $0.rotationJitterInDegrees = .nan } }),
        ("imaging.meanFreePathInAngstroms", { tilt(&$0) { $0.meanFreePathInAngstroms = 0 } }),
    ]

    @Test("that are impossible are refused by name, in one sentence", arguments: impossible.indices)
    func refused(index: Int) {
        let (name, change) = Self.impossible[index]
        var parameters = SimulationParameters()
        change(&parameters)
        let error = #expect(throws: SimulationError.self) { try TomogramSimulation(parameters) }
        #expect(error?.location == name)
        #expect(error.map { !$0.message.contains(". ") && !$0.message.hasSuffix(".") } == true)
    }

    @Test("say what to do")
    func sentence() {
        var parameters = SimulationParameters()
        parameters.z = 3
        #expect(
            throws: SimulationError(.outOfRange, "3 voxels cannot be simulated; give 8 to 16384 along each axis", path: "z")
        ) { try TomogramSimulation(parameters) }
    }

    @Test("left open are drawn without moving those that are given")
    func resolution() {
        var parameters = SimulationParameters()
        let drawn = parameters.resolved()
        #expect(drawn.resolved() == drawn)
        parameters.signalToNoiseRatio = 3
        let given = parameters.resolved()
        #expect(given.signalToNoiseRatio == 3)
        #expect(given.lamella == drawn.lamella)
        #expect(drawn.lamella.thicknessInAngstroms.map { abs($0 - 0.8 * 64 * 13.48) < 1e-9 } == true)
    }
}
