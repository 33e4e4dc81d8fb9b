public import Basics

/// Writes an MRC file slice by slice, in memory that does not depend on the size of the volume.
///
/// The file appears under its name when ``finish()`` has written and synchronised all of it, never before: a program
/// that is killed leaves at most a hidden temporary file beside it.
///
/// ```swift
/// let output = try OutputFile("membrane.mrc", replacing: false, keeping: catalog.knownFiles())
/// let writer = try MRCWriter(output, shape: shape, scalarType: .float32, voxelSize: voxelSize)
/// for z in 0..<shape.z { try writer.append(slice(z)) }
/// try writer.finish()
/// ```
///
/// Voxels of int8, int16, float32, uint16 and float16 become modes 0, 1, 2, 6 and 12. MRC2014 has no unsigned bytes:
/// uint8 is widened to uint16, mode 6, which is what mrcfile does.
public final class MRCWriter {
    /// The shape of the volume to be written.
    public let shape: VolumeShape
    /// The type of the slices to be appended.
    public let scalarType: ScalarType
    /// The number of slices that were appended so far.
    public private(set) var sliceCount = 0

    private let file: AtomicFile
    private let storedType: ScalarType
    private let voxelSize: VoxelSize?
    private let labels: [String]
    private var statistics = VoxelMoments()

    /// Creates a temporary file in the folder of the output.
    ///
    /// - Parameters:
    ///   - output: the file that is to appear in the end.
    ///   - shape: the number of voxels.
    ///   - scalarType: the type of the slices.
    ///   - voxelSize: nil leaves it undefined in the file.
    ///   - labels: at most ten lines of 80 ASCII characters; more are cut off.
    /// - Throws: ``VolumeError`` where the type has no mode, or the folder cannot be written.
    public init(
        _ output: OutputFile, shape: VolumeShape, scalarType: ScalarType, voxelSize: VoxelSize?, labels: [String] = []
    ) throws(VolumeError) {
        let stored = scalarType == .uint8 ? .uint16 : scalarType
        guard MRCMode(stored) != nil else {
            throw VolumeError(
                .unsupported, "cannot hold voxels of \(scalarType): MRC has int8, int16, uint16, float16 and float32",
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
    /// - Parameter slices: whole slices of the shape's rows and columns, of `scalarType`.
    /// - Throws: ``VolumeError`` where they are not, are too many, or cannot be written.
    /// - Complexity: one pass over the voxels for the statistics of the header.
    public func append(_ slices: VoxelBuffer) throws(VolumeError) {
        guard slices.shape.x == shape.x, slices.shape.y == shape.y, slices.scalarType == scalarType else {
            throw VolumeError(
                .outOfBounds,
                "takes slices of \(shape.x) × \(shape.y) \(scalarType) voxels, not \(slices.shape) of \(slices.scalarType)",
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

    /// Writes the header and lets the file appear under its name.
    ///
    /// - Throws: ``VolumeError`` where slices are missing, or the file cannot be written; then nothing appears.
    public func finish() throws(VolumeError) {
        guard sliceCount == shape.z else {
            throw VolumeError(
                .truncated, "lacks \(shape.z - sliceCount) of its \(shape.z) slices and was not written", path: file.path)
        }
        try file.write(headerBytes().span.bytes, at: 0)
        try file.publish()
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
        // maximum < minimum, mean below both, deviation < 0: how MRC2014 says that statistics are not known, as they
        // are not of voxels that are no numbers.
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

extension MRCMode {
    /// The mode of voxels that are stored as they are.
    init?(_ scalarType: ScalarType) {
        switch scalarType {
        case .int8: self = .int8
        case .int16: self = .int16
        case .float32: self = .float32
        case .uint16: self = .uint16
        case .float16: self = .float16
        default: return nil
        }
    }
}
