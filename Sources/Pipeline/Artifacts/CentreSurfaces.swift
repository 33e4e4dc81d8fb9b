import Basics
public import BlobStore
public import Engine
import ImageProcessing
import Volumes

/// The centre surfaces of those classes of a segmentation that are sheets, as an artifact (Schema/blobs.md, `centre-surfaces`): a
/// byte for each voxel and class, by ``CentreSurface``.
public struct CentreSurfaces: ArtifactContent {
    public static let kind = "centre-surfaces"
    private static let attribute = "labels"

    /// The classes of the segmentation.
    private let classes: ClassList
    /// The labels of the classes that are sheets, ascending.
    package let sheets: [Int]
    private let artifact: Artifact

    /// - Throws: ``PipelineError`` where the artifact names no classes.
    public init(_ artifact: Artifact) throws {
        let classes = try ClassList(artifact)
        let names = Set(artifact.datasets.map(\.name))
        (self.artifact, self.classes) = (artifact, classes)
        sheets = classes.names.indices.map { $0 + 1 }.filter { names.contains(Self.dataset($0)) }
    }

    /// The names of the classes that are sheets.
    var names: [String] { sheets.map { classes.names[$0 - 1] } }

    /// Whether these are the centre surfaces of a segmentation, and of no earlier one.
    func belong(to segmentation: Segmentation) -> Bool {
        artifact.attributes[Self.attribute] == .string(segmentation.artifact.digest.hexadecimal)
    }

    /// The ``CentreSurface`` codes of a class in a slice, `[y][x]`.
    ///
    /// - Complexity: reads one slice.
    func codes(ofLabel label: Int, _ z: Int, shape: VolumeShape) throws -> Image<UInt8> {
        try shape.image(artifact.readRows(Self.dataset(label), z..<z + 1))
    }

    /// Finds and writes the centre surfaces of a segmentation.
    ///
    /// - Parameters:
    ///   - names: of the classes that are sheets; those that the segmentation does not have are left out.
    ///   - check: is called before each slice; throws to stop.
    /// - Complexity: reads the labels once for each class; see ``CentreSurfaceFinder``.
    static func write(
        of segmentation: Segmentation, classes names: [String], voxelSize: VoxelSize, to artifact: ArtifactWriter,
        check: (_ z: Int) throws -> Void
    ) throws {
        let shape = segmentation.shape
        try ClassList.write(segmentation.classes.names, to: artifact)
        try artifact.setAttribute(attribute, .string(segmentation.artifact.digest.hexadecimal))
        for (index, name) in segmentation.classes.names.enumerated() where names.contains(name) {
            let label = UInt8(index + 1)
            let writer = try artifact.createDataset(
                dataset(index + 1), shape: [shape.z, shape.y, shape.x], scalarType: .uint8, chunk: [1, shape.y, shape.x])
            var finder = CentreSurfaceFinder(shape: shape, voxelSize: voxelSize)
            for z in 0..<shape.z {
                try check(z)
                let mask = try segmentation.labels(z).map { $0 == label }
                for codes in try finder.add(mask) { try writer.append(codes.values) }
            }
        }
    }

    private static func dataset(_ label: Int) -> String { "class_\(label)" }
}
