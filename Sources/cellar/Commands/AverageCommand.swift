import ArgumentParser
import Catalog
import CellarKit
import Synchronization

struct AverageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "average", abstract: "Align particles, and average them.",
        discussion: """
            Particles are turned and moved until they fit their average, over what the tilt series measured (descriptors.tilt and axis of the \
            recipe). Two halves are aligned apart from one another, and where their averages no longer agree (correlation 0.143) is the \
            resolution. The folder receives average.mrc, half1.mrc and half2.mrc with bright structures, fsc.csv, particles.star for \
            RELION 5 with angles, and the same for copick in ExperimentRuns: the folder can be the overlay_root of a project.

            cellar average ribosomes --where "kind_name = 'ribosome'"
            cellar average large --where "class = 'macromolecule' AND confidence > 0.9" --count 500 --radius 140

            It is a look at what a kind is, and no refinement: symmetry is not used, contrast is not corrected, and it stops at the voxels. The hand, \
            and how the average lies, are arbitrary.
            """)

    @Argument(help: "The folder that receives the files.", completion: .directory)
    var directory: String

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Only particles for which an SQL expression over the columns of v_object, as the step measure-picks gives them, is true.",
            valueName: "sql"))
    var expression: String?

    @Option(help: "The most particles; of more, as many are drawn.")
    var count: WholeNumber<1, 1000> = 200

    @Option(
        help: ArgumentHelp(
            "The radius around a particle that is aligned; that of descriptors in the recipe, if not given.", valueName: "Å"))
    var radius: RealNumber<AverageRadius>?

    @Option(help: "Decides which particles are drawn, and on the halves.")
    var seed: UInt64 = 1

    @OptionGroup var writingOptions: WritingOptions
    @OptionGroup var progressOptions: ProgressOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let files = try writingOptions.files(at: "\(directory)/average.mrc", knownTo: project.directory)
        var options = AveragingOptions()
        (options.count, options.radiusInAngstroms, options.seed) = (count.value, radius?.value, seed)
        let line = progressOptions.line("average")
        defer { line.clear() }
        let result = try project.averageParticles(where: expression, to: directory, files: files, options: options) { part in
            var report = ProgressReport(what: "aligning")
            report.fraction = part
            line.show(report)
        }
        line.clear()
        let size = (result.voxelSizeInAngstroms * 100).rounded() / 100
        print(
            "\(directory): \(result.particles) of \(result.candidates) particles in \(result.tomograms) "
                + "\(result.tomograms == 1 ? "tomogram" : "tomograms"), \(result.side)³ voxels of \(size) Å")
        if let resolution = result.resolutionInAngstroms {
            print(
                "  resolution \((resolution * 10).rounded() / 10) Å by two halves, correlation 0.143\(result.isLimitedByVoxels ? "; voxels limit it" : "")"
            )
        }
        if result.isWithinReachOfNoise {
            note(
                result.particles == 1
                    ? "One particle has no halves, and so no resolution."
                    : "Noise would agree as far, since both halves began with one reference: this is no evidence of a common structure."
            )
        }
    }
}

/// The radius around a particle, in Å.
enum AverageRadius: RealQuantity { static let range = 10.0...5000 }
