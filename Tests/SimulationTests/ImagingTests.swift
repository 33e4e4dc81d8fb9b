import Foundation
import Tensors
import Testing
import Volumes

@testable import Simulation

@Suite("Imaging")
struct ImagingTests {
    private func grid(x: Int, y: Int, z: Int, voxelSize: Double = 13.48) throws -> SimulationGrid {
        SimulationGrid(shape: try #require(VolumeShape(z: z, y: y, x: x)), voxelSize: voxelSize)
    }

    @Test("makes protein dark under focus, and the first zero lies where λ Δf k² is one")
    func contrastTransfer() {
        var optics = SimulationParameters.Optics()
        optics.amplitudeContrast = 0
        optics.sphericalAberrationInMillimeters = 0
        optics.signalBFactor = 0
        optics.longestPeriodInAngstroms = 1e6
        let transfer = ContrastTransfer(optics)
        // λ at 300 kV is 0.019687 Å.
        let firstZero = 1 / (0.019_687 * 35_000)
        #expect(abs(transfer(squaredFrequency: firstZero)) < 1e-3)
        #expect(abs(transfer(squaredFrequency: firstZero / 2) + 1) < 1e-3)
        #expect(transfer(squaredFrequency: firstZero * 1.1) > 0)
        optics.phaseShiftInDegrees = 90
        #expect(abs(ContrastTransfer(optics)(squaredFrequency: 1e-6) + 1) < 0.01)
        optics.defocusInMicrometers = -3.5
        optics.phaseShiftInDegrees = 0
        #expect(abs(ContrastTransfer(optics)(squaredFrequency: firstZero / 2) - 1) < 1e-3)
    }

    @Test("after phase flipping keeps its strength and one sign, that of protein at low frequencies")
    func phaseFlipping() {
        for (defocus, phaseShift) in [(3.5, 0.0), (7, 0), (0.7, 90)] {
            var optics = SimulationParameters.Optics()
            (optics.defocusInMicrometers, optics.phaseShiftInDegrees) = (defocus, phaseShift)
            let transfer = ContrastTransfer(optics)
            optics.isPhaseFlipped = true
            let flipped = ContrastTransfer(optics)
            for k2 in stride(from: 1e-6, to: 1.0 / 400, by: 1e-5) {
                #expect(flipped(squaredFrequency: k2) <= 0)
                #expect(flipped(squaredFrequency: k2) == -abs(transfer(squaredFrequency: k2)))
            }
        }
    }

    @Test("leaves the missing wedge empty and the rest full")
    func missingWedge() throws {
        var parameters = SimulationParameters()
        (parameters.x, parameters.y, parameters.z) = (96, 64, 64)
        let grid = try parameters.validatedGrid()
        let resolved = parameters.resolved()
        let thickness = try #require(resolved.lamella.thicknessInAngstroms)
        let lamella = SimulatedLamella(resolved.lamella, thickness: thickness, grid: grid, seed: 1)
        let scene = SimulatedScene(resolved, lamella: lamella, grid: grid) { _, _ in }
        let mask = TiltMask(grid: grid, tilts: resolved.tiltSeries.tilts, thicknessInAngstroms: thickness)
        let filter = SpectralFilter(grid: grid, mask: mask) { _ in 1 }

        /// The power inside the wedge, further from its edge than the width of the slab that one tilt gives, and outside,
        /// but for the longest periods, which the lamella's own shape has.
        func power(_ volume: FourierVolume) -> (wedge: Double, outside: Double) {
            var power = (wedge: 0.0, outside: 0.0)
            for z in 0..<grid.z {
                for y in 0..<grid.y {
                    for x in 0..<volume.frequencyCount {
                        let kx = grid.frequency(x, of: grid.x)
                        let kz = grid.frequency(z, of: grid.z)
                        guard (kx * kx + kz * kz).squareRoot() > 1 / 400.0 else { continue }
                        let index = (z * grid.y + y) * volume.rowStride + x
                        let real = Double(volume.values[index])
                        let imaginary = Double(volume.values[index + volume.rowHalf])
                        let beyond = abs(kz) * cos(Double.pi / 3) - kx * sin(Double.pi / 3)
                        if beyond > 1.3 / thickness { power.wedge += real * real + imaginary * imaginary }
                        if beyond <= 0 { power.outside += real * real + imaginary * imaginary }
                    }
                }
            }
            return power
        }
        var before = scene.density
        before.forward()
        var after = scene.density
        after.filter(filter)
        after.forward()
        #expect(power(before).wedge > 0.1 * power(before).outside)
        #expect(power(after).wedge < 1e-3 * power(after).outside)
        #expect(power(after).outside > 0.6 * power(before).outside)

        var noise = grid.emptyVolume()
        noise.fillWithWhiteNoise(seed: 5)
        noise.filter(filter)
        noise.forward()
        #expect(power(noise).wedge < 1e-3 * power(noise).outside)
    }

    @Test("knows the variance of filtered noise before it is made", arguments: [(60, 54, 40), (45, 48, 27)])
    func noiseVariance(x: Int, y: Int, z: Int) throws {
        let grid = try grid(x: x, y: y, z: z)
        let mask = TiltMask(grid: grid, tilts: SimulationParameters.TiltSeries().tilts, thicknessInAngstroms: 600)
        let optics = SimulationParameters.Optics()
        let filter = SpectralFilter(grid: grid, mask: mask) { optics.noiseGain($0) }
        var noise = grid.emptyVolume()
        noise.fillWithWhiteNoise(seed: 2)
        noise.filter(filter)
        var sum = 0.0
        for row in 0..<grid.y * grid.z {
            for x in 0..<grid.x { sum += pow(Double(noise.values[row * noise.rowStride + x]), 2) }
        }
        // Some hundred thousand correlated samples.
        #expect(abs(sum / Double(grid.count) / filter.meanSquaredGain(grid: grid) - 1) < 0.03)
    }

    @Test("has the signal-to-noise ratio that was asked for", arguments: [0.05, 0.5], [0.0, 90])
    func signalToNoiseRatio(ratio: Double, phaseShift: Double) throws {
        var parameters = SimulationParameters()
        (parameters.x, parameters.y, parameters.z) = (128, 128, 48)
        parameters.optics.phaseShiftInDegrees = phaseShift
        parameters.contents.goldBeadsPerSquareMicrometer = 0
        let (signal, noise) = try parameters.signalAndNoise(ratio: ratio)
        #expect(abs(signal.variance - 1) < 0.02)
        #expect(abs(signal.variance / noise.variance / ratio - 1) < 0.05)
        #expect(abs(noise.reduce(0, +) / Double(noise.count)) < 0.1 * noise.variance.squareRoot())
    }
}

extension SimulationParameters {
    /// The imaged signal and the noise of the voxels in the lamella: a simulation nearly without noise, and what another one adds to it.
    func signalAndNoise(ratio: Double) throws -> (signal: [Double], noise: [Double]) {
        var parameters = self
        parameters.signalToNoiseRatio = 1e9
        let clean = try TomogramSimulation(parameters).run()
        parameters.signalToNoiseRatio = ratio
        let noisy = try TomogramSimulation(parameters).run().greyValues.floats()
        let signal = clean.greyValues.floats()
        let inside = clean.indicesInLamella()
        return (inside.map { Double(signal[$0]) }, inside.map { Double(noisy[$0] - signal[$0]) })
    }
}

extension [Double] {
    var variance: Double {
        let mean = reduce(0, +) / Double(count)
        return reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    }
}

extension SimulatedTomogram {
    /// The indices, in storage order, of the voxels whose centres lie in the lamella.
    func indicesInLamella() -> [Int] {
        let shape = greyValues.shape
        let voxelSize = parameters.voxelSizeInAngstroms
        var indices: [Int] = []
        for y in 0..<shape.y {
            for x in 0..<shape.x {
                let extent = lamella.extent(xInAngstroms: Double(x) * voxelSize, yInAngstroms: Double(y) * voxelSize)
                for z in 0..<shape.z where extent.contains(Double(z) * voxelSize) {
                    indices.append((z * shape.y + y) * shape.x + x)
                }
            }
        }
        return indices
    }
}
