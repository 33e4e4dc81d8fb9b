import ArgumentParser
import CellarKit
import Foundation
import Simulation

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Write simulated tomograms of cell lamellae, with their truth.",
        discussion: """
            For trying out and for tests: membranes, organelles, ribosomes and smaller particles, filaments and gold, imaged with \
            contrast transfer, missing wedge and noise. Writes tomo_01.mrc, … and truth/tomo_01_labels.mrc, \
            truth/tomo_01_particles.csv and truth/tomo_01.json. The same seed gives the same tomograms.
            """)

    @Argument(help: "A folder; made where there is none.")
    var directory: String

    @Option(help: "How many.")
    var tomograms = 2

    @Option(help: ArgumentHelp("Voxels along x, y and z.", valueName: "x,y,z"))
    var size = VolumeSize(x: 256, y: 256, z: 64)

    @Option(help: "The seed of the first; each further one has the next.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("The voxel size in Å.", valueName: "Å"))
    var voxelSize = 13.48

    @Option(help: "Signal to noise ratio; drawn between 0.05 and 0.5 for each, if not given.")
    var snr: Double?

    @Flag(help: "Image with a phase plate near focus instead of defocus.")
    var phasePlate = false

    func validate() throws {
        guard (1...10_000).contains(tomograms) else { throw ValidationError("--tomograms lies between 1 and 10000.") }
    }

    func run() throws {
        for path in try Self.simulate(
            in: directory, count: tomograms, size: size, seed: seed, voxelSize: voxelSize, snr: snr, phasePlate: phasePlate)
        {
            print(path)
        }
    }

    /// Writes tomograms and their truth.
    ///
    /// - Returns: the paths of the tomograms.
    static func simulate(
        in directory: String, count: Int, size: VolumeSize, seed: UInt64, voxelSize: Double, snr: Double?, phasePlate: Bool
    ) throws -> [String] {
        let truth = "\(directory)/truth"
        try FileManager.default.createDirectory(atPath: truth, withIntermediateDirectories: true)
        return try (0..<count).map { index in
            var parameters = SimulationParameters()
            (parameters.x, parameters.y, parameters.z) = (size.x, size.y, size.z)
            parameters.voxelSizeInAngstroms = voxelSize
            parameters.seed = seed &+ UInt64(index)
            parameters.signalToNoiseRatio = snr
            if phasePlate { parameters.optics = .voltaPhasePlate }
            let simulation = try TomogramSimulation(parameters)
            let name = String(format: "tomo_%02d", index + 1)
            let line = StageLine("\(name) (\(index + 1)/\(count))")
            let result = simulation.run { line.show("\($0.stage.rawValue) \(Int($0.fractionCompleted * 100)) %") }
            line.clear()
            try write(result, name: name, in: directory, truth: truth, voxelSize: voxelSize)
            return "\(directory)/\(name).mrc"
        }
    }

    private static func write(
        _ tomogram: SimulatedTomogram, name: String, in directory: String, truth: String, voxelSize: Double
    ) throws {
        guard let edge = VoxelSize(cubicInAngstroms: voxelSize) else { return }
        let labels = ["Simulated by Cellar \(CellarCommand.version), seed \(tomogram.parameters.seed)"]
        for (path, voxels) in [("\(directory)/\(name).mrc", tomogram.density), ("\(truth)/\(name)_labels.mrc", tomogram.labels)] {
            let writer = try MRCWriter(
                path: path, shape: voxels.shape, scalarType: voxels.scalarType, voxelSize: edge, labels: labels)
            try writer.append(voxels)
            try writer.finish()
        }
        let points = tomogram.particles.map { particle in
            var point = PickedPoint(x: particle.xInAngstroms, y: particle.yInAngstroms, z: particle.zInAngstroms)
            point.className = particle.particleClass.name
            point.radiusInAngstroms = particle.radiusInAngstroms
            return point
        }
        try PointFile.write(
            PointSet(points: points, convention: .angstrom), to: "\(truth)/\(name)_particles.csv", voxelSize: edge,
            shape: tomogram.density.shape)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(tomogram.sidecar).write(to: URL(fileURLWithPath: "\(truth)/\(name).json"), options: .atomic)
    }
}

/// A size as people write it: `256,256,64`.
struct VolumeSize: ExpressibleByArgument, CustomStringConvertible {
    let x: Int
    let y: Int
    let z: Int

    init(x: Int, y: Int, z: Int) {
        self.x = x
        self.y = y
        self.z = z
    }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let x = parts[0], let y = parts[1], let z = parts[2] else { return nil }
        self.init(x: x, y: y, z: z)
    }

    var description: String { "\(x),\(y),\(z)" }
    var defaultValueDescription: String { description }
}
