import GRDB

/// A point of an annotation, as its file has it: in the units and the convention of the file.
public struct AnnotationPointRecord: CatalogRecord {
    public static let databaseTableName = "annotation_point"

    public var annotationId: Int64
    public var ordinal: Int
    public var x: Double
    public var y: Double
    public var z: Double
    public var `class`: String
    public var score: Double?

    public init(annotationId: Int64, ordinal: Int, x: Double, y: Double, z: Double, class: String, score: Double?) {
        self.annotationId = annotationId
        self.ordinal = ordinal
        self.x = x
        self.y = y
        self.z = z
        self.class = `class`
        self.score = score
    }
}
