public import Basics

/// A stack of pages in a TIFF file; each page is a slice.
///
/// Read are grey pages of 8 to 64 bits, integers or floats, in strips or tiles, TIFF and BigTIFF, either byte order,
/// uncompressed or compressed by deflate or LZW, with predictors 1 to 3; and the files of ImageJ beyond 4 GB, which
/// have one page directory and all slices behind each other.
public struct TIFFVolume: Volume {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    public let header: VolumeHeader
    public let chunkShape: VolumeShape

    private let file: TIFFFile
    private let pages: [TIFFPage]
    /// All slices as one array, where they lie so.
    private let raster: Raster?

    /// Opens a file and reads its list of pages.
    ///
    /// - Throws: ``VolumeError`` where the file cannot be read, is no TIFF file, is of a kind that is not read, ends
    ///   early, or has pages of different shapes.
    /// - Complexity: a few small reads for each page.
    public init(path: String) throws(VolumeError) {
        let file = try TIFFFile(path: path)
        var pages: [TIFFPage] = []
        var first: TIFFDirectory?
        for directory in try file.directories() {
            // Bit 0: a reduced copy of another page, as viewers make them.
            if (try directory.integer(.newSubfileType) ?? 0) & 1 == 1 { continue }
            let page = try TIFFPage(directory, file: file)
            if let other = pages.first,
                (other.width, other.height, other.scalarType) != (page.width, page.height, page.scalarType)
            {
                throw VolumeError(
                    .unsupported,
                    """
                    has pages of different shapes: page 1 is \(other.width) × \(other.height) \(other.scalarType), page \
                    \(pages.count + 1) is \(page.width) × \(page.height) \(page.scalarType); a volume has slices of one shape
                    """, path: path)
            }
            if first == nil { first = directory }
            pages.append(page)
        }
        guard let page = pages.first, let first else {
            throw VolumeError(.malformed, "is a TIFF file without pages", path: path)
        }
        let metadata = try TIFFMetadata(first)
        let sliceCount = pages.count == 1 ? max(1, metadata.imageCount) : pages.count
        guard let shape = VolumeShape(z: sliceCount, y: page.height, x: page.width) else {
            throw VolumeError(.malformed, "declares \(page.width) × \(page.height) × \(sliceCount) voxels", path: path)
        }
        raster = sliceCount == pages.count ? nil : try Self.contiguous(shape, page: page, file: file)
        guard raster != nil || shape.count * page.scalarType.size / page.compression.ratioLimit <= file.size else {
            throw VolumeError(.malformed, "has pages that share their pixels; the file is damaged", path: path)
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

    /// The slices of an ImageJ file beyond 4 GB: they follow the first one without anything between.
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
        let sliceSize = box.shape.sliceCount * scalarType.size
        for (index, z) in box.z.enumerated() {
            let slice = UnsafeMutableRawBufferPointer(rebasing: destination[index * sliceSize..<(index + 1) * sliceSize])
            try TIFFPageReader(file: file, page: pages[z]).read(rows: box.y, columns: box.x, into: slice)
        }
    }
}
