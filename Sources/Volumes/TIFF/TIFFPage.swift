import Basics

/// One page of a TIFF file: its shape, its type, and where its strips or tiles are.
struct TIFFPage: Sendable {
    let width: Int
    let height: Int
    let scalarType: ScalarType
    let compression: TIFFCompression
    /// 1 none, 2 horizontal differences, 3 differences of float bytes.
    let predictor: Int
    /// The size of a segment, which is a strip or a tile. Tiles may reach over the edge of the page; strips are as
    /// wide as the page.
    let segmentWidth: Int
    let segmentHeight: Int
    let isTiled: Bool
    /// Where the segments and their sizes are listed.
    private let offsets: TIFFDirectory.Field
    private let byteCounts: TIFFDirectory.Field?

    /// Segments in a row of them, and rows of them.
    var segmentColumns: Int { (width + segmentWidth - 1) / segmentWidth }
    var segmentRows: Int { (height + segmentHeight - 1) / segmentHeight }

    /// - Throws: ``VolumeError`` where the page is of a kind that is not read, or cannot be in the file.
    init(_ directory: TIFFDirectory, file: TIFFFile) throws(VolumeError) {
        func unsupported(_ what: String) -> VolumeError {
            VolumeError(.unsupported, "\(what), which is not read; save it as a grey stack without compression", path: file.path)
        }
        guard let width = try directory.integer(.imageWidth), let height = try directory.integer(.imageLength),
            let shape = VolumeShape(z: 1, y: height, x: width)
        else { throw VolumeError(.malformed, "has a page without a size; the file is damaged", path: file.path) }
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
        else { throw VolumeError(.malformed, "has a page without strips or tiles; the file is damaged", path: file.path) }
        // A row of a tile is decoded in memory; one far wider than the page has no sense.
        guard segment.width <= max(width, 1 << 16) else {
            throw VolumeError(.malformed, "has tiles of \(segment.width) pixels in width; the file is damaged", path: file.path)
        }
        (segmentWidth, segmentHeight) = segment
        self.offsets = offsets
        byteCounts = directory.field(isTiled ? .tileByteCounts : .stripByteCounts)

        // Nothing of the declared size is allocated before it is known that the file can hold it.
        let limit = file.size * compression.ratioLimit / scalarType.size
        guard shape.count <= limit, segmentShape.count <= limit, offsets.count >= segmentRows * segmentColumns else {
            throw file.endsEarly(in: "a page of \(width) × \(height) pixels")
        }
        let last = try self.segment(segmentRows * segmentColumns - 1, file: file)
        guard last.upperBound <= file.size else { throw file.endsEarly(in: "a page of \(width) × \(height) pixels") }
    }

    /// The bytes of a segment in the file.
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
        // Old files leave the sizes of uncompressed strips out, and some writers get them wrong.
        let count = compression == .none ? rows(ofSegment: index) * rowSize : declared ?? max(0, file.size - offset)
        let (end, overflows) = offset.addingReportingOverflow(count)
        guard !overflows, end <= file.size else { throw file.endsEarly(in: "a page of \(width) × \(height) pixels") }
        return offset..<end
    }

    /// The number of bytes of a row of a decoded segment.
    var rowSize: Int { segmentWidth * scalarType.size }

    /// The number of rows that a segment has: tiles are always whole, the last strip may be short.
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
