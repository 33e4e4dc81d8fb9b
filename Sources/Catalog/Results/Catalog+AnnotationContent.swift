package import CatalogSchema
import GRDB

extension Catalog {
    /// An annotation with its classes, and its points as its file has them.
    package struct AnnotationContent: Sendable {
        package var record: AnnotationRecord
        package var classes: [AnnotationClassRecord]
        package var points: [AnnotationPointRecord]
    }

    /// What an annotation says; nil where there is none of that id.
    package func annotationContent(id: Int64) throws -> AnnotationContent? {
        try read { db -> AnnotationContent? in
            guard let record = try AnnotationRecord.fetchOne(db, key: id) else { return nil }
            return AnnotationContent(
                record: record,
                classes: try AnnotationClassRecord.fetchAll(
                    db, sql: "SELECT * FROM annotation_class WHERE annotation_id = ? ORDER BY name", arguments: [id]),
                points: try AnnotationPointRecord.fetchAll(
                    db, sql: "SELECT * FROM annotation_point WHERE annotation_id = ? ORDER BY ordinal", arguments: [id]))
        }
    }
}
