import Basics
import Catalog
import CatalogSchema
import Foundation
public import Volumes

/// How a file of points is understood, beside what it says itself.
public struct PointOptions: Sendable {
    /// How the names in the file become names of tomograms; nil for what they are.
    public var names: NameSubstitution?
    /// Whether z is mirrored: the points were picked in a tomogram of the other handedness.
    public var mirrorsZ: Bool
    /// The size in Å of the pixels that the coordinates count, which overrules the file; nil for what the file says.
    public var pixelSizeInAngstroms: Double?

    /// Options, of which each default leaves a file as it is.
    public init(names: NameSubstitution? = nil, mirrorsZ: Bool = false, pixelSizeInAngstroms: Double? = nil) {
        self.names = names
        self.mirrorsZ = mirrorsZ
        self.pixelSizeInAngstroms = pixelSizeInAngstroms
    }
}

/// The points of one file, which became annotations of all tomograms that it names.
public struct SpreadPoints: Sendable {
    /// By dataset and name of the tomograms.
    public let added: [(tomogram: String, annotation: AddedAnnotation)]
    /// Names in the file that no tomogram has, each with its points, in the order of the file.
    public let withoutTomogram: [(name: String, points: Int)]
    /// What is odd about the file, a sentence each; what is odd about one tomogram's points stands with that.
    public let remarks: [String]
}

extension Project {
    /// Adds the points of one file to all tomograms that it names, in one pass over the file. Annotations of the same file are
    /// replaced. All are added, or none.
    ///
    /// - Parameters:
    ///   - path: a file of points, each of which names its tomogram.
    ///   - dataset: only tomograms of this dataset; nil for all.
    ///   - convention: the meaning of coordinates, where the file does not say.
    /// - Throws: `VolumeError` where the file cannot be read; `CatalogError` where it names no tomogram of the catalog, a name
    ///   can mean several, or most points of a tomogram lie outside of it.
    public func annotateAll(
        points path: String, classes: [String], radiusInAngstroms: Double?, convention: CoordinateConvention? = nil,
        options: PointOptions = PointOptions(), dataset: String? = nil
    ) throws -> SpreadPoints {
        let tomograms = try dataset.map { try catalog.collection.tomograms(inDataset: $0) } ?? catalog.collection.tomograms()
        guard !tomograms.isEmpty else {
            throw CatalogError(
                .notFound,
                dataset.map { "there is no tomogram in a dataset \($0); `cellar list datasets` shows what there is" }
                    ?? "there are no tomograms; `cellar add` brings them")
        }
        let file = try PointAnnotations(
            path: path, classes: classes, radiusInAngstroms: radiusInAngstroms, convention: convention, options: options)
        let (spread, withoutTomogram) = try file.spread(over: tomograms.map { ($0.name, try $0.requiredID) })
        let made = try spread.map { part in
            let target = try PointAnnotations.Target(tomograms[part.tomogram], in: catalog.collection)
            return (target: target, made: try file.annotation(of: part.points, in: target))
        }
        let ids = try catalog.collection.annotate(made.map { ($0.target.id, $0.made.annotation) })
        let added = zip(made, ids).map { part, id in
            (
                tomogram: part.target.name,
                annotation: AddedAnnotation(id: id, annotation: part.made.annotation, remarks: part.made.remarks)
            )
        }
        return SpreadPoints(added: added, withoutTomogram: withoutTomogram, remarks: file.remarks)
    }
}

/// A file of points that becomes annotations: which of its points belong to a tomogram, and where they are in it.
struct PointAnnotations {
    /// A tomogram, as its points need it.
    struct Target {
        let id: Int64
        let name: String
        let shape: VolumeShape?
        let voxelSize: VoxelSize?

        /// One that is not in the catalog yet.
        init(_ tomogram: NewTomogram, voxelSize: VoxelSize?) {
            (id, name, shape, self.voxelSize) = (0, tomogram.name, tomogram.shape, voxelSize)
        }

        init(_ record: TomogramRecord, in collection: Catalog.Collection) throws {
            id = try record.requiredID
            name = record.name
            shape = try collection.shape(ofTomogram: id)
            voxelSize = try collection.effectiveVoxelSize(ofTomogram: id)
        }
    }

    private let path: String
    private let classes: [String]
    private let radiusInAngstroms: Double?
    private let options: PointOptions
    private let content: PointSet

    /// What is odd about the file, a sentence each.
    var remarks: [String] { content.notes.map { "\(path): \($0)" } }

    /// Reads the file.
    ///
    /// - Parameter classes: a point belongs to the one class, or to the one that the file names for it.
    init(
        path: String, classes: [String], radiusInAngstroms: Double?, convention: CoordinateConvention?, options: PointOptions
    ) throws {
        (self.path, self.classes, self.radiusInAngstroms, self.options) = (path, classes, radiusInAngstroms, options)
        var set = try PointFile.read(path, convention: convention)
        if let size = options.pixelSizeInAngstroms {
            guard [.relion, .voxel].contains(set.convention) else {
                throw CatalogError(
                    .invalid,
                    "\(path) has coordinates of the convention \(set.convention.rawValue), which have no pixel size; leave out "
                        + "--pixel-size, or give --convention voxel or relion")
            }
            (set.convention, set.pixelSizeInAngstroms) = (.relion, size)
        }
        content = set
    }

    /// The annotation of one tomogram: the points that name it, and those that name none.
    ///
    /// - Throws: `CatalogError` where the file has points, but none of this tomogram.
    func annotation(of target: Target) throws -> (annotation: NewAnnotation, remarks: [String]) {
        let names = TomogramNameMatch.names(
            content.tomogramNames.map(\.name), for: target.name, substitution: options.names)
        guard names.count <= 1 else {
            throw CatalogError(
                .ambiguous,
                "\(path) has points of \(names.prefix(8).joined(separator: ", ")), which can all mean \(target.name); give --names to tell "
                    + "them apart")
        }
        let mine = content.points.filter { point in point.tomogramName.map { names.contains($0) } ?? true }
        guard !mine.isEmpty || content.points.isEmpty else {
            throw CatalogError(.invalid, "\(path) has no point of a tomogram named \(target.name); \(namesOfFile)")
        }
        let (annotation, remarks) = try annotation(of: mine, in: target)
        return (annotation, self.remarks + remarks)
    }

    /// The annotation of a tomogram by all points of the file, whatever tomogram they name: the file's place says whose they are.
    func annotationOfAll(in target: Target) throws -> (annotation: NewAnnotation, remarks: [String]) {
        try annotation(of: content.points, in: target)
    }

    /// The points of each tomogram that the file names, as indices in the list of tomograms, and the names of none.
    ///
    /// - Throws: `CatalogError` where a name can mean several tomograms, two names mean one, points have no name, or no name means
    ///   a tomogram.
    func spread(over tomograms: [(name: String, id: Int64)]) throws -> (
        parts: [(tomogram: Int, points: [PickedPoint])], withoutTomogram: [(name: String, points: Int)]
    ) {
        let unnamed = content.points.count { $0.tomogramName == nil }
        guard unnamed == 0 else {
            throw CatalogError(
                .invalid,
                "\(path) has \(unnamed) points that name no tomogram; name the tomogram that they are of instead of --all")
        }
        let match = TomogramNameMatch(tomograms: tomograms.map(\.name), substitution: options.names)
        var (tomogramOfName, nameOfTomogram): ([String: Int], [Int: String]) = ([:], [:])
        var withoutTomogram: [(name: String, points: Int)] = []
        for (name, points) in content.tomogramNames {
            let found = match.indices(of: name)
            guard let index = found.first else {
                withoutTomogram.append((name, points))
                continue
            }
            guard found.count == 1 else {
                let list = found.prefix(8).map { "\(tomograms[$0].name) (\(CatalogReference.idPrefix)\(tomograms[$0].id))" }
                throw CatalogError(
                    .ambiguous,
                    "\(path): \(name) can mean the tomograms \(list.joined(separator: ", ")); give --dataset, or --names to tell them apart"
                )
            }
            if let other = nameOfTomogram[index] {
                throw CatalogError(
                    .ambiguous,
                    "\(path): \(other) and \(name) both mean the tomogram \(tomograms[index].name); give --names to tell them apart"
                )
            }
            (tomogramOfName[name], nameOfTomogram[index]) = (index, name)
        }
        guard !tomogramOfName.isEmpty else {
            throw CatalogError(.invalid, "\(path) has no point of a tomogram in question; \(namesOfFile)")
        }
        var points: [Int: [PickedPoint]] = [:]
        for point in content.points {
            if let index = point.tomogramName.flatMap({ tomogramOfName[$0] }) { points[index, default: []].append(point) }
        }
        return (points.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, withoutTomogram)
    }

    /// The names of tomograms that the file has, as a clause with what to do.
    private var namesOfFile: String {
        let names = content.tomogramNames
        guard !names.isEmpty else { return "its points name no tomogram" }
        let list = names.prefix(8).map { "\($0.name) (\($0.points))" } + (names.count > 8 ? ["\(names.count - 8) others"] : [])
        return "it names \(list.joined(separator: ", ")); --names 'PATTERN=REPLACEMENT' changes names"
    }

    // MARK: Points of one tomogram

    /// The annotation of some points of the file, which are of one tomogram.
    ///
    /// - Throws: `CatalogError` where a point has another class, most points lie outside of the tomogram, or coordinates cannot be
    ///   converted for want of a voxel size.
    func annotation(of points: [PickedPoint], in target: Target) throws -> (annotation: NewAnnotation, remarks: [String]) {
        var mine = content
        mine.points = points
        let (placed, remarks) = try place(mine, in: target)
        let stored = try placed.points.map { point in
            // One class takes all points; of several, each point must say which.
            let name = classes.count == 1 ? classes[0] : point.className ?? ""
            guard classes.contains(name) else {
                throw CatalogError(
                    .invalid,
                    "\(path) has a point of class \"\(name)\", which is none of \(classes.joined(separator: ", ")); name it with --class "
                        + "as well")
            }
            return NewAnnotation.Point(x: point.x, y: point.y, z: point.z, className: name, score: point.score)
        }
        let text = stored.map { "\($0.x) \($0.y) \($0.z) \($0.className) \($0.score.map { "\($0)" } ?? "")" }.joined(
            separator: "\n")
        let annotation = NewAnnotation(
            kind: .points, location: VolumeLocation(path: URL(fileURLWithPath: path).standardizedFileURL.path),
            convention: placed.convention.rawValue,
            classes: classes.map { NewAnnotation.Class(name: $0, radiusInAngstroms: radiusInAngstroms) }, points: stored,
            contentDigest: Digest(of: text.utf8))
        return (annotation, remarks.map { "\(path): \($0)" })
    }

    /// Points in coordinates that need nothing but the tomogram's voxel size and shape: pixels, middles and shifts of the file's own
    /// are converted to Å here, where they are known, and mirrored points are mirrored.
    private func place(_ set: PointSet, in target: Target) throws -> (PointSet, remarks: [String]) {
        guard let shape = target.shape else {
            guard !options.mirrorsZ, set.points.allSatisfy({ $0.shiftInAngstroms == .zero }) else {
                throw CatalogError(.invalid, "\(path) cannot be converted: the size of \(target.name) is not known; add it again")
            }
            return (set, [])
        }
        var remarks: [String] = []
        if let sentence = set.middleSentence(voxelSize: target.voxelSize, shape: shape) { remarks.append(sentence) }
        if let placement = PointPlacement(set, voxelSize: target.voxelSize, shape: shape),
            let clause = placement.clause(of: target.name, shape: shape)
        {
            guard !placement.isWrong else { throw refusal(placement, clause, target) }
            remarks.append(clause)
        }
        if options.mirrorsZ {
            guard let mirrored = set.mirroredAlongZ(voxelSize: target.voxelSize, shape: shape) else {
                throw CatalogError(
                    .invalid,
                    "\(target.name) has no voxel size, without which \(path) cannot be mirrored; add it again with --voxel-size")
            }
            return (mirrored, remarks)
        }
        let hasOwnPixels = set.convention == .relion && set.pixelSizeInAngstroms != nil
        guard hasOwnPixels || set.convention == .relion5Centered || set.convention == .angstrom,
            let anyVoxelSize = VoxelSize(cubicInAngstroms: 1)
        else {
            if set.points.contains(where: { $0.shiftInAngstroms != .zero }) {
                throw CatalogError(
                    .invalid,
                    "\(path) has shifts in Å beside coordinates in \(set.convention.rawValue), and does not say how large a pixel is; "
                        + "give --pixel-size, or write coordinates in Å, and give --convention angstrom")
            }
            return (set, remarks)
        }
        // None of these depends on the tomogram's voxel size: a middle that the file states is in Å.
        let statesMiddle = set.points.contains { set.middlesInAngstroms[$0.tomogramName ?? ""] != nil }
        let convention = hasOwnPixels || statesMiddle ? .angstrom : set.convention
        return (set.converted(to: convention, voxelSize: anyVoxelSize, shape: shape), remarks)
    }

    private func refusal(_ placement: PointPlacement, _ clause: String, _ target: Target) -> CatalogError {
        let size = target.voxelSize.map { " (\($0))" } ?? ""
        guard let cause = placement.cause else {
            return CatalogError(
                .invalid,
                "\(path): \(clause)\(size), and no usual mistake explains it: look at the convention and at the tomogram's voxel size"
            )
        }
        return CatalogError(.invalid, "\(path): \(clause)\(size); they would lie inside if \(cause): \(cause.advice)")
    }
}

extension PointPlacement.Cause {
    /// What to do, where this is the cause.
    fileprivate var advice: String {
        switch self {
        case .voxelsInsteadOfPixels, .voxels: "give --convention \(CoordinateConvention.voxel.rawValue)"
        case .smallerPixels(let size?, _): "give --pixel-size \(size)"
        case .smallerPixels(nil, _): "add the tomogram again with --voxel-size, and give --pixel-size"
        case .angstroms, .uncentred: "give --convention \(CoordinateConvention.angstrom.rawValue)"
        case .centredAngstroms: "give --convention \(CoordinateConvention.relion5Centered.rawValue)"
        case .centredVoxels: "add half of the tomogram's size to them"
        case .oppositeZ: "change the sign in the file"
        case .exchangedAxes: "exchange the columns of the file"
        case .largerVoxels(let size): "add the tomogram again with --voxel-size \(size), or divide the coordinates"
        }
    }
}
