public import Basics

/// Writes an MRC file slice by slice, in memory that does not depend on the size of the volume.
///
/// The file appears under its name only after ``finish()`` has written and synchronised all of it. A program that is
/// killed before leaves at most a hidden temporary file in the same folder.
///
/// ```swift
/// let output = try OutputFile("membrane.mrc", replacing: false, protecting: catalog.collection.protectedFiles())
/// let writer = try MRCWriter(output, shape: shape, scalarType: .float32, voxelSize: voxelSize)
/// for z in 0..<shape.z { try writer.append(slice(z)) }
/// try writer.finish()
/// ```
///
/// Voxels of int8, int16, float32, uint16 and float16 are written as modes 0, 1, 2, 6 and 12. MRC2014 has no unsigned
/// bytes: uint8 is widened to uint16 (mode 6), as mrcfile does.
public final class MRCWriter {
    /// The shape of the whole volume.
    public let shape: VolumeShape
    /// The type of the slices passed to ``append(_:)``.
    public let scalarType: ScalarType
    /// The number of slices appended so far.
    public private(set) var sliceCount = 0

    private let file: AtomicFile
    private let storedType: ScalarType
    private let voxelSize: VoxelSize?
    private let labels: [String]
    private var statistics = VoxelMoments()

    /// Creates a temporary file in the folder of the output.
    ///
    /// - Parameters:
    ///   - output: the file that ``finish()`` creates.
    ///   - shape: the number of voxels along each axis.
    ///   - scalarType: the type of the slices.
    ///   - voxelSize: nil leaves the cell edges 0, which means undefined.
    ///   - labels: at most ten lines of 80 ASCII characters; what is beyond is cut off, other characters become `?`.
    /// - Throws: ``VolumeError``: `.unsupported` where MRC has no mode for the type, `.unwritable` where the folder cannot be
    ///   written.
    public init(
        _ output: OutputFile, shape: VolumeShape, scalarType: ScalarType, voxelSize: VoxelSize?, labels: [String] = []
    ) throws(VolumeError) {
        let stored = scalarType == .uint8 ? .uint16 : scalarType
        guard MRCMode(stored) != nil else {
            throw VolumeError(
                .unsupported, "cannot hold voxels of \(scalarType); give int8, int16, uint16, float16 or float32",
                path: output.path)
        }
        self.shape = shape
        self.scalarType = scalarType
        self.voxelSize = voxelSize
        self.labels = labels
        storedType = stored
        file = try AtomicFile(output)
        // The header comes last, when the statistics are known.
        try file.write([UInt8](repeating: 0, count: MRCLayout.headerSize).span.bytes)
    }

    /// Appends one or more slices.
    ///
    /// - Parameter slices: `[z][y][x]`, with the rows and columns of the shape and of `scalarType`.
    /// - Throws: ``VolumeError``: `.outOfBounds` for slices of another size or type, or beyond the last one; `.unwritable`.
    /// - Complexity: one pass over the voxels for the statistics of the header.
    public func append(_ slices: VoxelBuffer) throws(VolumeError) {
        guard slices.shape.x == shape.x, slices.shape.y == shape.y, slices.scalarType == scalarType else {
            throw VolumeError(
                .outOfBounds,
                "cannot take slices of \(slices.shape) \(slices.scalarType) voxels; give \(shape.x) × \(shape.y) of \(scalarType)",
                path: file.path)
        }
        guard slices.shape.z <= shape.z - sliceCount else {
            throw .outOfBounds("slice \(shape.z)", shape: shape, path: file.path)
        }
        statistics.add(slices)
        if scalarType == storedType {
            try file.write(slices.bytes.span.bytes)
        } else {
            try file.write(slices.bytes.map(UInt16.init).span.bytes)
        }
        sliceCount += slices.shape.z
    }

    /// Writes the header and commits the file under its name.
    ///
    /// - Throws: ``VolumeError``: `.truncated` where slices are missing; `.unwritable` or `.alreadyExists` as
    ///   ``AtomicFile/commit()`` does.
    public func finish() throws(VolumeError) {
        guard sliceCount == shape.z else {
            throw VolumeError(
                .truncated,
                "lacks \(shape.z - sliceCount) of its \(shape.z) slices and was not written; append all of them first",
                path: file.path)
        }
        try file.write(headerBytes().span.bytes, at: 0)
        try file.commit()
    }

    private func headerBytes() -> [UInt8] {
        var header = [UInt8](repeating: 0, count: MRCLayout.headerSize)
        func put(_ values: [Int32], at offset: Int) {
            for (index, value) in values.enumerated() {
                withUnsafeBytes(of: value.littleEndian) {
                    header.replaceSubrange(offset + 4 * index..<offset + 4 * index + 4, with: $0)
                }
            }
        }
        func putFloats(_ values: [Double], at offset: Int) {
            put(values.map { Int32(bitPattern: Float($0).bitPattern) }, at: offset)
        }
        let counts = [shape.x, shape.y, shape.z].map { Int32(clamping: $0) }
        put(counts, at: MRCLayout.size)
        put([MRCMode(storedType)?.rawValue ?? 0], at: MRCLayout.mode)
        put(counts, at: MRCLayout.sampling)
        if let voxelSize {
            putFloats(
                [
                    voxelSize.xInAngstroms * Double(shape.x), voxelSize.yInAngstroms * Double(shape.y),
                    voxelSize.zInAngstroms * Double(shape.z),
                ], at: MRCLayout.cellEdges)
        }
        putFloats([90, 90, 90], at: MRCLayout.cellAngles)
        put([1, 2, 3], at: MRCLayout.axes)
        // Maximum < minimum, mean below both and deviation < 0 say in MRC2014 that the statistics are not known. They are
        // not known where a voxel is NaN or infinite.
        let known = statistics.nonFiniteCount == 0
        putFloats([known ? statistics.minimum : 0], at: MRCLayout.minimum)
        putFloats([known ? statistics.maximum : -1], at: MRCLayout.maximum)
        putFloats([known ? statistics.mean : -2], at: MRCLayout.mean)
        putFloats([known ? statistics.standardDeviation : -1], at: MRCLayout.deviation)
        put([1], at: MRCLayout.spaceGroup)
        put([MRCLayout.formatVersion], at: MRCLayout.version)
        header.replaceSubrange(MRCLayout.identifier..<MRCLayout.identifier + 4, with: MRCLayout.identifierBytes)
        header.replaceSubrange(MRCLayout.machineStamp..<MRCLayout.machineStamp + 2, with: [0x44, 0x44])
        let lines = labels.prefix(MRCLayout.labelLimit).map { label in
            label.utf8.map { (32..<127).contains($0) ? $0 : UInt8(ascii: "?") }.prefix(MRCLayout.labelSize)
        }
        put([Int32(lines.count)], at: MRCLayout.labelCount)
        for (index, line) in lines.enumerated() {
            let start = MRCLayout.labels + index * MRCLayout.labelSize
            header.replaceSubrange(start..<start + line.count, with: line)
        }
        return header
    }
}
