import Foundation
import Testing
import Volumes

@testable import Simulation

@Suite("Randomised scenes")
struct RandomisedScenesTests {
    private let scenes = RandomisedScenes()

    @Test("can all be simulated, and their numbers lie in the ranges")
    func ranges() throws {
        for seed in 1...400 as ClosedRange<UInt64> {
            let parameters = scenes.parameters(seed: seed)
            #expect(throws: Never.self) { try parameters.validate() }
            let ratio = try #require(parameters.signalToNoiseRatio)
            #expect(scenes.voxelSizesInAngstroms.contains(parameters.voxelSizeInAngstroms))
            #expect(scenes.signalToNoiseRatios.contains(ratio))
            #expect(scenes.maximumTiltsInDegrees.contains(parameters.tiltSeries.maximumTiltInDegrees))
            #expect(scenes.bilayerThicknessesInAngstroms.contains(parameters.contents.bilayerThicknessInAngstroms))
            #expect((3...12).contains(parameters.contents.assemblyKinds))
            for slope in [parameters.lamella.tiltAlongXInDegrees, parameters.lamella.tiltAlongYInDegrees] {
                #expect(abs(try #require(slope)) <= 20)
            }
            // Nothing is left to be drawn: the JSON beside the tomogram says all.
            #expect(parameters.resolved() == parameters)
        }
    }

    @Test("differ in everything that matters")
    func variety() {
        let drawn = (1...400).map { scenes.parameters(seed: $0) }
        func share(_ holds: (SimulationParameters) -> Bool) -> Double { Double(drawn.count(where: holds)) / Double(drawn.count) }
        let shares = [
            share { $0.imaging == .volume }, share { $0.contents.membraneProfile == .sheet },
            share { $0.contents.assemblyVolumeFraction > 0.1 }, share { $0.contents.vesiclesPerCubicMicrometer == 0 },
            share { $0.contents.stacksPerTomogram > 0 }, share { $0.contents.iceBlobsPerSquareMicrometer > 0 },
            share { $0.optics.phaseShiftInDegrees > 0 }, share { $0.voxelSizeInAngstroms > 15 },
            share { ($0.signalToNoiseRatio ?? 0) < 0.1 }, share { abs($0.lamella.tiltAlongXInDegrees ?? 0) > 5 },
            share(\.optics.isPhaseFlipped),
        ]
        #expect(shares.allSatisfy { (0.1...0.9).contains($0) }, "\(shares)")
    }

    @Test("keep everything else where one range is changed")
    func independence() {
        var changed = scenes
        changed.voxelSizesInAngstroms = 10...10
        changed.signalToNoiseRatios = 0.25...0.25
        changed.vesicles = .init(0, 1...2)
        for seed in 1...20 as ClosedRange<UInt64> {
            let (a, b) = (scenes.parameters(seed: seed), changed.parameters(seed: seed))
            #expect(b.voxelSizeInAngstroms == 10 && b.signalToNoiseRatio == 0.25 && b.contents.vesiclesPerCubicMicrometer == 0)
            #expect(a.tiltSeries == b.tiltSeries)
            #expect(a.lamella.tiltAlongXInDegrees == b.lamella.tiltAlongXInDegrees)
            #expect(a.contents.tubesPerCubicMicrometer == b.contents.tubesPerCubicMicrometer)
            #expect(a.contents.assemblyVolumeFraction == b.contents.assemblyVolumeFraction)
        }
    }

    @Test("whose ranges are impossible are refused, never a crash")
    func impossible() {
        let changes: [(inout RandomisedScenes) -> Void] = [
            { $0.voxelSizesInAngstroms = -3 ... -2 }, { $0.signalToNoiseRatios = -1...0 }, { $0.assemblyKinds = 1e300...1e301 },
            { $0.vesicles = .init(1, -5...1e300) }, { $0.bilayerThicknessesInAngstroms = 0...0 },
            { $0.assemblyDiametersInAngstroms = 0...0 },
        ]
        for change in changes {
            var scenes = RandomisedScenes()
            change(&scenes)
            let parameters = (1...8).map { scenes.parameters(seed: $0) }
            #expect(parameters.contains { (try? $0.validate()) == nil })
        }
    }

    @Test(
        "are the same bits again, with labels of known classes and surfaces over the field",
        arguments: 1...6 as ClosedRange<UInt64>)
    func simulated(seed: UInt64) throws {
        let parameters = scenes.parameters(seed: seed, x: 72, y: 64, z: 40)
        let tomogram = try TomogramSimulation(parameters).run()
        #expect(try TomogramSimulation(tomogram.parameters).run().greyValues == tomogram.greyValues)
        #expect(tomogram.greyValues.floats().allSatisfy { $0.isFinite })
        #expect(tomogram.labels.bytes.allSatisfy { SimulationClass(rawValue: $0) != nil })
        let sidecar = tomogram.sidecar
        #expect(try JSONDecoder().decode(SimulatedTomogram.Sidecar.self, from: JSONEncoder().encode(sidecar)) == sidecar)

        let surfaces = try #require(tomogram.surfaces.voxels)
        #expect(surfaces.shape == VolumeShape(z: 2, y: 64, x: 72) && surfaces.scalarType == .float32)
        for (x, y) in [(0, 0), (71, 3), (40, 63)] {
            let size = parameters.voxelSizeInAngstroms
            let extent = tomogram.lamella.extent(xInAngstroms: Double(x) * size, yInAngstroms: Double(y) * size)
            #expect(abs(Double(tomogram.surfaces.lower[y * 72 + x]) * size - extent.lowerBound) < 0.01)
            #expect(abs(Double(tomogram.surfaces.upper[y * 72 + x]) * size - extent.upperBound) < 0.01)
        }
    }
}
