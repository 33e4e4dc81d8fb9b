import Basics

/// Voxels that lie in a byte source as one plain array: columns in rows, rows in sections, nothing between them.
struct Raster: Sendable {
    /// How many voxels share a byte.
    enum Packing: Sendable {
        case wholeBytes
        /// Two in a byte, the first in the low bits; a row of odd length ends with half a byte unused.
        case nibbles
    }

    /// The offset of the first voxel.
    let offset: Int
    /// The shape as space has it, whatever the order of axes in the file.
    let shape: VolumeShape
    let scalarType: ScalarType
    var axes = AxisOrder.storage
    var isLittleEndian = true
    var packing = Packing.wholeBytes

    /// Reads of a strided box go through a buffer of this size.
    static let scratchLimit = 1 << 20

    var columnCount: Int { shape.count(along: axes.columns) }
    var rowCount: Int { shape.count(along: axes.rows) }
    var sectionCount: Int { shape.count(along: axes.sections) }

    /// The number of bytes of a row in the file.
    var rowSize: Int { packing == .nibbles ? (columnCount + 1) / 2 : columnCount * scalarType.size }
    var sectionSize: Int { rowSize * rowCount }

    /// The number of bytes of all voxels in the file. Cannot overflow: see ``VolumeShape``.
    var byteCount: Int { sectionSize * sectionCount }

    /// One row of the file: the smallest box that can be read by itself.
    var rowShape: VolumeShape { shape(columns: columnCount, rows: 1) }

    /// One section of the file.
    var sectionShape: VolumeShape { shape(columns: columnCount, rows: rowCount) }

    private func shape(columns: Int, rows: Int) -> VolumeShape {
        func count(_ axis: AxisOrder.Axis) -> Int { axis == axes.columns ? columns : axis == axes.rows ? rows : 1 }
        return VolumeShape(z: count(.z), y: count(.y), x: count(.x)) ?? shape
    }

    /// Reads the voxels of a box, `[z][y][x]`, little-endian.
    ///
    /// - Complexity: whole rows of an unpermuted file go straight into the destination. Everything else goes through
    ///   one megabyte of scratch memory, whatever the size of the box.
    func read(_ box: Box, from source: some ByteSource, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        try box.check(inside: shape, destination: destination, scalarType: scalarType, path: source.path)
        guard axes == .storage, packing == .wholeBytes, box.x.count == shape.x else {
            return try readStrided(box, from: source, into: destination)
        }
        if box.y.count == shape.y {
            try source.read(at: offset + box.z.lowerBound * sectionSize, into: destination)
        } else {
            let runSize = box.y.count * rowSize
            for (index, z) in box.z.enumerated() {
                let run = UnsafeMutableRawBufferPointer(rebasing: destination[index * runSize..<(index + 1) * runSize])
                try source.read(at: offset + z * sectionSize + box.y.lowerBound * rowSize, into: run)
            }
        }
        if !isLittleEndian { EndianBytes.reverseBytes(of: destination, valueSize: scalarType.size) }
    }
}

extension Box {
    /// What every reader demands of a box and of the memory that it is read into.
    func check(
        inside shape: VolumeShape, destination: UnsafeMutableRawBufferPointer, scalarType: ScalarType, path: String
    ) throws(VolumeError) {
        guard isInside(shape) else {
            throw .outOfBounds("the box x \(x), y \(y), z \(z)", shape: shape, path: path)
        }
        guard destination.count == self.shape.count * scalarType.size else {
            throw VolumeError(
                .outOfBounds,
                "a box of \(self.shape) voxels of \(scalarType) does not fit a destination of \(destination.count) bytes",
                path: path)
        }
    }
}
