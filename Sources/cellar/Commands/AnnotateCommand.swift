import ArgumentParser
import Basics
import CellarKit
import Foundation

struct AnnotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "annotate", abstract: "Say where labels or points of a tomogram are.",
        discussion: """
            Labels are a volume of the tomogram's shape, in which each class has a value. Points are read from CSV, STAR \
            (RELION 3, 4 and 5) or copick JSON, and kept in the catalog. Annotating again from the same file replaces.

            cellar annotate TS_0008 --labels truth.mrc --class membrane=1 --class ribosome=2
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
        let catalog = try catalogOptions.open().catalog
        let record = try catalog.collection.tomogram(named: tomogram)
        guard let id = record.id else { return }
        let annotation =
            try labels.map { try readLabels($0, of: catalog, tomogramID: id) }
            ?? readPoints(points ?? "", tomogram: record.name, shape: catalog.collection.shape(ofTomogram: id))
        let annotationID = try catalog.collection.annotate(tomogramID: id, with: annotation)
        let what = annotation.kind == .points ? "\(annotation.points.count) points" : "labels"
        print("annotation \(annotationID): \(what) of \(tomogram), \(annotation.classes.map(\.name).joined(separator: ", "))")
    }

    private func readLabels(_ path: String, of catalog: Catalog, tomogramID: Int64) throws -> NewAnnotation {
        let parsed = VolumeLocation(parsing: path)
        let location = VolumeLocation(path: URL(fileURLWithPath: parsed.path).standardizedFileURL.path, member: parsed.member)
        let volume = try location.open()
        let shape = try catalog.collection.shape(ofTomogram: tomogramID)
        guard volume.shape == shape else {
            throw CatalogError(
                .invalid,
                "\(path) has \(volume.shape) voxels, and the tomogram \(tomogram) has \(shape.map { "\($0)" } ?? "none")")
        }
        if let own = volume.header.voxelSize, let size = try catalog.collection.effectiveVoxelSize(ofTomogram: tomogramID),
            abs(own.xInAngstroms - size.xInAngstroms) > 0.05 * size.xInAngstroms
        {
            note(
                "\(path) says that its voxels are \(own), and the tomogram's are \(size): as many, so each is taken for one of the tomogram's"
            )
        }
        let classes = try classes.map(parseClass)
        let survey = try VolumeSurvey.run(volume)
        if survey.histogram.binning != .float32 {
            for item in classes where !survey.histogram.keys.contains(where: { Int64($0) == item.value }) {
                note("no voxel of \(path) has the value \(item.value ?? 0) of class \(item.name)")
            }
            let named = Set(classes.map(\.value) + [0])
            let others = survey.histogram.keys.map { Int64($0) }.filter { !named.contains($0) }.sorted()
            if !others.isEmpty {
                let list = others.prefix(8).map { "\($0)" }.joined(separator: ", ") + (others.count > 8 ? ", …" : "")
                note(
                    "\(path) has voxels of the value \(list), which is no class: `evaluate` refuses them unless the recipe's "
                        + "evaluate.unnamed says what they are")
            }
        }
        return NewAnnotation(kind: .labels, location: location, classes: classes, contentDigest: survey.digest)
    }

    /// `membrane=2`, or `membrane` alone for 1.
    private func parseClass(_ text: String) throws -> NewAnnotation.Class {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 1, classes.count == 1 { return NewAnnotation.Class(name: text, value: 1) }
        guard parts.count == 2, let value = Int64(parts[1]) else {
            throw CatalogError(.invalid, "--class \(text) has no whole number as value; write --class name=value")
        }
        return NewAnnotation.Class(name: parts[0], value: value)
    }

    /// The points of a file in terms that need nothing but the tomogram's voxel size and shape: what a file says of its own
    /// pixels, and shifts, are taken into account here, where they are known.
    private func pointSet(_ path: String, shape: VolumeShape?) throws -> PointSet {
        let set = try PointFile.read(path, convention: convention.flatMap { CoordinateConvention(rawValue: $0) })
        let hasOwnPixels = set.convention == .relion && set.pixelSizeInAngstroms != nil
        guard hasOwnPixels || set.convention == .relion5Centered || set.convention == .angstrom, let shape,
            let anyVoxelSize = VoxelSize(cubicInAngstroms: 1)
        else {
            if set.points.contains(where: { $0.shiftInAngstroms != .zero }) {
                throw CatalogError(
                    .invalid,
                    "\(path) has shifts in Å beside coordinates in \(set.convention.rawValue), and does not say how large a pixel is; "
                        + "write coordinates in Å, and give --convention angstrom")
            }
            return set
        }
        // None of these three depends on the tomogram's voxel size.
        return set.converted(to: hasOwnPixels ? .angstrom : set.convention, voxelSize: anyVoxelSize, shape: shape)
    }

    private func readPoints(_ path: String, tomogram: String, shape: VolumeShape?) throws -> NewAnnotation {
        let set = try pointSet(path, shape: shape)
        for remark in set.notes { note("\(path): \(remark)") }
        // A table of several tomograms names them; only rows of this one count then.
        let mine = set.points.filter { $0.tomogramName == nil || $0.tomogramName == tomogram }
        guard !mine.isEmpty || set.points.isEmpty else {
            throw CatalogError(.invalid, "\(path) has no point of a tomogram named \(tomogram)")
        }
        let points = try mine.map { point in
            // One class takes all points; of several, each point must say which.
            let name = classes.count == 1 ? classes[0] : point.className ?? ""
            guard classes.contains(name) else {
                throw CatalogError(
                    .invalid, "\(path) has a point of class \"\(name)\", which is none of \(classes.joined(separator: ", "))")
            }
            return NewAnnotation.Point(x: point.x, y: point.y, z: point.z, className: name, score: point.score)
        }
        let text = points.map { "\($0.x) \($0.y) \($0.z) \($0.className) \($0.score.map { "\($0)" } ?? "")" }.joined(
            separator: "\n")
        return NewAnnotation(
            kind: .points, location: VolumeLocation(path: URL(fileURLWithPath: path).standardizedFileURL.path),
            convention: set.convention.rawValue,
            classes: classes.map { NewAnnotation.Class(name: $0, radiusInAngstroms: radius?.value) }, points: points,
            contentDigest: Digest(of: text.utf8))
    }
}
