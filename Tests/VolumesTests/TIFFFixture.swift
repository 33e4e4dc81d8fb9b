import Volumes

/// The bytes of a TIFF file, page by page, so that a test can put down any oddity.
struct TIFFFixture {
    struct Page {
        var width = 4
        var height = 3
        var bits = 8
        var format: Int?
        var compression = 1
        var predictor: Int?
        /// Tile width and length, or rows in a strip.
        var tile: (width: Int, height: Int)?
        var rowsPerStrip: Int?
        /// The segments as they stand in the file.
        var segments: [[UInt8]] = [Array(0..<12)]
        var description: String?
        /// Pixels per unit as a fraction, and the number of the unit.
        var resolution: (x: (Int, Int), y: (Int, Int), unit: Int)?
        /// Further tags of type LONG.
        var extra: [UInt16: Int] = [:]
    }

    var isLittleEndian = true
    var isBig = false
    var pages = [Page()]
    /// Bytes behind everything else.
    var tail: [UInt8] = []
    /// The offset that the last page names as its next, to make loops.
    var lastNext: Int?

    private func number(_ value: Int, size: Int) -> [UInt8] {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        return isLittleEndian ? bytes : bytes.reversed()
    }

    var bytes: [UInt8] {
        let offsetSize = isBig ? 8 : 4
        var file: [UInt8] = Array((isLittleEndian ? "II" : "MM").utf8) + number(isBig ? 43 : 42, size: 2)
        if isBig { file += number(8, size: 2) + number(0, size: 2) }
        var link = file.count
        file += number(0, size: offsetSize)
        for (index, page) in pages.enumerated() {
            // The segments of a page follow each other, before its directory.
            var offsets: [Int] = []
            for segment in page.segments {
                offsets.append(file.count)
                file += segment
            }
            if file.count % 2 == 1 { file.append(0) }
            var fields: [(tag: UInt16, type: Int, count: Int, value: [UInt8])] = []
            func long(_ tag: UInt16, _ values: [Int]) {
                let size = isBig ? 8 : 4
                fields.append((tag, isBig ? 16 : 4, values.count, values.flatMap { number($0, size: size) }))
            }
            func short(_ tag: UInt16, _ value: Int) { fields.append((tag, 3, 1, number(value, size: 2))) }
            long(256, [page.width])
            long(257, [page.height])
            short(258, page.bits)
            short(259, page.compression)
            if let description = page.description {
                fields.append((270, 2, description.utf8.count + 1, Array(description.utf8) + [0]))
            }
            long(page.tile == nil ? 273 : 324, offsets)
            if let rows = page.rowsPerStrip { long(278, [rows]) }
            long(page.tile == nil ? 279 : 325, page.segments.map(\.count))
            if let resolution = page.resolution {
                fields.append((282, 5, 1, number(resolution.x.0, size: 4) + number(resolution.x.1, size: 4)))
                fields.append((283, 5, 1, number(resolution.y.0, size: 4) + number(resolution.y.1, size: 4)))
                short(296, resolution.unit)
            }
            if let predictor = page.predictor { short(317, predictor) }
            if let tile = page.tile {
                long(322, [tile.width])
                long(323, [tile.height])
            }
            if let format = page.format { short(339, format) }
            for (tag, value) in page.extra.sorted(by: { $0.key < $1.key }) { long(tag, [value]) }

            var directory = number(fields.count, size: isBig ? 8 : 2)
            let start = file.count
            var heap = start + directory.count + fields.count * (isBig ? 20 : 12) + offsetSize
            var values: [UInt8] = []
            for field in fields.sorted(by: { $0.tag < $1.tag }) {
                directory += number(Int(field.tag), size: 2) + number(field.type, size: 2) + number(field.count, size: offsetSize)
                if field.value.count <= offsetSize {
                    directory += field.value + [UInt8](repeating: 0, count: offsetSize - field.value.count)
                } else {
                    directory += number(heap, size: offsetSize)
                    values += field.value
                    heap += field.value.count
                }
            }
            file.replaceSubrange(link..<link + offsetSize, with: number(start, size: offsetSize))
            link = start + directory.count
            directory += number(index == pages.count - 1 ? lastNext ?? 0 : 0, size: offsetSize)
            file += directory + values
        }
        return file + tail
    }

    /// Values as bytes in the byte order of the file.
    func stored<Value: FixedWidthInteger>(_ values: [Value]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: isLittleEndian ? value.littleEndian : value.bigEndian) { Array($0) } }
    }
}
