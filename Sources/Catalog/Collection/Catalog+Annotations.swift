import CatalogSchema
import GRDB
import Volumes

extension Catalog {
    /// Adds an annotation to a tomogram, or replaces the one from the same file.
    ///
    /// - Throws: ``CatalogError`` where a class is named twice, or a point is of no class of the annotation.
    @discardableResult
    public func annotate(tomogramID: Int64, with new: NewAnnotation) throws -> Int64 {
        let names = new.classes.map(\.name)
        guard !names.isEmpty, Set(names).count == names.count else {
            throw CatalogError(.invalid, "an annotation has at least one class, and names each one once")
        }
        if let point = new.points.first(where: { !names.contains($0.className) }) {
            throw CatalogError(.invalid, "a point is of class \(point.className), which the annotation does not have")
        }
        let digest = digest(of: new)
        return try write { db in
            let known = try Int64.fetchOne(
                db,
                sql: "SELECT id FROM annotation WHERE tomogram_id = ? AND kind = ? AND path = ? AND ifnull(member, '') = ?",
                arguments: [tomogramID, new.kind, new.location.path, new.location.member ?? ""])
            var record = AnnotationRecord(
                id: known, tomogramId: tomogramID, kind: new.kind, location: new.location, convention: new.convention,
                digest: digest, addedAt: Timestamp.now)
            if known == nil {
                try record.insert(db)
                record.id = db.lastInsertedRowID
            } else {
                try record.update(db)
            }
            guard let id = record.id else { throw CatalogError(.storage, "the annotation got no id") }
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
    }

    /// The digest of everything about an annotation that a result can depend on.
    private func digest(of new: NewAnnotation) -> Digest {
        let classes = new.classes.sorted { $0.name < $1.name }.map { item in
            "\(item.name)\t\(item.value.map { "\($0)" } ?? "")\t\(item.radiusInAngstroms.map { "\($0)" } ?? "")"
        }
        let lines = ["cellar annotation 1", new.kind.rawValue, new.convention ?? "", new.contentDigest.hexadecimal] + classes
        return Digest(of: lines.joined(separator: "\n").utf8)
    }
}
