import GRDB

/// A class of an annotation: its label value, or the radius of its particles.
public struct AnnotationClassRecord: CatalogRecord {
    public static let databaseTableName = "annotation_class"

    public var annotationId: Int64
    public var name: String
    /// The label value; nil for points.
    public var value: Int64?
    /// nil for labels.
    public var radiusAngstrom: Double?

    public init(annotationId: Int64, name: String, value: Int64?, radiusAngstrom: Double?) {
        self.annotationId = annotationId
        self.name = name
        self.value = value
        self.radiusAngstrom = radiusAngstrom
    }
}
