extension Raster {
    /// Reads a box that is no run of whole rows, or whose voxels must be permuted or unpacked.
    ///
    /// The box is cut into pieces of rows that fit the scratch buffer; each is read, decoded there, and scattered.
    func readStrided(
        _ box: Box, from source: some ByteSource, into destination: UnsafeMutableRawBufferPointer
    ) throws(VolumeError) {
        let size = scalarType.size
        let strides = destinationStrides(of: box.shape)
        let columns = box.range(along: axes.columns)
        let rows = box.range(along: axes.rows)
        let sections = box.range(along: axes.sections)
        // Even, so that a piece of packed voxels begins at a byte wherever the box does.
        let columnsPerPiece = min(columns.count, Self.scratchLimit / size)
        var scratch: [UInt8] = []

        for (sectionIndex, section) in sections.enumerated() {
            for firstColumn in stride(from: columns.lowerBound, to: columns.upperBound, by: columnsPerPiece) {
                let piece = firstColumn..<min(firstColumn + columnsPerPiece, columns.upperBound)
                let bytes = byteRange(of: piece)
                // Rows whose unread part is short are read in one go with it.
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

    /// Where a piece goes in the destination; in values, not bytes.
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
            case .z: shape.sliceCount
            }
        }
        return (stride(axes.columns), stride(axes.rows), stride(axes.sections))
    }

    /// The bytes of a row that hold some of its columns.
    private func byteRange(of columns: Range<Int>) -> Range<Int> {
        switch packing {
        case .wholeBytes: columns.lowerBound * scalarType.size..<columns.upperBound * scalarType.size
        case .nibbles: columns.lowerBound / 2..<(columns.upperBound + 1) / 2
        }
    }

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
        // A transposition touches one cache line for every value that it writes: in tiles, the lines stay in the cache.
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

    private func unpack(
        _ scratch: UnsafeMutableRawBufferPointer, rows: Int, columns: Range<Int>, pitch: Int, to target: Target,
        of destination: UnsafeMutableRawBufferPointer
    ) {
        // The first column of the piece may be the high half of its byte.
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
