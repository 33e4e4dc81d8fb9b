import Basics
import BlobStore
package import Volumes

/// A volume `[z][y][x]` within an artifact, which is read slice by slice: labels as uint8, numbers as float32.
package struct StoredVolume: Sendable {
    /// `[z, y, x]`; another number of axes where the artifact is none of ours.
    package let lengths: [Int]
    private let artifact: Artifact
    private let dataset: String
    private let scalarType: ScalarType
    private let scale: Float

    /// - Parameters:
    ///   - scalarType: of the voxels that are given out: uint8 or float32.
    ///   - scale: what numbers are multiplied with.
    init(_ artifact: Artifact, dataset: String, as scalarType: ScalarType, scale: Float = 1) throws {
        lengths = try artifact.description(of: dataset).shape
        (self.artifact, self.dataset, self.scalarType, self.scale) = (artifact, dataset, scalarType, scale)
    }

    /// The scalar type of the voxels that ``slices(_:)`` gives.
    package var voxelType: ScalarType { scalarType }

    /// The voxels of some slices.
    ///
    /// - Throws: ``BlobError`` where they cannot be read, ``PipelineError`` where the dataset is no volume.
    /// - Complexity: reads and decodes these slices, and what shares chunks with them.
    package func slices(_ z: Range<Int>) throws -> VoxelBuffer {
        guard lengths.count == 3, let shape = VolumeShape(z: z.count, y: lengths[1], x: lengths[2]) else {
            throw PipelineError(
                "the dataset \(dataset) of \(artifact.digest.abbreviated) is no volume; `cellar verify` looks at it")
        }
        let voxels: VoxelBuffer?
        if scalarType == .uint8 {
            voxels = VoxelBuffer(shape: shape, values: try artifact.readRows(dataset, z, as: UInt8.self))
        } else {
            let values = try artifact.readFloats(dataset, rows: z)
            voxels = VoxelBuffer(shape: shape, values: scale == 1 ? values : values.map { $0 * scale })
        }
        guard let voxels else {
            throw PipelineError(
                "the slices \(z) of \(artifact.digest.abbreviated) are not all there; `cellar verify` looks at it")
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
