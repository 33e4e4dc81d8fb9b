public import Basics
public import GRDB
public import Volumes

/// A dataset: tomograms under one name.
public struct DatasetRecord: CatalogRecord {
    public static let databaseTableName = "dataset"

    public var id: Int64?
    public var name: String
    /// The voxel size of its tomograms that have no other, neither in the header nor from the user; nil where nobody gave one.
    public var voxelSizeAngstrom: Double?
    public var createdAt: String

    public init(id: Int64? = nil, name: String, voxelSizeAngstrom: Double? = nil, createdAt: String) {
        self.id = id
        self.name = name
        self.voxelSizeAngstrom = voxelSizeAngstrom
        self.createdAt = createdAt
    }
}

/// A tomogram: where its file is, and what its header said when it was added.
public struct TomogramRecord: CatalogRecord {
    public static let databaseTableName = "tomogram"

    public var id: Int64?
    public var datasetId: Int64
    /// Unique within the dataset.
    public var name: String
    /// Absolute.
    public var path: String
    /// The dataset or array in the file, for formats that hold several; nil for others.
    public var member: String?
    public var format: String
    public var scalarType: String
    public var sizeZ: Int
    public var sizeY: Int
    public var sizeX: Int
    public var addedAt: String

    public init(
        id: Int64? = nil, datasetId: Int64, name: String, location: VolumeLocation, format: String, scalarType: ScalarType,
        shape: VolumeShape, addedAt: String
    ) {
        self.id = id
        self.datasetId = datasetId
        self.name = name
        self.path = location.path
        self.member = location.member
        self.format = format
        self.scalarType = scalarType.rawValue
        self.sizeZ = shape.z
        self.sizeY = shape.y
        self.sizeX = shape.x
        self.addedAt = addedAt
    }

    public var location: VolumeLocation { VolumeLocation(path: path, member: member) }
}

/// A voxel size that somebody or something gives for a tomogram. All are kept; `v_tomogram` has the one that counts.
public struct VoxelSizeEvidenceRecord: CatalogRecord {
    public static let databaseTableName = "voxel_size_evidence"

    public enum Source: String, Codable, Sendable, Hashable, DatabaseValueConvertible {
        case user, header
        /// A document about the file, such as the CryoET Data Portal's.
        case metadata
        /// The name of a folder above the file: `VoxelSpacing13.480`.
        case folder
    }

    public var tomogramId: Int64
    public var source: Source
    public var xAngstrom: Double
    public var yAngstrom: Double
    public var zAngstrom: Double
    public var notedAt: String

    public init(tomogramId: Int64, source: Source, voxelSize: VoxelSize, notedAt: String) {
        self.tomogramId = tomogramId
        self.source = source
        self.xAngstrom = voxelSize.xInAngstroms
        self.yAngstrom = voxelSize.yInAngstroms
        self.zAngstrom = voxelSize.zInAngstroms
        self.notedAt = notedAt
    }
}

/// An annotation of a tomogram by a person or another program: a label volume, or points.
public struct AnnotationRecord: CatalogRecord {
    public static let databaseTableName = "annotation"

    public enum Kind: String, Codable, Sendable, Hashable, DatabaseValueConvertible { case labels, points }

    public var id: Int64?
    public var tomogramId: Int64
    public var kind: Kind
    /// Absolute.
    public var path: String
    /// The dataset or array in the file, for formats that hold several; nil for others.
    public var member: String?
    /// The convention of the file's coordinates (`angstrom`, `relion5-centered`, …); nil for labels.
    public var convention: String?
    /// Of the label voxels or the points, and of the classes.
    public var digest: Digest
    public var addedAt: String
    /// Of a score map: the least value that is in the mask. Nil where each value is a label, and for points.
    public var threshold: Double?
    /// Who made it, as the collection that it comes from says; nil where nobody does.
    public var author: String?
    /// copick's session: one of several tries of one author.
    public var session: String?

    public init(
        id: Int64? = nil, tomogramId: Int64, kind: Kind, location: VolumeLocation, convention: String?, digest: Digest,
        addedAt: String, threshold: Double? = nil, author: String? = nil, session: String? = nil
    ) {
        self.id = id
        self.tomogramId = tomogramId
        self.kind = kind
        self.path = location.path
        self.member = location.member
        self.convention = convention
        self.digest = digest
        self.addedAt = addedAt
        self.threshold = threshold
        self.author = author
        self.session = session
    }
}

/// A class of an annotation: its label value, or the radius of its particles.
public struct AnnotationClassRecord: CatalogRecord {
    public static let databaseTableName = "annotation_class"

    public var annotationId: Int64
    public var name: String
    /// The label value; nil for points.
    public var value: Int64?
    /// The radius of a particle in Å; nil for labels.
    public var radiusAngstrom: Double?

    public init(annotationId: Int64, name: String, value: Int64?, radiusAngstrom: Double?) {
        self.annotationId = annotationId
        self.name = name
        self.value = value
        self.radiusAngstrom = radiusAngstrom
    }
}

/// A point of an annotation, in the units and the convention of its file.
public struct AnnotationPointRecord: CatalogRecord {
    public static let databaseTableName = "annotation_point"

    public var annotationId: Int64
    /// The position in the file, from 0.
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

/// A contiguous range of slices of a tomogram that a person picked: `zFirst ..< zEnd`, 0-based.
public struct SlabRecord: CatalogRecord {
    public static let databaseTableName = "slab"

    public var id: Int64?
    public var tomogramId: Int64
    public var zFirst: Int
    public var zEnd: Int
    public var createdAt: String

    public init(id: Int64? = nil, tomogramId: Int64, z: Range<Int>, createdAt: String) {
        self.id = id
        self.tomogramId = tomogramId
        self.zFirst = z.lowerBound
        self.zEnd = z.upperBound
        self.createdAt = createdAt
    }
}

/// A training set: the slabs and annotations on which networks are trained. Its members never change.
public struct TrainingSetRecord: CatalogRecord {
    public static let databaseTableName = "training_set"

    public var id: Int64?
    public var name: String
    /// Whether networks are trained on it now. At most one set is current.
    public var isCurrent: Bool
    /// The expression by which its members were chosen; nil where all were taken.
    public var selection: String?
    public var createdAt: String

    public init(id: Int64? = nil, name: String, isCurrent: Bool, selection: String?, createdAt: String) {
        self.id = id
        self.name = name
        self.isCurrent = isCurrent
        self.selection = selection
        self.createdAt = createdAt
    }
}

/// A model: the weights that a step uses, with their place and the digest of their content.
public struct ModelRecord: CatalogRecord {
    public static let databaseTableName = "model"

    public var id: Int64?
    public var name: String
    /// `diffusion`, `cellpose`, …
    public var kind: String
    /// Absolute, or relative to the catalog's folder where the files lie in it.
    public var path: String
    public var digest: Digest
    public var addedAt: String
    /// In words, such as `Apache-2.0`; nil where nobody gave one.
    public var licence: String?
    /// Who trained it, on what; nil where nobody said.
    public var provenance: String?

    public init(
        id: Int64? = nil, name: String, kind: String, path: String, digest: Digest, addedAt: String, licence: String? = nil,
        provenance: String? = nil
    ) {
        self.id = id
        self.name = name
        self.kind = kind
        self.path = path
        self.digest = digest
        self.addedAt = addedAt
        self.licence = licence
        self.provenance = provenance
    }
}
