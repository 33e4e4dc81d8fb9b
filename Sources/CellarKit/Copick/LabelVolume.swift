import Basics
import Foundation
import Pipeline
import Synchronization
import Volumes

/// The labels of a tomogram's results as a volume, with the labels of a copick configuration: 0 where no class is, or no slab.
///
/// Slices are decoded in blocks, of which those used last are kept, so that reading chunk by chunk decodes each slice about once.
final class LabelVolume: Volume {
    /// How many slices are decoded at a time, and how many bytes of them are kept.
    private static let (blockDepth, cacheByteCount) = (16, 256 << 20)

    let shape: VolumeShape
    let scalarType: ScalarType
    let header: VolumeHeader
    let chunkShape: VolumeShape

    /// Where they come from: the whole volume, or slabs; where slabs overlap, the first counts.
    private let parts: [(z: Range<Int>, volume: StoredVolume)]
    /// The label of each class, by its number in the results; 0 for what is left out.
    private let labels: [UInt16]
    private let blocks: Mutex<(order: [Int], kept: [Int: [UInt8]])>

    /// - Parameters:
    ///   - parts: of the tomogram's width and height, uint8.
    ///   - labels: by the number of the class, from 0 for ground.
    init?(
        _ parts: [(z: Range<Int>, volume: StoredVolume)], labels: [UInt16], shape: VolumeShape, voxelSize: VoxelSize?,
        name: String
    ) {
        guard let block = VolumeShape(z: min(Self.blockDepth, shape.z), y: shape.y, x: shape.x),
            parts.allSatisfy({ $0.volume.lengths == [$0.z.count, shape.y, shape.x] && $0.volume.voxelType == .uint8 })
        else { return nil }
        (self.parts, self.labels, self.shape, chunkShape) = (parts, labels, shape, block)
        scalarType = labels.allSatisfy { $0 < 256 } ? .uint8 : .uint16
        header = VolumeHeader(path: name, format: "labels", voxelSize: voxelSize)
        blocks = Mutex(([], [:]))
    }

    func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        guard box.isInside(shape), destination.count == box.shape.count * scalarType.size else {
            throw VolumeError(.outOfBounds, "has no box x \(box.x), y \(box.y), z \(box.z) of that size", path: header.path)
        }
        var offset = 0
        for z in box.z {
            let block = try block(z / Self.blockDepth)
            let slice = z % Self.blockDepth * shape.voxelsPerSlice
            for y in box.y {
                let row = slice + y * shape.x
                for x in box.x {
                    let label = labels[min(Int(block[row + x]), labels.count - 1)]
                    if scalarType == .uint8 {
                        destination[offset] = UInt8(truncatingIfNeeded: label)
                        offset += 1
                    } else {
                        destination.storeBytes(of: label.littleEndian, toByteOffset: offset, as: UInt16.self)
                        offset += 2
                    }
                }
            }
        }
    }

    /// The classes of a block of slices.
    private func block(_ index: Int) throws(VolumeError) -> [UInt8] {
        if let block = blocks.withLock({ $0.kept[index] }) { return block }
        let z = index * Self.blockDepth..<min((index + 1) * Self.blockDepth, shape.z)
        var block = [UInt8](repeating: 0, count: z.count * shape.voxelsPerSlice)
        // The first part is written last.
        for part in parts.reversed() {
            let overlap = part.z.clamped(to: z)
            guard !overlap.isEmpty else { continue }
            do {
                let first = part.z.lowerBound
                let voxels = try part.volume.slices(overlap.lowerBound - first..<overlap.upperBound - first)
                let start = (overlap.lowerBound - z.lowerBound) * shape.voxelsPerSlice
                block.replaceSubrange(start..<start + voxels.bytes.count, with: voxels.bytes)
            } catch {
                throw VolumeError(.unreadable, "cannot be read: \(error.sentence)", path: header.path)
            }
        }
        let limit = max(2, Self.cacheByteCount / max(1, block.count))
        blocks.withLock { blocks in
            blocks.kept[index] = block
            blocks.order.append(index)
            while blocks.order.count > limit { blocks.kept[blocks.order.removeFirst()] = nil }
        }
        return block
    }
}
