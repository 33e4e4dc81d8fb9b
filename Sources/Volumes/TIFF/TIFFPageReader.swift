/// Reads a rectangle of one page out of its strips or tiles.
struct TIFFPageReader {
    let file: TIFFFile
    let page: TIFFPage

    /// Reads rows and columns that lie in the page, little-endian.
    func read(rows: Range<Int>, columns: Range<Int>, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        for segmentRow in rows.lowerBound / page.segmentHeight...(rows.upperBound - 1) / page.segmentHeight {
            for segmentColumn in columns.lowerBound / page.segmentWidth...(columns.upperBound - 1) / page.segmentWidth {
                let origin = (row: segmentRow * page.segmentHeight, column: segmentColumn * page.segmentWidth)
                let part = Part(
                    index: segmentRow * page.segmentColumns + segmentColumn,
                    rows: rows.clamped(to: origin.row..<origin.row + page.segmentHeight),
                    columns: columns.clamped(to: origin.column..<origin.column + page.segmentWidth), origin: origin,
                    destinationRow: rows.lowerBound, destinationColumn: columns.lowerBound, destinationWidth: columns.count)
                if page.compression == .none {
                    try readPlain(part, into: destination)
                } else {
                    try readCompressed(part, into: destination)
                }
            }
        }
    }

    /// The part of a segment that is wanted, in coordinates of the page.
    private struct Part {
        let index: Int
        let rows: Range<Int>
        let columns: Range<Int>
        let origin: (row: Int, column: Int)
        let destinationRow: Int
        let destinationColumn: Int
        let destinationWidth: Int

        /// The offset of a row of the part in the destination, in values.
        func offset(ofRow row: Int) -> Int {
            (row - destinationRow) * destinationWidth + columns.lowerBound - destinationColumn
        }
    }

    private func readPlain(_ part: Part, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        let range = try page.segment(part.index, file: file)
        let size = page.scalarType.size
        guard let shape = VolumeShape(z: 1, y: page.rows(ofSegment: part.index), x: page.segmentWidth) else { return }
        let raster = Raster(
            offset: range.lowerBound, shape: shape, scalarType: page.scalarType, isLittleEndian: file.isLittleEndian)
        // Where a strip gives whole rows of the destination, all at once; of a tile, one row after the other.
        let rowsAtOnce = part.columns.count == part.destinationWidth ? part.rows.count : 1
        for row in stride(from: part.rows.lowerBound, to: part.rows.upperBound, by: rowsAtOnce) {
            let first = row - part.origin.row
            let start = part.columns.lowerBound - part.origin.column
            guard let box = Box(z: 0..<1, y: first..<first + rowsAtOnce, x: start..<start + part.columns.count) else { continue }
            let offset = part.offset(ofRow: row) * size
            let target = UnsafeMutableRawBufferPointer(rebasing: destination[offset..<offset + box.shape.count * size])
            try raster.read(box, from: file.source, into: target)
        }
    }

    private func readCompressed(_ part: Part, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        let input = TIFFSegmentInput(source: file.source, range: try page.segment(part.index, file: file))
        var decoder: any TIFFSegmentDecoder =
            if page.compression == .lzw { TIFFLZWDecoder(input) } else { try TIFFDeflateDecoder(input) }
        let size = page.scalarType.size
        let skipped = (part.columns.lowerBound - part.origin.column) * size
        let length = part.columns.count * size
        let row = UnsafeMutableRawBufferPointer.allocate(byteCount: page.rowSize, alignment: 16)
        defer { row.deallocate() }
        for index in part.origin.row..<part.rows.upperBound {
            try decoder.decode(into: row)
            guard index >= part.rows.lowerBound else { continue }
            if page.predictor == 3 {
                TIFFPredictor.joinFloatBytes(row, valueSize: size)
            } else {
                if !file.isLittleEndian { EndianBytes.reverseBytes(of: row, valueSize: size) }
                if page.predictor == 2 { TIFFPredictor.accumulate(row, valueSize: size) }
            }
            let offset = part.offset(ofRow: index) * size
            destination[offset..<offset + length].copyBytes(from: row[skipped..<skipped + length])
        }
    }
}
