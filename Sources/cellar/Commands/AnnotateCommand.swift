import ArgumentParser
import Basics
import CellarKit
import Foundation

struct AnnotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "annotate", abstract: "Say where labels or points of a tomogram are.",
        discussion: """
            Labels are a volume of the tomogram's shape, in which each class has a value. A score map (probabilities, easymode's 0 \
            to 127) needs --threshold: what is at least that is of the class. With --threshold 1, numbered objects are one class. Points are read from CSV, STAR \
            (RELION 3, 4 and 5) or copick JSON, and kept in the catalog. Annotating again from the same file replaces.

            cellar annotate TS_0008 --labels truth.mrc --class membrane=1 --class ribosome=2
            cellar annotate TS_0008 --labels scores.mrc --threshold 64 --class membrane
            cellar annotate TS_0008 --points picks.star --class ribosome --radius 125
            """)

    @Argument(help: "A tomogram: its name, dataset/name, or id:N.")
    var tomogram: String

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
            "What the coordinates mean, where the file does not say: "
                + CoordinateConvention.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "convention"))
    var convention: String?

    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        guard (labels == nil) != (points == nil) else { throw ValidationError("Give either --labels or --points.") }
        if threshold != nil {
            guard labels != nil else { throw ValidationError("--threshold goes with --labels.") }
            guard classes.count == 1, !classes[0].contains("=") else {
                throw ValidationError("With --threshold there is one --class, which has a name only.")
            }
        }
        if points != nil {
            guard radius != nil else { throw ValidationError("--points needs --radius: the particles' radius in Å.") }
            if classes.contains(where: { $0.contains("=") }) { throw ValidationError("With --points a class has a name only.") }
        } else if radius != nil || convention != nil {
            throw ValidationError("--radius and --convention go with --points.")
        }
        if let convention, CoordinateConvention(rawValue: convention) == nil {
            throw ValidationError("\(convention) is no convention that is known here.")
        }
    }

    func run() throws {
        let added = try catalogOptions.open().annotate(tomogram, with: file())
        for remark in added.remarks { note(remark) }
        let annotation = added.annotation
        let what = annotation.kind == .points ? "\(annotation.points.count) points" : "labels"
        print("annotation \(added.id): \(what) of \(tomogram), \(annotation.classes.map(\.name).joined(separator: ", "))")
    }

    private func file() throws -> AnnotationFile {
        if let labels, let threshold { return .scores(labels, className: classes[0], threshold: threshold.value) }
        if let labels { return .labels(labels, values: try classes.map(parseClass)) }
        return .points(
            points ?? "", classes: classes, radiusInAngstroms: radius?.value,
            convention: convention.flatMap { CoordinateConvention(rawValue: $0) })
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
