import Basics
import Catalog
import Foundation
import Volumes

/// Reads the annotations of candidates, before anything is written.
struct CandidateAnnotations {
    /// What is known of an annotation's file: it may belong to several tomograms, and is read once.
    private enum Content {
        case points(PointAnnotations)
        /// The annotation is nil where no tomogram had its shape so far.
        case labels(VolumeShape, NewAnnotation?)
        /// It was said why.
        case refused
    }

    private let radii: ParticleRadii
    private var contents: [String: Content] = [:]
    /// The classes without a radius, with the number of their files.
    private var withoutRadius: [String: Int] = [:]

    /// What is odd, or left out, a sentence each.
    private(set) var remarks: [String] = []
    /// Which files cannot be read, a sentence each.
    private var unreadable: [String] = []

    init(_ radii: ParticleRadii) { self.radii = radii }

    /// Why annotations cannot be added, a sentence each.
    var refusals: [String] {
        unreadable
            + withoutRadius.sorted { $0.key < $1.key }.map { name, count in
                "\(count) file\(count == 1 ? "" : "s") of points of \(name): nothing says how large the particles are; "
                    + "--radius '\(name)=Å' gives their radius, --no-annotations leaves annotations out"
            }
    }

    /// The annotations of a tomogram that fit it.
    ///
    /// - Complexity: reads all voxels of each label volume once.
    mutating func read(_ candidate: TomogramCandidate, for tomogram: NewTomogram) -> [NewAnnotation] {
        candidate.annotations.compactMap { annotation in
            do {
                guard var new = try read(annotation, for: tomogram) else { return nil }
                (new.author, new.session) = (annotation.author, annotation.session)
                return new
            } catch {
                contents[annotation.path] = .refused
                unreadable.append(error.sentence)
                return nil
            }
        }
    }

    /// - Returns: nil where it was said why the tomogram does not get it.
    private mutating func read(_ candidate: AnnotationCandidate, for tomogram: NewTomogram) throws -> NewAnnotation? {
        let content = try contents[candidate.path] ?? first(candidate)
        contents[candidate.path] = content
        switch (content, candidate.content) {
        case (.points(let points), _):
            let target = PointAnnotations.Target(tomogram, voxelSize: tomogram.effectiveVoxelSize)
            let (annotation, remarks) = try points.annotationOfAll(in: target)
            self.remarks += remarks
            return annotation
        case (.labels(let shape, _), _) where shape != tomogram.shape:
            // Its voxels are not read where they do not fit.
            remarks.append(
                "\(candidate.path) is left out: it has \(shape) voxels, and the tomogram \(tomogram.name) has \(tomogram.shape)")
            return nil
        case (.labels(_, let annotation?), _): return annotation
        case (.labels(let shape, nil), .labels(let classes)):
            let (annotation, remarks) = try LabelFile(path: candidate.path, classes: classes).read(
                for: tomogram.name, shape: shape, voxelSize: tomogram.effectiveVoxelSize)
            self.remarks += remarks
            contents[candidate.path] = .labels(shape, annotation)
            return annotation
        case (.labels, .points), (.refused, _): return nil
        }
    }

    /// Looks at a file for the first time: reads points, and headers of label volumes.
    private mutating func first(_ candidate: AnnotationCandidate) throws -> Content {
        switch candidate.content {
        case .points(let name, let radius, let convention):
            guard let radius = radii[name] ?? radius else {
                withoutRadius[name, default: 0] += 1
                return .refused
            }
            let points = try PointAnnotations(
                path: candidate.path, classes: [name], radiusInAngstroms: radius, convention: convention, options: PointOptions())
            remarks += points.remarks
            return .points(points)
        case .labels: return .labels(try VolumeLocation(path: candidate.path).open().shape, nil)
        }
    }
}

/// The radii of particles, by class and for all classes that have none of their own.
public struct ParticleRadii: Sendable, Hashable {
    /// The radius in Å of classes that have none of their own; nil where nobody says.
    public var ofAllInAngstroms: Double?
    /// The radii in Å, by class.
    public var byClassInAngstroms: [String: Double]

    /// Radii in Å, none of which need be known.
    public init(ofAllInAngstroms: Double? = nil, byClassInAngstroms: [String: Double] = [:]) {
        self.ofAllInAngstroms = ofAllInAngstroms
        self.byClassInAngstroms = byClassInAngstroms
    }

    subscript(name: String) -> Double? { byClassInAngstroms[name] ?? ofAllInAngstroms }
}

extension NewTomogram {
    /// The voxel size that counts, before the dataset's.
    fileprivate var effectiveVoxelSize: VoxelSize? {
        userVoxelSize ?? headerVoxelSize ?? metadataVoxelSize ?? folderVoxelSize
    }
}
