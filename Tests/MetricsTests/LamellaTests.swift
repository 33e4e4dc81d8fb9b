import Basics
import ImageProcessing
import Metrics
import Simulation
import TestSupport
import Testing
import Volumes

@Suite struct LamellaTests {
    /// Noise everywhere, and more within a range of slices.
    private func profile(depth: Int, inside: Range<Double>, noise: Float = 1, contrast: Float = 0.3, seed: UInt64 = 2) throws
        -> LamellaProfile
    {
        var random = RandomStream(state: seed)
        let shape = try #require(VolumeShape(z: depth, y: 64, x: 64))
        var profile = LamellaProfile(shape: shape, voxelSize: try voxelSize(10, 10, 12))
        for z in 0..<depth {
            let part = Float(min(max(min(Double(z) + 0.5 - inside.lowerBound, inside.upperBound - Double(z) + 0.5), 0), 1))
            let scale = noise * (1 + contrast * part)
            try profile.add(
                try #require(
                    Image<Float>(
                        height: 64, width: 64,
                        values: (0..<4096).map { _ in
                            (0..<6).reduce(7) { sum, _ in sum + scale * Float.random(in: -0.7...0.7, using: &random) }
                        })))
        }
        return profile
    }

    @Test("edges are found to a voxel, also where their levels differ little") func edges() throws {
        for (inside, contrast) in [(20.0..<80.0, Float(0.3)), (33.5..<61.2, 0.3), (20.0..<80.0, 0.15)] {
            let lamella = try #require(try profile(depth: 100, inside: inside, contrast: contrast).lamella())
            #expect(abs(lamella.lowerInAngstroms / 12 - inside.lowerBound) < 1)
            #expect(abs(lamella.upperInAngstroms / 12 - inside.upperBound) < 1)
            #expect(abs(lamella.contrast - Double(contrast)) < 0.05)
        }
    }

    @Test("there is no lamella where it fills the volume, ends on one side only, or is noise") func none() throws {
        #expect(try profile(depth: 100, inside: -10..<110).lamella() == nil)
        #expect(try profile(depth: 100, inside: 50..<110).lamella() == nil)
        for seed in 1...20 { #expect(try profile(depth: 60, inside: 0..<60, contrast: 0, seed: UInt64(seed)).lamella() == nil) }
        #expect(try profile(depth: 8, inside: 3..<5).lamella() == nil)
    }

    @Test("densities that are not finite, and constant volumes, are no trap") func bad() throws {
        let shape = try #require(VolumeShape(z: 20, y: 2, x: 5))
        var profile = LamellaProfile(shape: shape, voxelSize: try voxelSize(1, 1, 1))
        #expect(throws: MetricsError.self) { try profile.add(try #require(Image<Float>(height: 2, width: 5, repeating: .nan))) }
        for _ in 0..<20 { try profile.add(try #require(Image<Float>(height: 2, width: 5, repeating: 4))) }
        #expect(profile.lamella() == nil)
        #expect(throws: MetricsError.self) { try profile.add(try #require(Image<Float>(height: 2, width: 5, repeating: 4))) }
    }

    /// Its two faces are uneven by some voxels, and the missing wedge blurs them along z.
    @Test("of simulated tomograms the thickness is right to 5 voxels", arguments: [1, 2, 3])
    func simulated(seed: UInt64) throws {
        var parameters = SimulationParameters()
        (parameters.x, parameters.y, parameters.z, parameters.seed) = (160, 160, 96, seed)
        parameters.lamella.thicknessInAngstroms = 650
        parameters.lamella.tiltAlongXInDegrees = 0
        parameters.lamella.tiltAlongYInDegrees = 0
        parameters.signalToNoiseRatio = 0.3
        let tomogram = try TomogramSimulation(parameters).run()
        let shape = tomogram.greyValues.shape
        let edge = parameters.voxelSizeInAngstroms
        var profile = LamellaProfile(shape: shape, voxelSize: try voxelSize(edge, edge, edge))
        let values = tomogram.greyValues.floats()
        for z in 0..<shape.z {
            let slice = Array(values[z * shape.voxelsPerSlice..<(z + 1) * shape.voxelsPerSlice])
            try profile.add(try #require(Image<Float>(height: shape.y, width: shape.x, values: slice)))
        }
        let lamella = try #require(profile.lamella(), "\(profile.deviations)")
        #expect(abs(lamella.thicknessInAngstroms - 650) < 5 * edge, "\(lamella)")
    }
}
