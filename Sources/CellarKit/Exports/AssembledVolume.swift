package import Pipeline
package import Volumes

/// Volumes of artifacts, one above the other, as one volume of the tomogram's size: 0 where none is. Where they overlap, the first counts.
package struct AssembledVolume: Volume {
    package let shape: VolumeShape
    package let scalarType: ScalarType
    package let header: VolumeHeader
    package let chunkShape: VolumeShape

    private let parts: [(z: Range<Int>, volume: StoredVolume)]

    /// The bytes that are read of an artifact at a time: several slices, since they share chunks.
    private static let blockByteCount = 32 << 20

    /// - Parameters:
    ///   - parts: the volumes with the slices that they fill; each has as many, of the size of the tomogram's.
    ///   - hasIntegers: whether numbers become int32, for those that count.
    ///   - name: for messages.
    package init(_ parts: [(z: Range<Int>, volume: StoredVolume)], shape: VolumeShape, hasIntegers: Bool = false, name: String) {
        (self.parts, self.shape) = (parts, shape)
        let type = parts.first?.volume.voxelType ?? .uint8
        scalarType = hasIntegers && type == .float32 ? .int32 : type
        header = VolumeHeader(path: name, format: "artifact")
        // A part of a slice costs as much as the slice.
        chunkShape = VolumeShape(z: 1, y: shape.y, x: shape.x) ?? shape
    }

    package func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        let size = scalarType.size
        guard box.isInside(shape), destination.count == box.shape.count * size else {
            throw VolumeError(
                .outOfBounds, "the box x \(box.x), y \(box.y), z \(box.z) does not lie in it; give a region inside of \(shape)",
                path: header.path)
        }
        let depth = max(1, Self.blockByteCount / max(1, shape.voxelsPerSlice * size))
        var z = box.z.lowerBound
        while z < box.z.upperBound {
            let part = parts.first { $0.z.contains(z) }
            var end = min(z + depth, box.z.upperBound, part?.z.upperBound ?? shape.z)
            // A part that counts before this one, or the next part after a gap, ends the block.
            for other in parts where other.z.lowerBound > z { end = min(end, other.z.lowerBound) }
            let slices = try part.map { part throws(VolumeError) in
                try bytes(of: part.volume, z - part.z.lowerBound..<end - part.z.lowerBound)
            }
            copy(slices, z..<end, to: box, in: destination)
            z = end
        }
    }

    /// The voxels of slices of a part, of the type of this volume.
    private func bytes(of volume: StoredVolume, _ slices: Range<Int>) throws(VolumeError) -> [UInt8] {
        do {
            let buffer = try volume.slices(slices)
            guard scalarType == .int32 else { return buffer.bytes }
            return buffer.floats().map { Int32(exactly: $0) ?? 0 }.withUnsafeBytes { [UInt8]($0) }
        } catch let error as VolumeError {
            throw error
        } catch {
            throw VolumeError(.unreadable, "cannot be read: \(error)", path: header.path)
        }
    }

    /// Copies whole slices into their place in a box; zeros where there are none.
    private func copy(_ slices: [UInt8]?, _ z: Range<Int>, to box: Box, in destination: UnsafeMutableRawBufferPointer) {
        let size = scalarType.size
        let rowSize = box.x.count * size
        for slice in z {
            for y in box.y {
                let target = ((slice - box.z.lowerBound) * box.y.count + y - box.y.lowerBound) * rowSize
                let row = UnsafeMutableRawBufferPointer(rebasing: destination[target..<target + rowSize])
                if let slices {
                    let source = (((slice - z.lowerBound) * shape.y + y) * shape.x + box.x.lowerBound) * size
                    slices.withUnsafeBytes { row.copyMemory(from: .init(rebasing: $0[source..<source + rowSize])) }
                } else {
                    row.initializeMemory(as: UInt8.self, repeating: 0)
                }
            }
        }
    }
}
