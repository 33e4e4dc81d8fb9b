public import Basics

/// A volume in an MRC file (also called map, rec, st, ali, ccp4), plain or compressed by gzip.
///
/// Reads modes 0, 1, 2, 6, 12 and 101, in either byte order and any axis order, with or without extended header. Header
/// fields that cannot be right are replaced by the likelier value; ``VolumeHeader/notes`` has a sentence for each.
///
/// Source: https://www.ccpem.ac.uk/mrc_format/mrc2014.php
public struct MRCVolume: Volume {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    public let header: VolumeHeader
    public let chunkShape: VolumeShape

    /// Whether IMOD wrote the file and stores bytes minus 128 (signed bytes of mode 0 under its stamp): its 0 is read as −128.
    /// Grey values stay as they are stored; ``LabelVolume`` undoes this.
    let isShiftedByIMOD: Bool

    private let source: any ByteSource
    private let raster: Raster
    /// The source if it is a gzip file that ends with this volume: its checksum is then verified after the last voxel.
    private let endsCompressed: GzipSource?

    /// Opens a file and reads its header.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - member: the number of the volume, from 0, in a volume stack (space groups 401 to 630); nil for all other files.
    /// - Throws: ``VolumeError``: `.unreadable`, `.malformed` for what is not an MRC file, `.unsupported` for a mode or stack
    ///   that is not read, `.truncated` where the file is shorter than its header says, `.ambiguous` where a stack has several
    ///   volumes and `member` is nil, `.outOfBounds` where it has no volume of this number.
    /// - Complexity: reads the header only.
    public init(path: String, member: String? = nil) throws(VolumeError) {
        let file = try FileSource(path: path)
        let isCompressed = GzipSource.isGzip(try file.bytes(at: 0, count: 2))
        let source: any ByteSource = isCompressed ? GzipSource(file: file) : file
        try self.init(source: source, format: isCompressed ? "MRC (gzip)" : "MRC", member: member)
    }

    private init(source: any ByteSource, format: String, member: String?) throws(VolumeError) {
        let path = source.path
        let bytes = try source.bytes(at: 0, count: MRCLayout.headerSize)
        if let other = ForeignFormat(bytes, path: path) { throw VolumeError(.unsupported, other.sentence, path: path) }
        var fields = try MRCHeader(bytes, sizeLimit: source.byteCountLimit, path: path)

        let (columns, rows, sections) = fields.fileShape
        let perVolume = sections / fields.volumeCount
        let file = (columns, rows, perVolume)
        let counts = [AxisOrder.Axis.z, .y, .x].map { fields.axes.count(along: $0, of: file) }
        guard let shape = VolumeShape(z: counts[0], y: counts[1], x: counts[2]) else {
            throw VolumeError(.malformed, "declares \(columns) × \(rows) × \(sections) voxels; copy it again", path: path)
        }
        let index = try Self.volumeIndex(member, volumeCount: fields.volumeCount, shape: shape, path: path)
        func raster(at offset: Int) -> Raster {
            Raster(
                offset: offset, shape: shape, scalarType: fields.scalarType, axes: fields.axes,
                isLittleEndian: fields.fields.isLittleEndian, packing: fields.mode == .uint4 ? .nibbles : .wholeBytes)
        }
        let volumeSize = raster(at: 0).byteCount
        let (product, overflows) = volumeSize.multipliedReportingOverflow(by: fields.volumeCount)
        let dataSize = overflows ? Int.max : product
        let dataOffset = try fields.dataOffset(
            dataSize: dataSize, fileSize: source.byteCount, sizeLimit: source.byteCountLimit, path: path)
        guard dataSize <= source.byteCountLimit - dataOffset else {
            throw Self.truncated(source: source, offset: dataOffset, dataSize: dataSize)
        }
        if let byteCount = source.byteCount, byteCount > dataOffset + dataSize {
            fields.note("The file is \(byteCount - dataOffset - dataSize) bytes longer than its header says.")
        }

        self.source = source
        self.raster = raster(at: dataOffset + index * volumeSize)
        endsCompressed = index == fields.volumeCount - 1 ? source as? GzipSource : nil
        self.shape = shape
        scalarType = fields.scalarType
        isShiftedByIMOD = fields.isShiftedByIMOD
        // To read one row of a compressed file, everything before it is decoded. A section costs hardly more.
        chunkShape = source.byteCount == nil ? self.raster.sectionShape : self.raster.rowShape
        header = VolumeHeader(path: path, format: format, voxelSize: fields.voxelSize, labels: fields.labels, notes: fields.notes)
    }

    public func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        try raster.read(box, from: source, into: destination)
        let reachesEnd = box.z.upperBound == shape.z && box.y.upperBound == shape.y && box.x.upperBound == shape.x
        if reachesEnd { try endsCompressed?.verify(before: raster.offset + raster.byteCount) }
    }

    /// The number of the volume, from 0, that the member names.
    private static func volumeIndex(
        _ member: String?, volumeCount: Int, shape: VolumeShape, path: String
    ) throws(VolumeError) -> Int {
        guard let member else {
            guard volumeCount == 1 else {
                throw VolumeError(
                    .ambiguous, "is a stack of \(volumeCount) volumes of \(shape) voxels: name one, such as \(path):0", path: path
                )
            }
            return 0
        }
        guard let index = Int(member), (0..<volumeCount).contains(index) else {
            let choice = volumeCount == 1 ? "it holds one volume: leave :\(member) out" : "name one of 0 to \(volumeCount - 1)"
            throw VolumeError(.outOfBounds, "has no volume \"\(member)\"; \(choice)", path: path)
        }
        return index
    }

    private static func truncated(source: any ByteSource, offset: Int, dataSize: Int) -> VolumeError {
        let available = max(0, source.byteCountLimit - offset)
        return VolumeError(
            .truncated,
            """
            declares \(dataSize) bytes of voxels but has \(source.byteCount == nil ? "at most " : "")\(available), \
            \(dataSize - available) too few; copy it again
            """, path: source.path)
    }
}
