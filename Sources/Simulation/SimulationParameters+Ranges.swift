public import Basics
import Foundation
import Volumes

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
        if case .tiltImages = imaging {
            let geometry = TiltGeometry(grid: grid, tilts: tiltSeries.tilts)
            guard geometry.pixelCount <= Self.voxelLimit else { throw .tooManyPixels(limit: Self.voxelLimit) }
        }
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
        if case .tiltImages(let conditions) = imaging {
            // An image at 90° would show the lamella edge-on.
            try check("tiltSeries.maximumTiltInDegrees", tiltSeries.maximumTiltInDegrees, 1...80, "°")
            try check("imaging.defocusJitterInMicrometers", conditions.defocusJitterInMicrometers, 0...2, "µm")
            try check("imaging.shiftJitterInAngstroms", conditions.shiftJitterInAngstroms, 0...200, "Å")
            try check("imaging.rotationJitterInDegrees", conditions.rotationJitterInDegrees, 0...5, "°")
            try check("imaging.meanFreePathInAngstroms", conditions.meanFreePathInAngstroms, 300...1e6, "Å")
        }
        if let thickness = lamella.thicknessInAngstroms { try check("lamella.thicknessInAngstroms", thickness, 50...20_000, "Å") }
        if let tilt = lamella.tiltAlongXInDegrees { try check("lamella.tiltAlongXInDegrees", tilt, -30...30, "°") }
        if let tilt = lamella.tiltAlongYInDegrees { try check("lamella.tiltAlongYInDegrees", tilt, -30...30, "°") }
        try check("lamella.roughnessInAngstroms", lamella.roughnessInAngstroms, 0...500, "Å")
    }

    private func checkContents(_ grid: SimulationGrid) throws(SimulationError) {
        try check("contents.bilayerThicknessInAngstroms", contents.bilayerThicknessInAngstroms, 25...100, "Å")
        try check("contents.sheetsPerTomogram", contents.sheetsPerTomogram, 0...20, "")
        try check("contents.crowdingInMilligramsPerMilliliter", contents.crowdingInMilligramsPerMilliliter, 0...500, "mg/ml")
        try check("contents.membraneDensity", contents.membraneDensity, 0.1...5, "")
        try check("contents.membraneVariation", contents.membraneVariation, 0...0.4, "")
        try check("contents.singleSheetsPerTomogram", contents.singleSheetsPerTomogram, 0...20, "")
        try check("contents.stacksPerTomogram", contents.stacksPerTomogram, 0...20, "")
        try check("contents.assemblyKinds", Double(contents.assemblyKinds), 0...64, "")
        try check("contents.assemblyVolumeFraction", contents.assemblyVolumeFraction, 0...0.35, "")
        let ranges = [
            ("vesicleRadiiInAngstroms", contents.vesicleRadiiInAngstroms, 100.0...1000, "Å"),
            ("stackGapsInAngstroms", contents.stackGapsInAngstroms, 60...1000, "Å"),
            ("assemblyDiametersInAngstroms", contents.assemblyDiametersInAngstroms, 30...1000, "Å"),
            ("assemblyDensities", contents.assemblyDensities, 0...3, ""),
        ]
        for (name, range, allowed, unit) in ranges {
            try check("contents.\(name)", range.lowerBound, allowed, unit)
            try check("contents.\(name)", range.upperBound, allowed, unit)
        }
        let volume = grid.region.volumeInCubicMicrometers
        // Large structures are also placed around the field of view, so that they can reach into it: 5000 Å for the longest.
        let withSurroundings = grid.region.expanded(by: 5000).volumeInCubicMicrometers
        let area = volume / (Double(grid.z) * grid.voxelSize * 1e-4)
        // Assemblies of the middle of their diameters (on a logarithmic scale), and shapes that fill a third of their ball.
        let diameters = contents.assemblyDiametersInAngstroms
        let assembliesPerCubicMicrometer =
            contents.assemblyKinds > 0
            ? 6 * contents.assemblyVolumeFraction / pow(diameters.lowerBound * diameters.upperBound * 1e-8, 1.5) : 0
        // A bilayer is more than 25 Å thick, and no more than a tenth of the volume is membrane.
        let membraneArea = volume * 0.1 / 25e-4
        let densities: [(String, Double, Double, limit: Double)] = [
            ("mitochondriaPerCubicMicrometer", contents.mitochondriaPerCubicMicrometer, withSurroundings, 1e4),
            ("organellesPerCubicMicrometer", contents.organellesPerCubicMicrometer, withSurroundings, 1e4),
            ("cisternaePerCubicMicrometer", contents.cisternaePerCubicMicrometer, withSurroundings, 1e4),
            ("vesiclesPerCubicMicrometer", contents.vesiclesPerCubicMicrometer, volume, 1e5),
            ("tubesPerCubicMicrometer", contents.tubesPerCubicMicrometer, withSurroundings, 1e4),
            ("assemblyVolumeFraction", assembliesPerCubicMicrometer, volume, 5e6),
            ("membraneAssembliesPerSquareMicrometer", contents.membraneAssembliesPerSquareMicrometer, membraneArea, 1e6),
            ("iceBlobsPerSquareMicrometer", contents.iceBlobsPerSquareMicrometer, area, 1e4),
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
