import Basics

/// One page of a TIFF file: its shape, its type, and where its strips or tiles are.
struct TIFFPage: Sendable {
    let width: Int
    let height: Int
    let scalarType: ScalarType
    let compression: TIFFCompression
    /// 1: none, 2: horizontal differences, 3: differences of float bytes.
    let predictor: Int
    /// The size in pixels of a segment, which is a strip or a tile. Tiles may extend beyond the edge of the page; strips are
    /// as wide as the page.
    let segmentWidth: Int
    let segmentHeight: Int
    let isTiled: Bool
    /// The lists of the segments' offsets and of their sizes in bytes.
    private let offsets: TIFFDirectory.Field
    private let byteCounts: TIFFDirectory.Field?

    /// The grid of segments: its numbers of columns and rows.
    var segmentColumns: Int { (width + segmentWidth - 1) / segmentWidth }
    var segmentRows: Int { (height + segmentHeight - 1) / segmentHeight }

    /// - Throws: ``VolumeError``: `.unsupported` where the page is of a kind that is not read, `.malformed` where its tags
    ///   contradict each other, `.truncated` where its pixels do not fit into the file.
    init(_ directory: TIFFDirectory, file: TIFFFile) throws(VolumeError) {
        func unsupported(_ what: String) -> VolumeError {
            VolumeError(.unsupported, "\(what), which is not read; save it as a grey stack without compression", path: file.path)
        }
        guard let width = try directory.integer(.imageWidth), let height = try directory.integer(.imageLength),
            let shape = VolumeShape(z: 1, y: height, x: width)
        else { throw VolumeError(.malformed, "has a page without a size; the file is damaged, copy it again", path: file.path) }
        let samples = try directory.integer(.samplesPerPixel) ?? 1
        guard samples == 1 else { throw unsupported("has \(samples) samples per pixel (a colour image)") }
        let bits = try directory.integer(.bitsPerSample) ?? 1
        let format = try directory.integer(.sampleFormat) ?? 1
        guard let scalarType = Self.scalarType(bits: bits, format: format) else {
            throw unsupported("has pixels of \(bits) bits (sample format \(format))")
        }
        guard try directory.integer(.fillOrder) ?? 1 == 1 else { throw unsupported("has its bits in reverse order") }
        let number = try directory.integer(.compression) ?? 1
        guard let compression = TIFFCompression(number) else {
            throw unsupported("is compressed by \(TIFFCompression.name(number))")
        }
        predictor = compression == .none ? 1 : try directory.integer(.predictor) ?? 1
        guard predictor == 1 || predictor == 2 || predictor == 3 && scalarType.isFloatingPoint else {
            throw unsupported("uses predictor \(predictor)")
        }
        self.width = width
        self.height = height
        self.scalarType = scalarType
        self.compression = compression
        isTiled = directory.field(.tileWidth) != nil
        let segment: (width: Int, height: Int)
        if isTiled {
            segment = (try directory.integer(.tileWidth) ?? 0, try directory.integer(.tileLength) ?? 0)
        } else {
            segment = (width, min(try directory.integer(.rowsPerStrip) ?? height, height))
        }
        guard let segmentShape = VolumeShape(z: 1, y: segment.height, x: segment.width),
            let offsets = directory.field(isTiled ? .tileOffsets : .stripOffsets)
        else {
            throw VolumeError(
                .malformed, "has a page without strips or tiles; the file is damaged, copy it again", path: file.path)
        }
        // One row of a tile is decoded in memory, so its width needs a limit. A tile far wider than the page makes no sense.
        guard segment.width <= max(width, 1 << 16) else {
            throw VolumeError(
                .malformed, "has tiles of \(segment.width) pixels in width; the file is damaged, copy it again", path: file.path)
        }
        (segmentWidth, segmentHeight) = segment
        self.offsets = offsets
        byteCounts = directory.field(isTiled ? .tileByteCounts : .stripByteCounts)

        // Memory of the declared size is allocated only after this check that the file can hold as much.
        let limit = file.size * compression.ratioLimit / scalarType.size
        guard shape.count <= limit, segmentShape.count <= limit, offsets.count >= segmentRows * segmentColumns else {
            throw file.endsEarly(in: "a page of \(width) × \(height) pixels")
        }
        let last = try self.segment(segmentRows * segmentColumns - 1, file: file)
        guard last.upperBound <= file.size else { throw file.endsEarly(in: "a page of \(width) × \(height) pixels") }
    }

    /// The range of a segment's bytes in the file.
    ///
    /// - Throws: ``VolumeError``, `.truncated`, where the range does not lie in the file.
    func segment(_ index: Int, file: TIFFFile) throws(VolumeError) -> Range<Int> {
        let field = offsets
        guard let offset = try file.integer(at: field.offset + index * field.valueSize, size: field.valueSize) else {
            throw file.endsEarly(in: "the list of strips")
        }
        let declared: Int?
        if let byteCounts, index < byteCounts.count {
            declared = try file.integer(at: byteCounts.offset + index * byteCounts.valueSize, size: byteCounts.valueSize)
        } else {
            declared = nil
        }
        // Old files have no sizes of uncompressed strips, and some writers store wrong ones: they are computed.
        let count = compression == .none ? rows(ofSegment: index) * rowSize : declared ?? max(0, file.size - offset)
        let (end, overflows) = offset.addingReportingOverflow(count)
        guard !overflows, end <= file.size else { throw file.endsEarly(in: "a page of \(width) × \(height) pixels") }
        return offset..<end
    }

    /// The number of bytes of a row of a decoded segment.
    var rowSize: Int { segmentWidth * scalarType.size }

    /// The number of rows of a segment: tiles are always whole, the last strip may be shorter.
    func rows(ofSegment index: Int) -> Int {
        isTiled ? segmentHeight : min(segmentHeight, height - index * segmentHeight)
    }

    private static func scalarType(bits: Int, format: Int) -> ScalarType? {
        switch (format, bits) {
        case (1, 8), (4, 8): .uint8
        case (1, 16), (4, 16): .uint16
        case (1, 32), (4, 32): .uint32
        case (1, 64): .uint64
        case (2, 8): .int8
        case (2, 16): .int16
        case (2, 32): .int32
        case (2, 64): .int64
        case (3, 16): .float16
        case (3, 32): .float32
        case (3, 64): .float64
        default: nil
        }
    }
}

/// Reads a rectangle of one page from its strips or tiles.
struct TIFFPageReader {
    let file: TIFFFile
    let page: TIFFPage

    /// Reads a rectangle inside the page as `[y][x]`, little-endian values of the page's scalar type.
    ///
    /// - Complexity: reads or decodes each segment that the rectangle touches. A compressed segment is decoded row by row
    ///   from its beginning, in the memory of one row.
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

    /// The part of a segment that lies in the rectangle, in coordinates of the page.
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
        // If the part has whole rows of the destination, as strips often have, they are read at once; else row by row.
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
