import ArgumentParser
import Basics
import CellarKit
import Foundation

struct AnnotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "annotate", abstract: "Say where labels or points of a tomogram are.",
        discussion: """
            Labels are a volume of the tomogram's shape, in which each class has a value. A score map (probabilities, easymode's 0 \
            to 127) needs --threshold: what is at least that is of the class. With --threshold 1, numbered objects are one class. \
            Points are read from CSV, STAR (RELION 3, 4 and 5, Warp, STOPGAP), copick JSON or the CryoET Data Portal's ndjson, and \
            kept in the catalog. Annotating again from the same file replaces.

            cellar annotate TS_0008 --labels truth.mrc --class membrane=1 --class ribosome=2
            cellar annotate TS_0008 --labels scores.mrc --threshold 64 --class membrane
            cellar annotate TS_0008 --points picks.star --class ribosome --radius 125
            cellar annotate --all --points all.star --class ribosome --radius 125

            A file that names tomograms is compared with their names as they are, and else without folders and the endings \
            that programs add (.tomostar, _10.00Apx, _rec, _full, .mrc, .rec, .st, .ali). Points outside of the tomogram are \
            counted; where most lie outside, the file is refused with the likely cause.

            No convention mirrors z: Warp's tomograms and those of IMOD or AreTomo are mirror images along z, so points that \
            were picked in the other kind need --flip-z.
            """)

    @Argument(help: "A tomogram: its name, dataset/name, or id:N.")
    var tomogram: String?

    @Option(help: ArgumentHelp("A label volume.", valueName: "file"))
    var labels: String?

    @Option(help: ArgumentHelp("A file of points.", valueName: "file"))
    var points: String?

    @Option(
        name: .customLong("class"),
        help: ArgumentHelp(
            "A class, with its value in the label volume (1, if there is only one class).", valueName: "name[=value]"))
    var classes: [String]

    @Option(
        help: ArgumentHelp(
            "The labels are scores: voxels of at least this value are of the class, all others are ground.", valueName: "number"))
    var threshold: RealNumber<ScoreThreshold>?

    @Option(help: ArgumentHelp("The radius of the particles in Å.", valueName: "Å"))
    var radius: RealNumber<ParticleRadius>?

    @Option(
        help: ArgumentHelp(
            "What the coordinates mean, where the file does not say: \(CoordinateWord.all.joined(separator: ", ")).",
            valueName: "convention"))
    var convention: String?

    @Option(
        help: ArgumentHelp("The size in Å of the pixels that the coordinates count, which overrules the file.", valueName: "Å"))
    var pixelSize: RealNumber<PixelSize>?

    @Flag(help: "Mirror z (slice z becomes n − 1 − z): the points are of a tomogram of the other handedness.")
    var flipZ = false

    @Option(
        help: ArgumentHelp(
            "Change the names of tomograms in the file: a regular expression, and what stands for each match ($1 is a group), such as "
                + "'^run(\\d+)=TS_$1'.", valueName: "pattern=replacement"))
    var names: String?

    @Flag(help: "All tomograms that the file of points names, in one pass.")
    var all = false

    @Option(help: ArgumentHelp("With --all: only tomograms of this dataset.", valueName: "name"))
    var dataset: String?

    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        guard (labels == nil) != (points == nil) else {
            throw ValidationError("An annotation is either labels or points; give one of --labels and --points.")
        }
        if threshold != nil {
            guard labels != nil else { throw ValidationError("--threshold goes with --labels; leave it out.") }
            guard classes.count == 1, !classes[0].contains("=") else {
                throw ValidationError("With --threshold there is one --class, which has a name only; give --class NAME once.")
            }
        }
        guard all != (tomogram != nil) else {
            throw ValidationError("An annotation is of one tomogram or of all; name one, or give --all.")
        }
        if dataset != nil, !all { throw ValidationError("--dataset goes with --all; leave it out, or give --all.") }
        if points != nil {
            guard radius != nil else { throw ValidationError("--points needs --radius; give the particles' radius in Å.") }
            if classes.contains(where: { $0.contains("=") }) {
                throw ValidationError("With --points a class has a name only; leave out = and its value.")
            }
        } else if radius != nil || convention != nil || pixelSize != nil || flipZ || names != nil || all {
            throw ValidationError(
                "--radius, --convention, --pixel-size, --flip-z, --names and --all go with --points; leave them out.")
        }
        if let convention, CoordinateWord(convention) == nil {
            let words = CoordinateWord.all.joined(separator: ", ")
            throw ValidationError("\(convention) is no convention that is known here; give one of \(words).")
        }
        do { _ = try options() } catch { throw ValidationError("--names: \(error.message)") }
    }

    func run() throws {
        let project = try catalogOptions.open()
        if let program = word?.program {
            note(
                "coordinates are taken as those of \(program), and z is \(flipZ ? "mirrored" : "not mirrored"): tomograms of Warp, and of IMOD "
                    + "or AreTomo, are mirror images along z")
        }
        if let tomogram {
            let added = try project.annotate(tomogram, with: file())
            report(added, of: tomogram)
        } else {
            let spread = try project.annotateAll(
                points: points ?? "", classes: classes, radiusInAngstroms: radius?.value, convention: word?.convention,
                options: options(), dataset: dataset)
            for remark in spread.remarks { note(remark) }
            for part in spread.added { report(part.annotation, of: part.tomogram) }
            let count = spread.added.reduce(0) { $0 + $1.annotation.annotation.points.count }
            print("\(count) points in \(spread.added.count) tomogram\(spread.added.count == 1 ? "" : "s")")
            for (name, points) in spread.withoutTomogram { note("no tomogram is named \(name), which has \(points) points") }
        }
    }

    private func report(_ added: AddedAnnotation, of tomogram: String) {
        for remark in added.remarks { note(remark) }
        let annotation = added.annotation
        let count = annotation.points.count
        let what = annotation.kind == .points ? "\(count) point\(count == 1 ? "" : "s")" : "labels"
        print("annotation \(added.id): \(what) of \(tomogram), \(annotation.classes.map(\.name).joined(separator: ", "))")
    }

    private var word: CoordinateWord? { convention.flatMap { CoordinateWord($0) } }

    private func options() throws(VolumeError) -> PointOptions {
        PointOptions(
            names: try names.map { text throws(VolumeError) in try NameSubstitution(parsing: text) }, mirrorsZ: flipZ,
            pixelSizeInAngstroms: pixelSize?.value)
    }

    private func file() throws -> AnnotationFile {
        if let labels, let threshold { return .scores(labels, className: classes[0], threshold: threshold.value) }
        if let labels { return .labels(labels, values: try classes.map(parseClass)) }
        return .points(
            points ?? "", classes: classes, radiusInAngstroms: radius?.value, convention: word?.convention, options: try options()
        )
    }

    /// `membrane=2`, or `membrane` alone for 1.
    private func parseClass(_ text: String) throws -> (name: String, value: Int64) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 1, classes.count == 1 { return (text, 1) }
        guard parts.count == 2, let value = Int64(parts[1]) else {
            throw CatalogError(.invalid, "--class \(text) has no whole number as value; write --class name=value")
        }
        return (parts[0], value)
    }
}
