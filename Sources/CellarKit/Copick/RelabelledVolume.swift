import Basics
import Volumes

/// The classes of results with other numbers: the labels of a copick configuration, 0 where no class is, or no slab.
struct RelabelledVolume: Volume {
    let scalarType: ScalarType
    let header: VolumeHeader

    /// The classes, uint8.
    private let classes: AssembledVolume
    /// The label of each class, by its number in the results; 0 for what is left out.
    private let labels: [UInt16]

    var shape: VolumeShape { classes.shape }
    var chunkShape: VolumeShape { classes.chunkShape }

    /// Labels are uint8, or uint16 where one is larger.
    ///
    /// - Parameter labels: by the number of the class, from 0 for ground. Returns nil where there are none, or the classes are not uint8.
    init?(_ classes: AssembledVolume, labels: [UInt16], voxelSize: VoxelSize?, name: String) {
        guard classes.scalarType == .uint8, !labels.isEmpty else { return nil }
        (self.classes, self.labels) = (classes, labels)
        scalarType = labels.allSatisfy { $0 < 256 } ? .uint8 : .uint16
        header = VolumeHeader(path: name, format: "labels", voxelSize: voxelSize)
    }

    func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        guard destination.count == box.shape.count * scalarType.size else {
            throw VolumeError(
                mistake: .outOfBounds, "has no box x \(box.x), y \(box.y), z \(box.z) of that size", path: header.path)
        }
        for (index, value) in try classes.read(box).bytes.enumerated() {
            let label = labels[min(Int(value), labels.count - 1)]
            if scalarType == .uint8 {
                destination[index] = UInt8(truncatingIfNeeded: label)
            } else {
                destination.storeBytes(of: label.littleEndian, toByteOffset: 2 * index, as: UInt16.self)
            }
        }
    }
}
