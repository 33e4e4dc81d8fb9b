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
            truth/tomo_01_particles.csv and truth/tomo_01.json. The same seed gives the same tomograms. Where a file of one of these \
            names is there, nothing is written without --force.
            """)

    @Argument(help: "A folder; made where there is none.")
    var directory: String

    @Option(help: "How many.")
    var tomograms: WholeNumber<1, 10_000> = 2

    @Option(help: ArgumentHelp("Voxels along x, y and z.", valueName: "x,y,z"))
    var size = VolumeSize(x: 256, y: 256, z: 64)

    @Option(help: "The seed of the first; each further one has the next.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("The voxel size in Å.", valueName: "Å"))
    var voxelSize: RealNumber<SimulatedVoxelSize> = 13.48

    @Option(help: "Signal to noise ratio; drawn between 0.05 and 0.5 for each, if not given.")
    var snr: RealNumber<SimulatedRatio>?

    @Flag(help: "Image with a phase plate near focus instead of defocus.")
    var phasePlate = false

    @OptionGroup var writingOptions: WritingOptions

    func validate() throws {
        guard !directory.isEmpty else { throw ValidationError("The folder has no name.") }
    }

    func run() throws {
        let parameters = Self.parameters(
            size: size, seed: seed, voxelSize: voxelSize.value, snr: snr?.value, phasePlate: phasePlate)
        for path in try Self.simulate(
            in: directory, count: tomograms.value, parameters: parameters, areReplaced: writingOptions.force)
        {
            print(path)
        }
    }

    static func parameters(
        size: VolumeSize, seed: UInt64, voxelSize: Double = 13.48, snr: Double?, phasePlate: Bool = false
    ) -> SimulationParameters {
        var parameters = SimulationParameters()
        (parameters.x, parameters.y, parameters.z) = (size.x, size.y, size.z)
        parameters.voxelSizeInAngstroms = voxelSize
        parameters.seed = seed
        parameters.signalToNoiseRatio = snr
        if phasePlate { parameters.optics = .voltaPhasePlate }
        return parameters
    }

    /// The files of one tomogram.
    private struct Files {
        let name: String
        let density: OutputFile
        let labels: OutputFile
        let particles: OutputFile
        let sidecar: OutputFile

        init(_ name: String, in directory: String, _ files: OutputFiles) throws {
            self.name = name
            density = try files.file("\(directory)/\(name).mrc")
            labels = try files.file("\(directory)/truth/\(name)_labels.mrc")
            particles = try files.file("\(directory)/truth/\(name)_particles.csv")
            sidecar = try files.file("\(directory)/truth/\(name).json")
        }
    }

    /// Writes tomograms and their truth.
    ///
    /// - Parameter parameters: of the first; each further one has the next seed.
    /// - Returns: the paths of the tomograms.
    /// - Throws: ``SimulationError`` where the parameters cannot be simulated; then nothing is written.
    static func simulate(
        in directory: String, count: Int, parameters: SimulationParameters, areReplaced: Bool
    ) throws -> [String] {
        try parameters.validate()
        // All names are looked at before the first file is written.
        let outputs = try OutputFiles(at: "\(directory)/tomo_01.mrc", areReplaced: areReplaced)
        let files = try (1...count).map { try Files(String(format: "tomo_%02d", $0), in: directory, outputs) }
        try NewFolder.make("\(directory)/truth")
        return try files.enumerated().map { index, files in
            var parameters = parameters
            parameters.seed &+= UInt64(index)
            let simulation = try TomogramSimulation(parameters)
            let line = StageLine("\(files.name) (\(index + 1)/\(count))")
            let result = simulation.run { line.show("\($0.stage.rawValue) \(Int($0.fractionCompleted * 100)) %") }
            line.clear()
            try write(result, to: files)
            return files.density.path
        }
    }

    private static func write(_ tomogram: SimulatedTomogram, to files: Files) throws {
        guard let edge = VoxelSize(cubicInAngstroms: tomogram.parameters.voxelSizeInAngstroms) else { return }
        let labels = ["Simulated by Cellar \(CellarCommand.version), seed \(tomogram.parameters.seed)"]
        for (file, voxels) in [(files.density, tomogram.greyValues), (files.labels, tomogram.labels)] {
            let writer = try MRCWriter(
                file, shape: voxels.shape, scalarType: voxels.scalarType, voxelSize: edge, labels: labels)
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
            PointSet(points: points, convention: .angstrom), to: files.particles, voxelSize: edge,
            shape: tomogram.greyValues.shape)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try files.sidecar.write(Array(encoder.encode(tomogram.sidecar)))
    }
}

/// The edge of a voxel in Å.
enum SimulatedVoxelSize: RealQuantity { static let range = SimulationParameters.voxelSizesInAngstroms }

enum SimulatedRatio: RealQuantity { static let range = SimulationParameters.signalToNoiseRatios }

/// A size as people write it: `256,256,64`.
struct VolumeSize: ExpressibleByArgument, CustomStringConvertible {
    /// As large as can be simulated.
    private typealias Axis = WholeNumber<8, 16_384>

    let x: Int
    let y: Int
    let z: Int

    init(x: Int, y: Int, z: Int) {
        self.x = x
        self.y = y
        self.z = z
    }

    init?(argument: String) {
        let axes = argument.split(separator: ",", omittingEmptySubsequences: false).map { Axis(argument: String($0)) }
        guard axes.count == 3, let x = axes[0], let y = axes[1], let z = axes[2] else { return nil }
        self.init(x: x.value, y: y.value, z: z.value)
    }

    static var allValueStrings: [String] { ["x,y,z, each \(Axis.allValueStrings[0])"] }
    var description: String { "\(x),\(y),\(z)" }
}
