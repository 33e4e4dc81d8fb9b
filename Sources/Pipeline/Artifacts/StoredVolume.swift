import Basics
import BlobStore
import ImageProcessing
package import Volumes

/// A volume `[z][y][x]` within an artifact, which is read slice by slice: labels as uint8, numbers as float32.
package struct StoredVolume: Sendable {
    /// `[z, y, x]`; another number of axes where the artifact is none of ours.
    package let lengths: [Int]
    /// The scalar type of the voxels that ``slices(_:)`` gives.
    package let voxelType: ScalarType
    /// For messages.
    private let name: String
    /// Reads some slices, whose shape is given; nil where not all are there.
    private let read: @Sendable (Range<Int>, VolumeShape) throws -> VoxelBuffer?

    /// - Parameters:
    ///   - scalarType: of the voxels that are given out: uint8 or float32.
    ///   - scale: what numbers are multiplied with.
    init(_ artifact: Artifact, dataset: String, as scalarType: ScalarType, scale: Float = 1) throws {
        lengths = try artifact.description(of: dataset).shape
        (name, voxelType) = ("the dataset \(dataset) of \(artifact.digest.abbreviated)", scalarType)
        read = { z, shape in
            if scalarType == .uint8 {
                return VoxelBuffer(shape: shape, values: try artifact.readRows(dataset, z, as: UInt8.self))
            }
            let values = try artifact.readFloats(dataset, rows: z)
            return VoxelBuffer(shape: shape, values: scale == 1 ? values : values.map { $0 * scale })
        }
    }

    /// The labels of a segmentation with sheets drawn at a thickness, uint8.
    init(drawn segmentation: DrawnSegmentation) {
        lengths = [segmentation.shape.z, segmentation.shape.y, segmentation.shape.x]
        (name, voxelType) = ("the drawn segmentation", .uint8)
        read = { z, shape in VoxelBuffer(shape: shape, values: try segmentation.slices(z).flatMap(\.values)) }
    }

    /// The voxels of some slices.
    ///
    /// - Throws: ``BlobError`` where they cannot be read, ``PipelineError`` where the dataset is no volume.
    /// - Complexity: reads and decodes these slices, and what shares chunks with them.
    package func slices(_ z: Range<Int>) throws -> VoxelBuffer {
        guard lengths.count == 3, let shape = VolumeShape(z: z.count, y: lengths[1], x: lengths[2]) else {
            throw PipelineError("\(name) is no volume; `cellar verify` looks at it")
        }
        guard let voxels = try read(z, shape) else {
            throw PipelineError("the slices \(z) of \(name) are not all there; `cellar verify` looks at it")
        }
        return voxels
    }
}

// MARK: Which volumes artifacts hold

extension Segmentation {
    /// The labels, uint8.
    package func volume() throws -> StoredVolume { try StoredVolume(artifact, dataset: "labels", as: .uint8) }
}

extension ClassProbabilities {
    /// The probability of a class by its label, float32 from 0 to 1.
    package func volume(ofLabel label: Int) throws -> StoredVolume {
        try StoredVolume(artifact, dataset: "class_\(label)", as: .float32, scale: 1 / 255)
    }

    /// The standard deviation of the probability of a class over networks and copies of blocks, float32 from 0 to 0.5.
    ///
    /// - Parameter tomogram: its name, for the message.
    /// - Throws: ``PipelineError`` where one network looked once, so that there is none.
    package func uncertainty(ofLabel label: Int, of tomogram: String) throws -> StoredVolume {
        guard artifact.datasets.contains(where: { $0.name == "spread_\(label)" }) else {
            throw PipelineError(
                "\(tomogram) was segmented by one network that looked once, so that nothing differs: set segment.averaging to 4 or 8, or "
                    + "segment.network to both, and run")
        }
        return try StoredVolume(artifact, dataset: "spread_\(label)", as: .float32, scale: 1 / 510)
    }
}

extension ConsistentMaps {
    /// The maps of the slab, float32 from 0 to 1.
    package func volume() throws -> StoredVolume { try StoredVolume(artifact, dataset: "maps", as: .float32) }
}

extension PseudoLabels {
    /// The class of each voxel of the slab, uint8.
    package func classVolume() throws -> StoredVolume { try StoredVolume(artifact, dataset: "classes", as: .uint8) }

    /// The number of the object at each voxel of the slab, as float32; 0 for none.
    package func objectVolume() throws -> StoredVolume { try StoredVolume(artifact, dataset: "objects", as: .float32) }
}
