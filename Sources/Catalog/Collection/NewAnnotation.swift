public import Basics
public import CatalogSchema
public import Volumes

/// An annotation that is to be added: a label volume that stays where it is, or the points of a file.
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
    /// How the points are written; nil for labels.
    public var convention: String?
    public var classes: [Class]
    public var points: [Point]
    /// The digest of the label voxels, or of the points as the file has them.
    public var contentDigest: Digest

    public init(
        kind: AnnotationRecord.Kind, location: VolumeLocation, convention: String? = nil, classes: [Class], points: [Point] = [],
        contentDigest: Digest
    ) {
        self.kind = kind
        self.location = location
        self.convention = convention
        self.classes = classes
        self.points = points
        self.contentDigest = contentDigest
    }
}
