public import Basics
import Glibc

/// A volume in a TIFF file: each page is a slice, `[z]` = pages in the order of the file.
///
/// Reads grey pages of 8 to 64 bits, integers or floats, in strips or tiles, TIFF and BigTIFF, either byte order,
/// uncompressed or compressed by deflate or LZW, with predictors 1 to 3. Also reads ImageJ's files beyond 4 GB, which have
/// one page directory and then all slices one after another. Reduced copies of pages (thumbnails) are skipped.
public struct TIFFVolume: Volume {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    public let header: VolumeHeader
    public let chunkShape: VolumeShape

    private let file: TIFFFile
    private let pages: [TIFFPage]
    /// All slices as one array, for ImageJ's files beyond 4 GB; nil for all others.
    private let raster: Raster?

    /// Opens a file and reads its list of pages.
    ///
    /// - Throws: ``VolumeError``: `.unreadable`, `.malformed` for what is not a TIFF file or is damaged, `.truncated` where
    ///   it ends early, `.unsupported` for kinds of pages that are not read and for pages of different shapes, `.tooLarge`
    ///   for too many pages.
    /// - Complexity: a few small reads for each page.
    public init(path: String) throws(VolumeError) {
        let file = try TIFFFile(path: path)
        var pages: [TIFFPage] = []
        var first: TIFFDirectory?
        for directory in try file.directories() {
            // Bit 0 marks a reduced copy of another page, as viewers make them.
            if (try directory.integer(.newSubfileType) ?? 0) & 1 == 1 { continue }
            let page = try TIFFPage(directory, file: file)
            if let other = pages.first,
                (other.width, other.height, other.scalarType) != (page.width, page.height, page.scalarType)
            {
                throw VolumeError(
                    .unsupported,
                    """
                    has pages of different shapes: page 1 is \(other.width) × \(other.height) \(other.scalarType), page \
                    \(pages.count + 1) is \(page.width) × \(page.height) \(page.scalarType); save those of one shape as a file
                    """, path: path)
            }
            if first == nil { first = directory }
            pages.append(page)
        }
        guard let page = pages.first, let first else {
            throw VolumeError(.malformed, "is a TIFF file without pages; copy it again", path: path)
        }
        let metadata = try TIFFMetadata(first)
        let sliceCount = pages.count == 1 ? max(1, metadata.imageCount) : pages.count
        guard let shape = VolumeShape(z: sliceCount, y: page.height, x: page.width) else {
            throw VolumeError(
                .malformed, "declares \(page.width) × \(page.height) × \(sliceCount) voxels; copy it again", path: path)
        }
        raster = sliceCount == pages.count ? nil : try Self.contiguous(shape, page: page, file: file)
        guard raster != nil || shape.count * page.scalarType.size / page.compression.ratioLimit <= file.size else {
            throw VolumeError(.malformed, "has pages that share their pixels; the file is damaged, copy it again", path: path)
        }
        self.file = file
        self.pages = pages
        self.shape = shape
        scalarType = page.scalarType
        let isChunked = page.compression != .none || page.isTiled
        chunkShape =
            VolumeShape(z: 1, y: isChunked ? min(page.segmentHeight, page.height) : 1, x: min(page.segmentWidth, page.width))
            ?? shape
        header = VolumeHeader(
            path: path, format: file.isBig ? "BigTIFF" : "TIFF", voxelSize: metadata.voxelSize,
            labels: metadata.label.map { [$0] } ?? [], notes: metadata.notes)
    }

    /// All slices of an ImageJ file beyond 4 GB: they follow the first one without a gap.
    private static func contiguous(_ shape: VolumeShape, page: TIFFPage, file: TIFFFile) throws(VolumeError) -> Raster {
        guard page.compression == .none, !page.isTiled else {
            throw VolumeError(
                .unsupported, "has one page but says that it holds \(shape.z) images; save it as a stack again", path: file.path)
        }
        let start = try page.segment(0, file: file).lowerBound
        for index in 1..<max(1, page.segmentRows) {
            guard try page.segment(index, file: file).lowerBound == start + index * page.segmentHeight * page.rowSize else {
                throw VolumeError(
                    .malformed, "has slices that do not follow each other; save it as a stack again", path: file.path)
            }
        }
        let raster = Raster(offset: start, shape: shape, scalarType: page.scalarType, isLittleEndian: file.isLittleEndian)
        guard raster.byteCount <= file.size - start else {
            throw VolumeError(
                .truncated, "declares \(raster.byteCount) bytes of voxels but has \(file.size - start); copy it again",
                path: file.path)
        }
        return raster
    }

    public func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        if let raster { return try raster.read(box, from: file.source, into: destination) }
        try box.check(inside: shape, destination: destination, scalarType: scalarType, path: file.path)
        let sliceSize = box.shape.voxelsPerSlice * scalarType.size
        for (index, z) in box.z.enumerated() {
            let slice = UnsafeMutableRawBufferPointer(rebasing: destination[index * sliceSize..<(index + 1) * sliceSize])
            try TIFFPageReader(file: file, page: pages[z]).read(rows: box.y, columns: box.x, into: slice)
        }
    }
}

/// Voxel size, number of slices and label from the tags of the first page.
private struct TIFFMetadata {
    /// The number of slices that ImageJ's description gives; 1 where there is none.
    private(set) var imageCount = 1
    private(set) var voxelSize: VoxelSize?
    private(set) var notes: [String] = []
    /// The description, if it is one line of at most 200 bytes and not ImageJ's.
    private(set) var label: String?

    init(_ directory: TIFFDirectory) throws(VolumeError) {
        let description = try directory.text(.imageDescription)
        let x = try directory.rational(.xResolution)
        let y = try directory.rational(.yResolution)
        if description.hasPrefix("ImageJ=") {
            readImageJ(description, pixelsPerUnit: (x, y))
        } else {
            // Unit 1 means "no unit", 2 inch, 3 centimetre. Resolutions of screens and printers (72 or 300 dots per inch)
            // give voxels that `VoxelSize.plausibleRange` refuses.
            let unit: LengthUnit? =
                switch try directory.integer(.resolutionUnit) ?? 2 {
                case 2: .inch
                case 3: .centimeter
                default: nil
                }
            setVoxelSize(pixelsPerUnit: (x, y), spacing: nil, unit: unit)
            if !description.isEmpty, description.utf8.count <= 200, !description.contains("\n") { label = description }
        }
    }

    /// Parses ImageJ's description, which has lines of `key=value`.
    private mutating func readImageJ(_ description: String, pixelsPerUnit: (x: Double?, y: Double?)) {
        var values: [Substring: Substring] = [:]
        for line in description.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        imageCount = values["images"].flatMap { Int($0) } ?? 1
        let others = ["channels", "frames"].filter { values[$0].flatMap { Int($0) } ?? 1 > 1 }
        if !others.isEmpty {
            note("The hyperstack has several \(others.joined(separator: " and ")); all images are read as slices.")
        }
        setVoxelSize(
            pixelsPerUnit: pixelsPerUnit, spacing: values["spacing"].flatMap { Double($0) },
            unit: values["unit"].flatMap(Self.unit))
    }

    private mutating func setVoxelSize(
        pixelsPerUnit: (x: Double?, y: Double?), spacing: Double?, unit: LengthUnit?
    ) {
        guard let unit = unit?.inAngstroms, let resolution = pixelsPerUnit.x else { return }
        // Resolutions are fractions of 32-bit numbers. Rounding to six digits restores the value that was meant.
        func edge(_ length: Double) -> Double? {
            guard VoxelSize.plausibleRange.contains(length) else { return nil }
            let scale = pow(10, 5 - floor(log10(length)))
            return (length * scale).rounded() / scale
        }
        guard let x = edge(unit / resolution) else { return }
        let y = pixelsPerUnit.y.flatMap { edge(unit / $0) }
        let z = spacing.flatMap { edge(abs($0) * unit) }
        voxelSize = VoxelSize(xInAngstroms: x, yInAngstroms: y ?? x, zInAngstroms: z ?? x)
        if z == nil { note("The file has no voxel size along z; that along x is used.") }
    }

    private mutating func note(_ sentence: String) { notes.append(sentence) }

    /// The unit as ImageJ spells it.
    ///
    /// ImageJ writes µ and Å as six characters (`\u00B5`). Old files have µ as one Latin-1 byte, which decodes to U+FFFD.
    private static func unit(_ text: Substring) -> LengthUnit? {
        let escapes = ["\\u00b5": "µ", "\\u00c5": "å", "\\u00e5": "å", "\u{fffd}": "µ"]
        return LengthUnit(named: escapes.reduce(text.lowercased()) { $0.replacing($1.key, with: $1.value) })
    }
}
