import Basics
import Foundation
import Tensors
import Testing
import Volumes

@testable import Simulation

@Suite("Tilt images and their back-projection")
struct TiltImagingTests {
    /// A phase plate at focus: the contrast transfer is −1 almost everywhere. No two images differ.
    private func perfect(x: Int, y: Int, z: Int) -> (SimulationParameters, SimulationParameters.TiltConditions) {
        var parameters = SimulationParameters()
        (parameters.x, parameters.y, parameters.z) = (x, y, z)
        parameters.optics.phaseShiftInDegrees = 90
        parameters.optics.defocusInMicrometers = 0
        parameters.optics.amplitudeContrast = 0
        parameters.optics.sphericalAberrationInMillimeters = 0
        parameters.optics.signalBFactor = 0
        parameters.optics.longestPeriodInAngstroms = 1e6
        var conditions = SimulationParameters.TiltConditions()
        conditions.defocusJitterInMicrometers = 0
        conditions.shiftJitterInAngstroms = 0
        conditions.rotationJitterInDegrees = 0
        return (parameters, conditions)
    }

    @Test(
        "bring a small ball back to its place, within half a voxel",
        arguments: [(32.0, 24, 16), (5.3, 40.2, 27.6), (58.8, 3.4, 4.1), (20.5, 20.5, 10.5)])
    func point(place: (Double, Double, Double)) throws {
        let (parameters, conditions) = perfect(x: 64, y: 48, z: 32)
        let grid = try parameters.validatedGrid()
        var canvas = SimulationCanvas(grid: grid)
        let center = Point(place.0, place.1, place.2)
        let blob = GaussianBlob(center: center * grid.voxelSize, sigma: 1.2 * grid.voxelSize, peak: 1)
        canvas.drawInBands { $0.add(blob) }
        var volume = canvas.density
        TiltImaging(parameters, conditions, thicknessInAngstroms: 400, grid: grid).image(&volume, vacuum: 0)
        let values = volume.tomogram(of: grid).floats()
        let lowest = try #require(values.indices.min { values[$0] < values[$1] })
        let found = (x: lowest % 64, y: lowest / 64 % 48, z: lowest / (64 * 48))
        /// The vertex of the parabola through three neighbours.
        func refined(_ position: Int, _ step: Int) -> Double {
            let (a, b, c) = (values[lowest - step], values[lowest], values[lowest + step])
            return Double(position) + Double(0.5 * (a - c) / (a - 2 * b + c))
        }
        let vertex = Point(refined(found.x, 1), refined(found.y, 64), refined(found.z, 64 * 48))
        #expect(abs(vertex.x - center.x) < 0.2 && abs(vertex.y - center.y) < 0.2 && abs(vertex.z - center.z) < 0.5, "\(vertex)")
    }

    @Test("leave the missing wedge empty")
    func missingWedge() throws {
        let (parameters, conditions) = perfect(x: 96, y: 40, z: 64)
        let grid = try parameters.validatedGrid()
        var volume = grid.emptyVolume()
        volume.fillWithWhiteNoise(seed: 3)
        TiltImaging(parameters, conditions, thicknessInAngstroms: 860, grid: grid).image(&volume, vacuum: 0)
        // The reconstruction ends at the sides of the tomogram: a window keeps them from leaking.
        func window(_ index: Int, _ margin: Int, _ count: Int) -> Float {
            Float(0.5 - 0.5 * cos(2 * Double.pi * (Double(index - margin) + 0.5) / Double(count)))
        }
        for z in 0..<grid.z {
            for y in 0..<grid.y {
                for x in 0..<grid.x {
                    volume.values[(z * grid.y + y) * volume.rowStride + x] *=
                        window(x, grid.marginX, grid.shape.x) * window(z, grid.marginZ, grid.shape.z)
                }
            }
        }
        volume.forward()
        var power = (wedge: 0.0, outside: 0.0)
        var counts = (wedge: 0.0, outside: 0.0)
        let binZ = 1 / (Double(grid.shape.z) * grid.voxelSize)
        for z in 0..<grid.z {
            for y in 0..<grid.y {
                for x in 0..<volume.frequencyCount {
                    let kx = grid.frequency(x, of: grid.x)
                    let kz = grid.frequency(z, of: grid.z)
                    let k = (kx * kx + kz * kz).squareRoot()
                    guard k > 4 * binZ, k < 0.3 / grid.voxelSize else { continue }
                    let index = (z * grid.y + y) * volume.rowStride + x
                    let square = pow(Double(volume.values[index]), 2) + pow(Double(volume.values[index + volume.rowHalf]), 2)
                    let beyond = abs(kz) * cos(Double.pi / 3) - kx * sin(Double.pi / 3)
                    if beyond > 2 * binZ {
                        power.wedge += square
                        counts.wedge += 1
                    } else if beyond < -2 * binZ {
                        power.outside += square
                        counts.outside += 1
                    }
                }
            }
        }
        #expect(counts.wedge > 1000 && counts.outside > 1000)
        #expect(power.wedge / counts.wedge < 0.02 * power.outside / counts.outside)
    }

    private func scene(seed: UInt64 = 1) -> SimulationParameters {
        var parameters = SimulationParameters()
        (parameters.x, parameters.y, parameters.z, parameters.seed) = (128, 112, 48, seed)
        parameters.contents.goldBeadsPerSquareMicrometer = 0
        parameters.signalToNoiseRatio = 1e9
        return parameters
    }

    @Test("show what the filter in three dimensions shows", arguments: [1, 2] as [UInt64])
    func agreement(seed: UInt64) throws {
        var parameters = scene(seed: seed)
        let volume = try TomogramSimulation(parameters).run()
        var conditions = SimulationParameters.TiltConditions()
        conditions.defocusJitterInMicrometers = 0
        conditions.shiftJitterInAngstroms = 0
        conditions.rotationJitterInDegrees = 0
        parameters.imaging = .tiltImages(conditions: conditions)
        let tilts = try TomogramSimulation(parameters).run()
        #expect(volume.labels == tilts.labels && volume.particles == tilts.particles)
        let (a, b) = (volume.greyValues.floats(), tilts.greyValues.floats())
        let inside = volume.indicesInLamella()
        let product = inside.reduce(0) { $0 + Double(a[$1]) * Double(b[$1]) } / Double(inside.count)
        #expect(product > 0.8, "\(product)")
    }

    @Test("have the signal-to-noise ratio that was asked for", arguments: [0.05, 0.7])
    func signalToNoiseRatio(ratio: Double) throws {
        var parameters = scene(seed: 3)
        parameters.imaging = .tiltImages(conditions: SimulationParameters.TiltConditions())
        let (signal, noise) = try parameters.signalAndNoise(ratio: ratio)
        #expect(abs(signal.variance - 1) < 0.02)
        #expect(abs(signal.variance / noise.variance / ratio - 1) < 0.1)
    }

    @Test("agree less the more they are misaligned")
    func misalignment() throws {
        func image(_ shift: Double, _ rotation: Double) throws -> [Float] {
            var parameters = scene(seed: 2)
            var conditions = SimulationParameters.TiltConditions()
            conditions.shiftJitterInAngstroms = shift
            conditions.rotationJitterInDegrees = rotation
            parameters.imaging = .tiltImages(conditions: conditions)
            return try TomogramSimulation(parameters).run().greyValues.floats()
        }
        let aligned = try image(0, 0)
        func correlation(_ other: [Float]) -> Double {
            func sum(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0 * $1.1) } }
            return sum(aligned, other) / (sum(aligned, aligned) * sum(other, other)).squareRoot()
        }
        let slightly = correlation(try image(3, 0.1))
        let badly = correlation(try image(40, 0.1))
        let turned = correlation(try image(3, 3))
        #expect(slightly > 0.9 && badly < 0.8 && turned < slightly, "\(slightly) \(badly) \(turned)")
    }

    @Test(
        "can be of tiny, odd, flat, coarse or fine tomograms, of one tilt or of steep ones",
        arguments: [(8, 8, 8), (9, 11, 13), (31, 8, 17), (70, 33, 9)], [(3, 1, 30), (13.48, 80, 7), (50, 60, 3)])
    func sizes(size: (Int, Int, Int), series: (Double, Double, Double)) throws {
        var parameters = SimulationParameters()
        (parameters.x, parameters.y, parameters.z) = size
        parameters.voxelSizeInAngstroms = series.0
        parameters.tiltSeries.maximumTiltInDegrees = series.1
        parameters.tiltSeries.stepInDegrees = series.2
        parameters.imaging = .tiltImages(conditions: SimulationParameters.TiltConditions())
        let values = try TomogramSimulation(parameters).run().greyValues.floats()
        #expect(values.allSatisfy { $0.isFinite })
        // A single image is the same in all slices.
        #expect(Set(values).count > size.0 * size.1 / 2)
    }

    @Test("have more noise the longer the path of the electrons, the more the thicker the lamella")
    func pathLength() throws {
        func noise(_ meanFreePath: Double, _ maximumTilt: Double) throws -> [Double] {
            var (parameters, conditions) = perfect(x: 64, y: 48, z: 32)
            parameters.tiltSeries.maximumTiltInDegrees = maximumTilt
            conditions.meanFreePathInAngstroms = meanFreePath
            let grid = try parameters.validatedGrid()
            let imaging = TiltImaging(parameters, conditions, thicknessInAngstroms: 1000, grid: grid)
            return imaging.noiseLevels
        }
        let levels = try noise(1000, 60)
        // exp(D/2Λ · (1/cos θ − 1)) at 0° and at 60°.
        #expect(levels.count == 41 && levels[20] == 1)
        #expect(abs(levels[0] - exp(0.5)) < 1e-9 && abs(levels[40] - exp(0.5)) < 1e-9)
        #expect(zip(levels[20...], levels[21...]).allSatisfy { $0.0 < $0.1 })
        #expect(try noise(1e6, 60).allSatisfy { $0 < 1.001 })
    }

    @Test("are the same again from the same seed")
    func reproducible() throws {
        var parameters = scene(seed: 5)
        parameters.contents.goldBeadsPerSquareMicrometer = 20
        parameters.signalToNoiseRatio = 0.2
        parameters.imaging = .tiltImages(conditions: SimulationParameters.TiltConditions())
        let first = try TomogramSimulation(parameters).run()
        let second = try TomogramSimulation(parameters).run()
        #expect(first.greyValues == second.greyValues)
        parameters.seed = 6
        #expect(try TomogramSimulation(parameters).run().greyValues != first.greyValues)
    }
}
