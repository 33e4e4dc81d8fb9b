import Basics
public import Catalog
import CatalogSchema
import Foundation
public import Volumes

/// The labels or points of a tomogram in a file.
public enum AnnotationFile: Sendable {
    /// A volume of the tomogram's shape, in which each class has a value.
    case labels(String, values: [(name: String, value: Int64)])
    /// A score map of the tomogram's shape: voxels of at least the threshold are of the class. Numbered objects become one class by a
    /// threshold of 1.
    case scores(String, className: String, threshold: Double)
    /// A table of points: CSV, STAR, copick's JSON, or the CryoET Data Portal's ndjson. A point belongs to the one class, or to the one
    /// that the file names for it.
    ///
    /// - `radiusInAngstroms`: of the particles.
    /// - `convention`: the meaning of coordinates, where the file does not say.
    /// - `options`: what else overrules the file.
    case points(
        String, classes: [String], radiusInAngstroms: Double?, convention: CoordinateConvention?,
        options: PointOptions = PointOptions())
}

/// An annotation that was added.
public struct AddedAnnotation: Sendable {
    /// Its id in `v_annotation`.
    public let id: Int64
    /// What the catalog keeps of it: kind, classes, digest, points.
    public let annotation: NewAnnotation
    /// What is odd about the file, a sentence each.
    public let remarks: [String]
}

extension Project {
    /// Adds an annotation to a tomogram. One of the same file replaces the earlier one.
    ///
    /// - Parameter name: of the tomogram: its name, `dataset/name`, or `id:N`.
    /// - Throws: `VolumeError` where the file cannot be read, `CatalogError` where it does not fit the tomogram: a shape is
    ///   another, or more than half of the points lie outside.
    /// - Complexity: reads all voxels of a label volume twice, for its values and its digest.
    public func annotate(_ name: String, with file: AnnotationFile) throws -> AddedAnnotation {
        let tomogram = try catalog.collection.tomogram(named: name)
        let id = try tomogram.requiredID
        let shape = try catalog.collection.shape(ofTomogram: id)
        let (annotation, remarks): (NewAnnotation, [String])
        switch file {
        case .labels(let path, let values):
            let voxelSize = try catalog.collection.effectiveVoxelSize(ofTomogram: id)
            (annotation, remarks) = try LabelFile(path: path, classes: .named(values)).read(
                for: name, shape: shape, voxelSize: voxelSize)
        case .scores(let path, let className, let threshold):
            let voxelSize = try catalog.collection.effectiveVoxelSize(ofTomogram: id)
            (annotation, remarks) = try LabelFile(
                path: path, classes: .named([(name: className, value: Int64(1))]), threshold: threshold
            ).read(
                for: name, shape: shape, voxelSize: voxelSize)
        case .points(let path, let classes, let radius, let convention, let options):
            (annotation, remarks) = try PointAnnotations(
                path: path, classes: classes, radiusInAngstroms: radius, convention: convention, options: options
            ).annotation(of: PointAnnotations.Target(tomogram, in: catalog.collection))
        }
        return AddedAnnotation(
            id: try catalog.collection.annotate(tomogramID: id, with: annotation), annotation: annotation, remarks: remarks)
    }
}

/// A label volume, or a score map with its threshold, that becomes an annotation.
struct LabelFile {
    let path: String
    let classes: LabelClasses
    var threshold: Double?

    func read(
        for tomogram: String, shape: VolumeShape?, voxelSize: VoxelSize?
    ) throws -> (NewAnnotation, remarks: [String]) {
        let parsed = VolumeLocation(parsing: path)
        let location = VolumeLocation(path: URL(fileURLWithPath: parsed.path).standardizedFileURL.path, member: parsed.member)
        let volume = try location.open()
        guard volume.shape == shape else {
            throw CatalogError(
                .invalid,
                "\(path) has \(volume.shape) voxels, and the tomogram \(tomogram) has \(shape.map { "\($0)" } ?? "none"); give labels of "
                    + "its size")
        }
        var remarks: [String] = []
        if let own = volume.header.voxelSize, let size = voxelSize,
            abs(own.xInAngstroms - size.xInAngstroms) > 0.05 * size.xInAngstroms
        {
            remarks.append(
                "\(path) says that its voxels are \(own), and the tomogram's are \(size): as many, so each is taken for one of the tomogram's"
            )
        }
        if let chunks = try volume.storedChunks(), !chunks.isComplete {
            remarks.append("\(chunks.stored) of \(chunks.total) chunks of \(path) are there; the voxels of the others are ground")
        }
        let labels = try LabelVolume(volume, threshold: threshold)
        let survey = try labels.survey()
        let values = try classes.classes(of: survey.labels, path: path)
        if let complaint = survey.complaint(classes: values.map(\.value)) {
            throw CatalogError(
                .invalid,
                "\(path) \(complaint); these look like scores: --threshold T makes a mask of what is at least T (1 makes one class of "
                    + "numbered objects)")
        }
        remarks += labels.notes.map { "\(path): \($0)" } + self.remarks(on: survey, values)
        let classes = values.map { NewAnnotation.Class(name: $0.name, value: $0.value) }
        return (
            NewAnnotation(
                kind: .labels, location: location, classes: classes, contentDigest: try contentDigest(labels, of: volume),
                threshold: threshold), remarks
        )
    }

    /// The digest of the voxels, and of what is added to them.
    private func contentDigest(_ labels: LabelVolume, of volume: any Volume) throws -> Digest {
        let digest = try VolumeSurvey.run(volume).digest
        return labels.offset == 0 ? digest : Digest(of: "cellar labels 1\n\(labels.offset)\n\(digest.hexadecimal)".utf8)
    }

    /// Classes without a voxel, and voxels without a class.
    private func remarks(on survey: LabelSurvey, _ values: [(name: String, value: Int64)]) -> [String] {
        if let threshold {
            let count = survey.counts[1] ?? 0
            return count > 0 ? [] : ["no voxel of \(path) is at least \(threshold)"]
        }
        var remarks = values.filter { survey.counts[$0.value] == nil }.map { item in
            "no voxel of \(path) has the value \(item.value) of class \(item.name)"
        }
        let others = survey.others(besides: values.map(\.value))
        if !others.isEmpty {
            remarks.append(
                "\(path) has voxels of the value \(LabelClasses.list(others)), which is no class: `evaluate` refuses them unless the recipe's "
                    + "evaluate.unnamed says what they are")
        }
        return remarks
    }
}
