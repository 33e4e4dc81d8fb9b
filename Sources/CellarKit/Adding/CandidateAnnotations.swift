import Basics
import Catalog
import Foundation
import Volumes

/// Reads the annotations of candidates, before anything is written.
struct CandidateAnnotations {
    /// What is known of an annotation's file: it may belong to several tomograms, and is read once.
    private struct Content {
        let shape: VolumeShape?
        let annotation: NewAnnotation
        let remarks: [String]
    }

    private let radii: ParticleRadii
    private var contents: [String: Result<Content, CandidateHeaders.Refusal>] = [:]
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
            if contents[annotation.path] == nil { readOnce(annotation, for: tomogram) }
            guard case .success(let content)? = contents[annotation.path] else { return nil }
            if let shape = content.shape, shape != tomogram.shape {
                remarks.append(
                    "\(annotation.path) is left out: it has \(shape) voxels, and the tomogram \(tomogram.name) has \(tomogram.shape)")
                return nil
            }
            return content.annotation
        }
    }

    private mutating func readOnce(_ candidate: AnnotationCandidate, for tomogram: NewTomogram) {
        do {
            guard let content = try content(of: candidate, for: tomogram) else {
                contents[candidate.path] = .failure(CandidateHeaders.Refusal(sentence: ""))
                return
            }
            remarks += content.remarks
            contents[candidate.path] = .success(content)
        } catch {
            unreadable.append(error.sentence)
            contents[candidate.path] = .failure(CandidateHeaders.Refusal(sentence: error.sentence))
        }
    }

    /// - Returns: nil where it lacks a radius.
    private mutating func content(of candidate: AnnotationCandidate, for tomogram: NewTomogram) throws -> Content? {
        var (annotation, remarks): (NewAnnotation, [String])
        var shape: VolumeShape?
        switch candidate.content {
        case .points(let name, let radius, let convention):
            guard let radius = radii[name] ?? radius else {
                withoutRadius[name, default: 0] += 1
                return nil
            }
            (annotation, remarks) = try PointTable(
                path: candidate.path, classes: [name], radiusInAngstroms: radius, convention: convention
            ).read(rowsOf: nil, shape: tomogram.shape)
        case .labels(let classes):
            // Its voxels are not read where they do not fit.
            let own = try VolumeLocation(path: candidate.path).open().shape
            guard own == tomogram.shape else {
                let nothing = NewAnnotation(
                    kind: .labels, location: VolumeLocation(path: candidate.path), classes: [], contentDigest: Digest(of: []))
                return Content(shape: own, annotation: nothing, remarks: [])
            }
            shape = own
            (annotation, remarks) = try LabelFile(path: candidate.path, classes: classes).read(
                for: tomogram.name, shape: own, voxelSize: tomogram.effectiveVoxelSize)
        }
        (annotation.author, annotation.session) = (candidate.author, candidate.session)
        return Content(shape: shape, annotation: annotation, remarks: remarks)
    }
}

/// The radii of particles, by class and for all classes that have none of their own.
public struct ParticleRadii: Sendable, Hashable {
    public var ofAllInAngstroms: Double?
    public var byClassInAngstroms: [String: Double]

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
