/// A decoded chunk in memory: `[z][y][x]`, x fastest, little-endian, without the voxels beyond the edges of the volume.
struct ZarrChunk: Sendable {
    let shape: VolumeShape
    /// `shape.count` values.
    let bytes: [UInt8]

    /// Brings the decoded bytes of a chunk into this order.
    ///
    /// - Parameters:
    ///   - decoded: the elements of the whole chunk, as they are stored.
    ///   - shape: the part of the chunk that lies inside the volume; no axis is longer than the chunk's.
    ///   - strides: the distance in elements between neighbours along each axis in `decoded`.
    /// - Complexity: no copy if the stored order is the result's order, else one pass over the voxels.
    init(decoded: [UInt8], shape: VolumeShape, strides: (z: Int, y: Int, x: Int), dataType: ZarrDataType) {
        self.shape = shape
        let size = dataType.scalarType.size
        let isSwapped = dataType.isBigEndian && size > 1
        if !isSwapped, strides == (shape.voxelsPerSlice, shape.x, 1), decoded.count == shape.count * size {
            bytes = decoded
            return
        }
        bytes = [UInt8](unsafeUninitializedCapacity: shape.count * size) { output, initialized in
            decoded.withUnsafeBytes { input in
                let output = UnsafeMutableRawBufferPointer(output)
                switch size {
                case 1: Self.gather(UInt8.self, from: input, strides: strides, shape: shape, isSwapped: false, into: output)
                case 2: Self.gather(UInt16.self, from: input, strides: strides, shape: shape, isSwapped: isSwapped, into: output)
                case 4: Self.gather(UInt32.self, from: input, strides: strides, shape: shape, isSwapped: isSwapped, into: output)
                default: Self.gather(UInt64.self, from: input, strides: strides, shape: shape, isSwapped: isSwapped, into: output)
                }
            }
            initialized = shape.count * size
        }
    }

    @inline(__always)
    private static func gather<Word: FixedWidthInteger & BitwiseCopyable>(
        _ type: Word.Type, from input: UnsafeRawBufferPointer, strides: (z: Int, y: Int, x: Int), shape: VolumeShape,
        isSwapped: Bool,
        into output: UnsafeMutableRawBufferPointer
    ) {
        let input = input.assumingMemoryBound(to: Word.self)
        let output = output.assumingMemoryBound(to: Word.self)
        var target = 0
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                var source = z * strides.z + y * strides.y
                if isSwapped {
                    for _ in 0..<shape.x {
                        output[target] = input[source].byteSwapped
                        source += strides.x
                        target += 1
                    }
                } else {
                    for _ in 0..<shape.x {
                        output[target] = input[source]
                        source += strides.x
                        target += 1
                    }
                }
            }
        }
    }
}
