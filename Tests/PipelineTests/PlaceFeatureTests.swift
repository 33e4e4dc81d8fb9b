import Basics
import Mining
import Tensors
import TestSupport
import Testing
import Training
import Volumes

@testable import Pipeline

@Suite("What networks make of places") struct PlaceFeatureTests {
    @Test("beyond the faces of the tomogram lies its mirror image") func mirrored() throws {
        let shape = try #require(VolumeShape(z: 3, y: 4, x: 5))
        let window = try #require(VolumeShape(z: 5, y: 7, x: 6))
        // A voxel's density says where it is.
        func densities(_ zs: [Int], _ ys: [Int], _ xs: [Int]) -> [Float] {
            var values: [Float] = []
            for z in zs { for y in ys { for x in xs { values.append(Float(100 * z + 10 * y + x)) } } }
            return values
        }
        func read(_ box: Box) -> [Float] { densities(Array(box.z), Array(box.y), Array(box.x)) }
        let values = try PlaceFeatures.densities(from: SIMD3(-1, 1, -2), of: window, in: shape, read: read)
        let expected = densities([0, 0, 1, 2, 2], [1, 2, 3, 3, 2, 1, 0], [1, 0, 0, 1, 2, 3])
        #expect(values == expected)
    }

    @Test("a mean about a place is that of what is there, however narrow it is") func means() {
        var values: [Float] = []
        for cell in 0..<3 * 9 * 11 { values += [Float(cell % 11), Float(cell / 11 % 9)] }
        let map = Tensor(shape: [1, 3, 9, 11, 2], values: values)
        for deviation in [0.01, 0.3, 1.0] {
            let mean = PlaceFeatures.mean(of: map, about: SIMD3(1, 4, 5), deviation: SIMD3(repeating: deviation))
            #expect(abs(mean[0] - 5) < 1e-3 && abs(mean[1] - 4) < 1e-3)
        }
        // Between cells, and far beyond the map, the nearest counts.
        let between = PlaceFeatures.mean(of: map, about: SIMD3(1, 4.4, 5.4), deviation: SIMD3(repeating: 1e-3))
        #expect(between == [5, 4])
        let beyond = PlaceFeatures.mean(of: map, about: SIMD3(1, 4, 500), deviation: SIMD3(repeating: 0.5))
        #expect(abs(beyond[0] - 10) < 1e-3)
    }

    /// A tomogram of noise, and the same mirrored along x, or along y.
    private struct Noise {
        let shape: VolumeShape
        let values: [Float]

        init() throws {
            shape = try #require(VolumeShape(z: 12, y: 40, x: 56))
            var random = RandomStream(seed: 8)
            values = (0..<shape.count).map { _ in Float(random.normal()) }
        }

        func mirrored(_ orientation: Orientation) -> [Float] { orientation(values, shape: shape) }
    }

    private func features(
        _ values: [Float], _ shape: VolumeShape, voxelSize: Double = 10, learned: Double = 10, radius: Double = 115
    ) throws -> NetworkFeatures {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let path = folder.file("t.mrc")
        let size = try #require(VoxelSize(cubicInAngstroms: voxelSize))
        let writer = try MRCWriter(
            OutputFile(path, replacing: false, protecting: .none), shape: shape, scalarType: .float32, voxelSize: size)
        try writer.append(#require(VoxelBuffer(shape: shape, values: values)))
        try writer.finish()
        // Opened files stay readable when their folder is removed.
        let volume = try VolumeLocation(path: path).open()
        let tomogram = NetworkApplication.Tomogram(
            name: "d/t", volume: volume, voxelSize: size,
            scaling: try DensityScaling(VolumeSurvey.run(volume).histogram, of: "d/t"))
        let network = try UNet(UNetArchitecture(dimensions: 2, classes: 3, width: 4, levels: 3, context: 1), seed: 5)
        let description = NetworkDescription(
            step: "test", classes: ["membrane", "macromolecule"], voxelSizeInAngstroms: learned, patchSize: 32, seed: 1, epoch: 1,
            members: [])
        return try NetworkFeatures(network, description, of: tomogram, radiusInAngstroms: radius)
    }

    @Test("mirrored within its slices, a place has the same numbers", arguments: [10, 20.0]) func mirrors(learned: Double) throws
    {
        let noise = try Noise()
        var own = try features(noise.values, noise.shape, learned: learned)
        for orientation in Orientation.mirrored {
            var other = try features(noise.mirrored(orientation), noise.shape, learned: learned)
            let places: [SIMD3<Double>] = [SIMD3(20, 15, 6), SIMD3(3, 38, 0), SIMD3(50.25, 10.375, 11)]
            for place in places {
                let x: Double = orientation.isReversed[2] ? 55 - place.x : place.x
                let y: Double = orientation.isReversed[1] ? 39 - place.y : place.y
                let there = SIMD3<Double>(x, y, place.z)
                let (a, b) = (try own.describe(place), try other.describe(there))
                #expect(a.count == ParticleDescriptor.learnedCount && Set(a).count > 8)
                #expect(relativeError(a, b) < 1e-5)
            }
        }
        // What is elsewhere is something else.
        let (here, elsewhere) = (try own.describe(SIMD3(20, 15, 6)), try own.describe(SIMD3(35, 28, 3)))
        #expect(relativeError(here, elsewhere) > 3e-3)
    }

    @Test("a window that takes too much memory is refused, and voxels that are too far from the network's") func tooLarge() throws
    {
        let noise = try Noise()
        let error = #expect(throws: PipelineError.self) { try features(noise.values, noise.shape, radius: 5000) }
        #expect(error?.message.contains("; set a smaller descriptors.radius") == true)
        #expect(throws: PipelineError.self) { try features(noise.values, noise.shape, learned: 45) }
    }
}
