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
            truth/tomo_01_surfaces.mrc (the heights of the lamella's two surfaces, in voxels), truth/tomo_01_particles.csv and \
            truth/tomo_01.json. The same seed gives the same tomograms. Where a file of one of these names is there, nothing is \
            written without --force.

            With --randomise each tomogram is a scene of its own, for training networks that carry over: voxel size and signal to noise \
            ratio, microscope and tilt series, the lamella, membranes, and particles of many shapes and sizes are drawn from wide ranges. \
            --voxel-size and --snr, where given, hold for all. truth/tomo_01.json has what was drawn.
            """)

    @Argument(help: "A folder; made where there is none.")
    var directory: String

    @Option(help: "How many.")
    var tomograms: WholeNumber<1, 10_000> = 2

    @Option(help: ArgumentHelp("Voxels along x, y and z.", valueName: "x,y,z"))
    var size = VolumeSize(x: 256, y: 256, z: 64)

    @Option(help: "The seed of the first; each further one has the next.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("The voxel size in Å; 13.48, or drawn with --randomise, if not given.", valueName: "Å"))
    var voxelSize: RealNumber<SimulatedVoxelSize>?

    @Option(help: "Signal to noise ratio; drawn for each, if not given: between 0.05 and 0.5, or 0.03 and 1 with --randomise.")
    var snr: RealNumber<SimulatedRatio>?

    @Flag(help: "Image with a phase plate near focus instead of defocus.")
    var phasePlate = false

    @Flag(help: "Draw a scene of its own for each: contents, lamella, microscope and tilt series.")
    var randomise = false

    @OptionGroup var progressOptions: ProgressOptions
    @OptionGroup var writingOptions: WritingOptions

    func validate() throws {
        guard !directory.isEmpty else { throw ValidationError("The folder has no name; give one.") }
        guard !(randomise && phasePlate) else {
            throw ValidationError("--randomise draws which scenes have a phase plate; leave out --phase-plate.")
        }
    }

    func run() throws {
        for path in try Self.write(
            collection, areReplaced: writingOptions.force, showing: progressOptions.line("simulate"))
        { print(path) }
    }

    private var collection: SimulatedCollection {
        guard randomise else {
            let parameters = Self.parameters(
                size: size, seed: seed, voxelSize: voxelSize?.value ?? 13.48, snr: snr?.value, phasePlate: phasePlate)
            return SimulatedCollection(directory: directory, count: tomograms.value, parameters: parameters)
        }
        var scenes = RandomisedScenes()
        if let voxelSize { scenes.voxelSizesInAngstroms = voxelSize.value...voxelSize.value }
        if let snr { scenes.signalToNoiseRatios = snr.value...snr.value }
        return SimulatedCollection(
            directory: directory, count: tomograms.value, scenes: scenes, seed: seed, x: size.x, y: size.y, z: size.z)
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

    /// Writes tomograms and their truth, and shows how far it is.
    ///
    /// - Returns: the paths of the tomograms.
    static func write(
        _ collection: SimulatedCollection, areReplaced: Bool, showing line: ProgressLine
    ) throws -> [String] {
        let outputs = try WritingOptions.files(
            at: "\(collection.directory)/\(SimulatedCollection.name(of: 0)).mrc", areReplaced: areReplaced)
        defer { line.clear() }
        return try collection.write(
            to: outputs, label: "Cellar \(CellarCommand.version)"
        ) { index, progress in
            var report = ProgressReport(
                done: index, of: collection.parameters.count,
                what: "\(SimulatedCollection.name(of: index)): \(progress.stage.rawValue)")
            report.fraction = (Double(index) + progress.fractionCompleted) / Double(max(1, collection.parameters.count))
            line.show(report)
        }
    }
}
