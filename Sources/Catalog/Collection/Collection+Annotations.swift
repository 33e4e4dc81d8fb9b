public import Basics
public import CatalogSchema
import GRDB
public import Volumes

/// An annotation to be added: a label volume, which stays where it is, or the points of a file.
public struct NewAnnotation: Sendable {
    /// A class by name, with its label value (labels) or its particles' radius (points).
    public struct Class: Sendable, Hashable {
        public var name: String
        public var value: Int64?
        public var radiusInAngstroms: Double?

        public init(name: String, value: Int64? = nil, radiusInAngstroms: Double? = nil) {
            self.name = name
            self.value = value
            self.radiusInAngstroms = radiusInAngstroms
        }
    }

    /// A point in the units and the convention of its file.
    public struct Point: Sendable, Hashable {
        public var x, y, z: Double
        public var className: String
        public var score: Double?

        public init(x: Double, y: Double, z: Double, className: String, score: Double? = nil) {
            self.x = x
            self.y = y
            self.z = z
            self.className = className
            self.score = score
        }
    }

    public var kind: AnnotationRecord.Kind
    public var location: VolumeLocation
    /// The convention of the points' coordinates; nil for labels.
    public var convention: String?
    public var classes: [Class]
    public var points: [Point]
    /// The digest of the label voxels, or of the points in the convention of their file.
    public var contentDigest: Digest
    /// Of a score map: the least value that is in the mask, whose voxels are the one class, of value 1. Nil where each value is a
    /// label, and for points.
    public var threshold: Double?
    /// Who made it, and which of the author's tries it is, as the collection that it comes from says; nil where nobody does. No result
    /// depends on them.
    public var author: String?
    public var session: String?

    public init(
        kind: AnnotationRecord.Kind, location: VolumeLocation, convention: String? = nil, classes: [Class], points: [Point] = [],
        contentDigest: Digest, threshold: Double? = nil, author: String? = nil, session: String? = nil
    ) {
        self.kind = kind
        self.location = location
        self.convention = convention
        self.classes = classes
        self.points = points
        self.contentDigest = contentDigest
        self.threshold = threshold
        self.author = author
        self.session = session
    }
}

extension Catalog {
    /// An annotation with its classes, and its points in the convention of their file.
    package struct AnnotationContent: Sendable {
        package var record: AnnotationRecord
        package var classes: [AnnotationClassRecord]
        package var points: [AnnotationPointRecord]
    }
}

extension Catalog.Collection {
    /// Adds an annotation to a tomogram, or replaces the one from the same file.
    ///
    /// - Returns: its id.
    /// - Throws: ``CatalogError`` where there is no such tomogram, there is no class, a class is named twice or has a radius
    ///   that is not positive, a point has a class that the annotation does not have or a coordinate that is not finite, labels
    ///   have a convention, or points have none, or a threshold does not go with one class of value 1.
    @discardableResult
    public func annotate(tomogramID: Int64, with new: NewAnnotation) throws -> Int64 {
        try annotate([(tomogramID, new)])[0]
    }

    /// Adds annotations to tomograms, or replaces those from the same files: all of them, or none.
    ///
    /// - Returns: their ids, in this order.
    /// - Throws: ``CatalogError`` as for one annotation.
    @discardableResult
    public func annotate(_ items: [(tomogramID: Int64, annotation: NewAnnotation)]) throws -> [Int64] {
        for item in items { try check(item.annotation) }
        return try database.write { db in
            try items.map { try write($0.annotation, tomogramID: $0.tomogramID, db) }
        }
    }

    private func write(_ new: NewAnnotation, tomogramID: Int64, _ db: Database) throws -> Int64 {
        guard try TomogramRecord.exists(db, key: tomogramID) else {
            throw CatalogError(.notFound, "there is no tomogram \(tomogramID); `cellar list tomograms` shows what there is")
        }
        let known = try Int64.fetchOne(
            db,
            sql: "SELECT id FROM annotation WHERE tomogram_id = ? AND kind = ? AND path = ? AND ifnull(member, '') = ?",
            arguments: [tomogramID, new.kind, new.location.path, new.location.member ?? ""])
        var record = AnnotationRecord(
            id: known, tomogramId: tomogramID, kind: new.kind, location: new.location, convention: new.convention,
            digest: digest(of: new), addedAt: Timestamp.now, threshold: new.threshold, author: new.author, session: new.session)
        if known == nil {
            try record.insert(db)
            record.id = db.lastInsertedRowID
        } else {
            try record.update(db)
        }
        guard let id = record.id else { throw CatalogError(mistake: .storage, "the annotation got no id") }
        try db.execute(sql: "DELETE FROM annotation_class WHERE annotation_id = ?", arguments: [id])
        try db.execute(sql: "DELETE FROM annotation_point WHERE annotation_id = ?", arguments: [id])
        for item in new.classes {
            try AnnotationClassRecord(
                annotationId: id, name: item.name, value: item.value, radiusAngstrom: item.radiusInAngstroms
            ).insert(db)
        }
        for (ordinal, point) in new.points.enumerated() {
            try AnnotationPointRecord(
                annotationId: id, ordinal: ordinal, x: point.x, y: point.y, z: point.z, class: point.className,
                score: point.score
            ).insert(db)
        }
        return id
    }

    /// The content of an annotation; nil where there is none of that id.
    package func annotationContent(id: Int64) throws -> Catalog.AnnotationContent? {
        try database.read { db -> Catalog.AnnotationContent? in
            guard let record = try AnnotationRecord.fetchOne(db, key: id) else { return nil }
            return Catalog.AnnotationContent(
                record: record,
                classes: try AnnotationClassRecord.fetchAll(
                    db, sql: "SELECT * FROM annotation_class WHERE annotation_id = ? ORDER BY name", arguments: [id]),
                points: try AnnotationPointRecord.fetchAll(
                    db, sql: "SELECT * FROM annotation_point WHERE annotation_id = ? ORDER BY ordinal", arguments: [id]))
        }
    }

    private func check(_ new: NewAnnotation) throws(CatalogError) {
        let names = Set(new.classes.map(\.name))
        guard !names.isEmpty, names.count == new.classes.count else {
            throw CatalogError(.invalid, "an annotation has no class, or one twice; name at least one, and each once")
        }
        for item in new.classes {
            guard !item.name.isEmpty, !item.name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
            else {
                throw CatalogError(
                    .invalid, "\"\(item.name)\" cannot be a class: a name is not empty and holds no line ends or tabs")
            }
            if let radius = item.radiusInAngstroms, !(radius > 0 && radius.isFinite) {
                throw CatalogError(.invalid, "the class \(item.name) cannot have the radius \(radius) Å; it must be more than 0")
            }
        }
        guard new.author?.isEmpty != true, new.session?.isEmpty != true else {
            throw CatalogError(
                .invalid, "the author or session of an annotation is not empty; leave it out where nobody is known")
        }
        for point in new.points {
            guard names.contains(point.className) else {
                throw CatalogError(
                    .invalid, "a point is of class \(point.className), which the annotation does not have; name it as well")
            }
            guard [point.x, point.y, point.z, point.score ?? 0].allSatisfy(\.isFinite) else {
                throw CatalogError(
                    .invalid,
                    "a point of \(new.location) is at (\(point.x), \(point.y), \(point.z)), which is nowhere; coordinates and scores "
                        + "must be finite numbers")
            }
        }
        guard (new.kind == .points) == (new.convention != nil) else {
            throw CatalogError(.invalid, "an annotation has the wrong kind of convention; give points one, and labels none")
        }
        if let threshold = new.threshold {
            guard new.kind == .labels, threshold.isFinite, new.classes.map(\.value) == [1] else {
                throw CatalogError(
                    .invalid, "a threshold makes a mask of one class; give a finite number, and one class of value 1")
            }
        }
    }

    /// The digest of everything in an annotation that a result can depend on: kind, convention, content, classes and threshold.
    private func digest(of new: NewAnnotation) -> Digest {
        let classes = new.classes.sorted { $0.name < $1.name }.map { item in
            "\(item.name)\t\(item.value.map { "\($0)" } ?? "")\t\(item.radiusInAngstroms.map { "\($0)" } ?? "")"
        }
        // Without a threshold the lines are those of before there were thresholds.
        let lines =
            ["cellar annotation 1", new.kind.rawValue, new.convention ?? "", new.contentDigest.hexadecimal] + classes
            + (new.threshold.map { ["threshold\t\($0)"] } ?? [])
        return Digest(of: lines.joined(separator: "\n").utf8)
    }
}
