import Basics

/// Voxels that are stored as one plain array: columns in rows, rows in sections, without gaps.
struct Raster: Sendable {
    /// How voxels are packed into bytes.
    enum Packing: Sendable {
        case wholeBytes
        /// Two in a byte, the first in the low bits; a row of odd length ends with half a byte unused.
        case nibbles
    }

    /// The offset of the first voxel in bytes.
    let offset: Int
    /// The shape `[z][y][x]` in space, whatever the axis order of the file.
    let shape: VolumeShape
    let scalarType: ScalarType
    var axes = AxisOrder.storage
    var isLittleEndian = true
    var packing = Packing.wholeBytes

    /// The size in bytes of the buffer for boxes that cannot be read directly into the destination.
    private static let scratchLimit = 1 << 20

    var columnCount: Int { shape.count(along: axes.columns) }
    var rowCount: Int { shape.count(along: axes.rows) }
    var sectionCount: Int { shape.count(along: axes.sections) }

    /// The number of bytes of a row in the file.
    var rowSize: Int { packing == .nibbles ? (columnCount + 1) / 2 : columnCount * scalarType.size }
    var sectionSize: Int { rowSize * rowCount }

    /// The number of bytes of all voxels in the file. Cannot overflow: see ``VolumeShape``.
    var byteCount: Int { sectionSize * sectionCount }

    /// The shape `[z][y][x]` of one row of the file: the smallest box that can be read without reading more.
    var rowShape: VolumeShape { shape(columns: columnCount, rows: 1) }

    /// The shape `[z][y][x]` of one section of the file.
    var sectionShape: VolumeShape { shape(columns: columnCount, rows: rowCount) }

    private func shape(columns: Int, rows: Int) -> VolumeShape {
        func count(_ axis: AxisOrder.Axis) -> Int { axis == axes.columns ? columns : axis == axes.rows ? rows : 1 }
        return VolumeShape(z: count(.z), y: count(.y), x: count(.x)) ?? shape
    }

    /// Reads the voxels of a box, `[z][y][x]`, little-endian.
    ///
    /// - Throws: ``VolumeError`` where the box does not lie in the volume or fit the destination, or the file ends early.
    /// - Complexity: whole rows of a file with the usual axis order are read directly into the destination. Everything else
    ///   is read through one megabyte of scratch memory, whatever the size of the box.
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

extension Raster {
    /// Reads a box that does not have whole rows of the file, or whose voxels must be permuted or unpacked.
    ///
    /// The box is cut into pieces of rows that fit the scratch buffer. Each piece is read into the buffer, and its voxels are
    /// then copied to their places in the destination.
    private func readStrided(
        _ box: Box, from source: some ByteSource, into destination: UnsafeMutableRawBufferPointer
    ) throws(VolumeError) {
        let size = scalarType.size
        let strides = destinationStrides(of: box.shape)
        let columns = box.range(along: axes.columns)
        let rows = box.range(along: axes.rows)
        let sections = box.range(along: axes.sections)
        // For packed voxels, this is even if the box is cut: all pieces then begin at the same half of a byte as the box.
        let columnsPerPiece = min(columns.count, Self.scratchLimit / size)
        var scratch: [UInt8] = []

        for (sectionIndex, section) in sections.enumerated() {
            for firstColumn in stride(from: columns.lowerBound, to: columns.upperBound, by: columnsPerPiece) {
                let piece = firstColumn..<min(firstColumn + columnsPerPiece, columns.upperBound)
                let bytes = byteRange(of: piece)
                // Several whole rows are read at once if a row is short (at most 4 KiB) or at most half of it is unused.
                let pitch = rowSize <= max(4096, 2 * bytes.count) ? rowSize : bytes.count
                let rowsPerRead = max(1, min(rows.count, Self.scratchLimit / max(pitch, piece.count * size)))
                if scratch.count < rowsPerRead * pitch { scratch = [UInt8](repeating: 0, count: rowsPerRead * pitch) }
                for firstRow in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsPerRead) {
                    let count = min(rowsPerRead, rows.upperBound - firstRow)
                    let target = Target(
                        base: (firstRow - rows.lowerBound) * strides.row + sectionIndex * strides.section
                            + (piece.lowerBound - columns.lowerBound) * strides.column,
                        columnStride: strides.column, rowStride: strides.row)
                    var span = scratch.mutableSpan
                    try span.withUnsafeMutableBytes { buffer throws(VolumeError) in
                        try readRows(
                            firstRow..<firstRow + count, section: section, bytes: bytes, pitch: pitch, from: source, into: buffer)
                        scatter(buffer, rows: count, columns: piece, pitch: pitch, to: target, of: destination)
                    }
                }
            }
        }
    }

    /// The offset and the strides of a piece in the destination, in values, not bytes.
    private struct Target {
        var base: Int
        let columnStride: Int
        let rowStride: Int
    }

    private func destinationStrides(of shape: VolumeShape) -> (column: Int, row: Int, section: Int) {
        func stride(_ axis: AxisOrder.Axis) -> Int {
            switch axis {
            case .x: 1
            case .y: shape.x
            case .z: shape.voxelsPerSlice
            }
        }
        return (stride(axes.columns), stride(axes.rows), stride(axes.sections))
    }

    /// The range of bytes of a row that has these columns.
    private func byteRange(of columns: Range<Int>) -> Range<Int> {
        switch packing {
        case .wholeBytes: columns.lowerBound * scalarType.size..<columns.upperBound * scalarType.size
        case .nibbles: columns.lowerBound / 2..<(columns.upperBound + 1) / 2
        }
    }

    /// Reads the byte range of some rows of a section into the scratch buffer, with `pitch` bytes from row to row.
    private func readRows(
        _ rows: Range<Int>, section: Int, bytes: Range<Int>, pitch: Int, from source: some ByteSource,
        into scratch: UnsafeMutableRawBufferPointer
    ) throws(VolumeError) {
        let start = offset + section * sectionSize + bytes.lowerBound
        if pitch == rowSize {
            let length = (rows.count - 1) * pitch + bytes.count
            let span = UnsafeMutableRawBufferPointer(rebasing: scratch[..<length])
            try source.read(at: start + rows.lowerBound * rowSize, into: span)
        } else {
            for (index, row) in rows.enumerated() {
                let run = UnsafeMutableRawBufferPointer(rebasing: scratch[index * pitch..<index * pitch + bytes.count])
                try source.read(at: start + row * rowSize, into: run)
            }
        }
    }

    /// Copies the voxels of a piece from the scratch buffer to their places in the destination, as little-endian values.
    private func scatter(
        _ scratch: UnsafeMutableRawBufferPointer, rows: Int, columns: Range<Int>, pitch: Int, to target: Target,
        of destination: UnsafeMutableRawBufferPointer
    ) {
        if packing == .nibbles {
            unpack(scratch, rows: rows, columns: columns, pitch: pitch, to: target, of: destination)
            return
        }
        if !isLittleEndian {
            let used = UnsafeMutableRawBufferPointer(rebasing: scratch[..<((rows - 1) * pitch + columns.count * scalarType.size)])
            EndianBytes.reverseBytes(of: used, valueSize: scalarType.size)
        }
        switch scalarType.size {
        case 1: scatter(UInt8.self, scratch, rows: rows, columns: columns.count, pitch: pitch, to: target, of: destination)
        case 2: scatter(UInt16.self, scratch, rows: rows, columns: columns.count, pitch: pitch, to: target, of: destination)
        case 4: scatter(UInt32.self, scratch, rows: rows, columns: columns.count, pitch: pitch, to: target, of: destination)
        default: scatter(UInt64.self, scratch, rows: rows, columns: columns.count, pitch: pitch, to: target, of: destination)
        }
    }

    private func scatter<Value: BitwiseCopyable>(
        _ type: Value.Type, _ scratch: UnsafeMutableRawBufferPointer, rows: Int, columns: Int, pitch: Int, to target: Target,
        of destination: UnsafeMutableRawBufferPointer
    ) {
        guard let source = UnsafeRawPointer(scratch.baseAddress), let sink = destination.baseAddress else { return }
        let size = MemoryLayout<Value>.size
        if target.columnStride == 1 {
            for row in 0..<rows {
                (sink + (target.base + row * target.rowStride) * size).copyMemory(
                    from: source + row * pitch, byteCount: columns * size)
            }
            return
        }
        // A transposition writes each value to another cache line. In tiles, these lines stay in the cache.
        let tile = 32
        for firstRow in stride(from: 0, to: rows, by: tile) {
            for firstColumn in stride(from: 0, to: columns, by: tile) {
                for column in firstColumn..<min(firstColumn + tile, columns) {
                    let to = target.base + column * target.columnStride
                    for row in firstRow..<min(firstRow + tile, rows) {
                        let value = source.loadUnaligned(fromByteOffset: row * pitch + column * size, as: Value.self)
                        sink.storeBytes(of: value, toByteOffset: (to + row * target.rowStride) * size, as: Value.self)
                    }
                }
            }
        }
    }

    /// Like ``scatter(_:rows:columns:pitch:to:of:)``, for two voxels in a byte: each becomes one byte.
    private func unpack(
        _ scratch: UnsafeMutableRawBufferPointer, rows: Int, columns: Range<Int>, pitch: Int, to target: Target,
        of destination: UnsafeMutableRawBufferPointer
    ) {
        // The first column of the piece may be in the high half of its byte.
        let skipped = columns.lowerBound & 1
        for row in 0..<rows {
            for column in 0..<columns.count {
                let byte = scratch[row * pitch + (column + skipped) / 2]
                let value = (column + skipped) & 1 == 0 ? byte & 15 : byte >> 4
                destination[target.base + column * target.columnStride + row * target.rowStride] = value
            }
        }
    }
}

/// The axis order of a file: the axes of space along which its columns, rows and sections are counted.
struct AxisOrder: Hashable, Sendable {
    enum Axis: Int, Sendable {
        case x = 1
        case y, z
    }

    /// The fastest axis of the file.
    let columns: Axis
    let rows: Axis
    let sections: Axis

    /// Columns along x, rows along y, sections along z: the order of volumes in memory.
    static let storage = AxisOrder(columns: .x, rows: .y, sections: .z)

    private init(columns: Axis, rows: Axis, sections: Axis) {
        self.columns = columns
        self.rows = rows
        self.sections = sections
    }

    /// The axis order from `mapc mapr maps` of an MRC header: a permutation of 1, 2, 3, else nil. In old files all three are
    /// zero, which means 1, 2, 3.
    init?(mrcAxes axes: [Int]) {
        if axes == [0, 0, 0] {
            self = .storage
            return
        }
        guard axes.count == 3, Set(axes).count == 3, let columns = Axis(rawValue: axes[0]), let rows = Axis(rawValue: axes[1]),
            let sections = Axis(rawValue: axes[2])
        else { return nil }
        self.init(columns: columns, rows: rows, sections: sections)
    }

    /// The number of voxels along an axis of space, of a file with these numbers of columns, rows and sections.
    func count(along axis: Axis, of file: (columns: Int, rows: Int, sections: Int)) -> Int {
        axis == columns ? file.columns : axis == rows ? file.rows : file.sections
    }
}

extension AxisOrder: CustomStringConvertible {
    /// The numbers of the MRC header: `2, 1, 3`.
    var description: String { "\(columns.rawValue), \(rows.rawValue), \(sections.rawValue)" }
}

extension VolumeShape {
    func count(along axis: AxisOrder.Axis) -> Int {
        switch axis {
        case .x: x
        case .y: y
        case .z: z
        }
    }
}

extension Box {
    func range(along axis: AxisOrder.Axis) -> Range<Int> {
        switch axis {
        case .x: x
        case .y: y
        case .z: z
        }
    }
}
