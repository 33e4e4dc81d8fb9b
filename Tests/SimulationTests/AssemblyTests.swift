import Basics
import Foundation
import Testing
import Volumes

@testable import Simulation

@Suite("Assemblies")
struct AssemblyTests {
    private func parameters(seed: UInt64, fraction: Double) -> SimulationParameters {
        var parameters = SimulationParameters()
        (parameters.x, parameters.y, parameters.z, parameters.seed) = (128, 112, 48, seed)
        parameters.contents = .empty
        parameters.contents.assemblyKinds = 10
        parameters.contents.assemblyVolumeFraction = fraction
        parameters.signalToNoiseRatio = 1e9
        return parameters
    }

    @Test("have every shape, of the greatest extent that was asked for, and the volume that they label")
    func shapes() throws {
        var random = RandomStream(seed: 3, .assemblyKinds)
        for shape in AssemblyKind.Shape.allCases {
            for diameter in [50.0, 120, 260, 450] {
                let kind = AssemblyKind(shape, diameter: diameter, density: 1, voxelSize: 10, random: &random)
                #expect(kind.particleClass == (2 * kind.model.radius >= 200 ? .largeParticle : .smallParticle))
                // A lattice of points fills the shape but for less than its spacing on either side; jitter adds a little.
                #expect(2 * kind.model.radius <= 1.2 * diameter, "\(shape) \(diameter)")
                if diameter >= 120 { #expect(2 * kind.model.radius >= 0.75 * diameter, "\(shape) \(diameter)") }
                let ball = 4 / 3 * Double.pi * pow(kind.model.radius, 3)
                #expect(kind.volume > 0.005 * ball && kind.volume < 1.2 * ball, "\(shape) \(diameter)")
            }
        }
    }

    @Test("differ in size and shape within a tomogram, and are the same for the same seed")
    func kinds() {
        var contents = SimulationParameters.Contents()
        contents.assemblyKinds = 12
        let kinds = AssemblyKind.drawn(contents, voxelSize: 10, seed: 5)
        #expect(kinds.count == 12)
        #expect(Set(kinds.map(\.shape)).count >= 4)
        #expect(Set(kinds.map(\.particleClass)) == [.largeParticle, .smallParticle])
        let again = AssemblyKind.drawn(contents, voxelSize: 10, seed: 5)
        #expect(kinds.map(\.volume) == again.map(\.volume))
    }

    @Test(
        "fill the fraction of the lamella that was asked for, each inside of it",
        arguments: [0.05, 0.15, 0.25], [1, 2, 3] as [UInt64])
    func fraction(fraction: Double, seed: UInt64) throws {
        let tomogram = try TomogramSimulation(parameters(seed: seed, fraction: fraction)).run()
        let labels = tomogram.labels.bytes
        let classes = [SimulationClass.largeParticle.rawValue, SimulationClass.smallParticle.rawValue]
        let inside = tomogram.indicesInLamella()
        let filled = Double(inside.count { classes.contains(labels[$0]) }) / Double(inside.count)
        // The margins of the grid have their share by chance.
        #expect(abs(filled / fraction - 1) < 0.25, "\(filled)")
        #expect(labels.allSatisfy { $0 == 0 || classes.contains($0) })
        #expect(tomogram.particles.count > 20)
        for particle in tomogram.particles {
            #expect(classes.contains(particle.particleClass.rawValue))
            #expect((particle.particleClass == .largeParticle) == (particle.radiusInAngstroms >= 100))
            #expect(tomogram.lamella.depth(particle.center) > -tomogram.parameters.voxelSizeInAngstroms)
        }
        // Particles are dark.
        let values = tomogram.greyValues.floats()
        #expect(inside.reduce(0) { classes.contains(labels[$1]) ? $0 + values[$1] : $0 } < 0)
    }

    @Test("sit on membranes, on both sides, where that is asked for")
    func onMembranes() throws {
        var parameters = parameters(seed: 2, fraction: 0)
        parameters.contents.assemblyDiametersInAngstroms = 80...150
        parameters.contents.vesiclesPerCubicMicrometer = 300
        parameters.contents.vesicleRadiiInAngstroms = 300...500
        #expect(try TomogramSimulation(parameters).run().particles.isEmpty)
        parameters.contents.membraneAssembliesPerSquareMicrometer = 2000
        let tomogram = try TomogramSimulation(parameters).run()
        let labels = tomogram.labels.bytes
        let shape = tomogram.labels.shape
        let voxelSize = tomogram.parameters.voxelSizeInAngstroms
        #expect(tomogram.particles.count > 20)
        let membrane = labels.indices.filter { labels[$0] == SimulationClass.membrane.rawValue }.map { index in
            Point(Double(index % shape.x), Double(index / shape.x % shape.y), Double(index / shape.x / shape.y)) * voxelSize
        }
        let middle = Region(
            lower: Point(repeating: 200), upper: Point(Double(shape.x), Double(shape.y), Double(shape.z)) * voxelSize - 200)
        for particle in tomogram.particles where middle.contains(particle.center) {
            let distance = membrane.reduce(Double.infinity) { min($0, ($1 - particle.center).length) }
            #expect(distance < particle.radiusInAngstroms + 3 * voxelSize)
        }
    }

    @Test("leave room for ice only in the vacuum")
    func ice() throws {
        var parameters = parameters(seed: 4, fraction: 0.1)
        parameters.lamella.thicknessInAngstroms = 250
        parameters.contents.iceBlobsPerSquareMicrometer = 30
        let tomogram = try TomogramSimulation(parameters).run()
        let labels = tomogram.labels.bytes
        let inside = Set(tomogram.indicesInLamella())
        let ice = labels.indices.filter { labels[$0] == SimulationClass.ice.rawValue }
        #expect(ice.count > 1000)
        #expect(ice.allSatisfy { !inside.contains($0) })
        let values = tomogram.greyValues.floats()
        func mean(_ indices: some Sequence<Int>) -> Double {
            var (sum, count) = (0.0, 0.0)
            for index in indices { (sum, count) = (sum + Double(values[index]), count + 1) }
            return sum / count
        }
        // Ice is dark, the vacuum beside it is not.
        #expect(mean(ice) < mean(labels.indices.lazy.filter { labels[$0] == 0 && !inside.contains($0) }))
    }
}
