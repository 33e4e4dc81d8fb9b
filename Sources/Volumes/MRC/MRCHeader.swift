import Basics
import Glibc

/// The parsed and checked header of an MRC file. Its values are plausible; `notes` says which odd fields were corrected.
struct MRCHeader {
    let fields: EndianBytes
    let mode: MRCMode
    /// The numbers of columns, rows and sections in the file.
    let fileShape: (columns: Int, rows: Int, sections: Int)
    let axes: AxisOrder
    /// The size of the extended header as the file declares it, in bytes. It may be negative, or more than the file has:
    /// ``dataOffset(dataSize:fileSize:path:)`` decides.
    let extendedHeaderSize: Int
    /// The number of volumes in the file: one, unless it is a volume stack.
    let volumeCount: Int
    private(set) var scalarType = ScalarType.int8
    private(set) var voxelSize: VoxelSize?
    private(set) var notes: [String] = []

    /// Parses the first 1024 bytes of a file.
    ///
    /// - Parameter sizeLimit: the size of the file in bytes; for a compressed file, an upper limit of its decoded size.
    /// - Throws: ``VolumeError``: `.truncated` for fewer than 1024 bytes, `.malformed` where the bytes are not an MRC header,
    ///   `.unsupported` for modes and stacks that are not read.
    init(_ bytes: [UInt8], sizeLimit: Int, path: String) throws(VolumeError) {
        guard bytes.count >= MRCLayout.headerSize else {
            throw VolumeError(
                .truncated, "has \(bytes.count) bytes, fewer than the \(MRCLayout.headerSize) of an MRC header; copy it again",
                path: path)
        }
        let candidate = MRCHeaderCandidate.best(of: bytes, sizeLimit: sizeLimit)
        guard candidate.isSane, let mode = candidate.mode, let shape = candidate.shape, let axes = candidate.axes else {
            throw VolumeError(.malformed, candidate.complaint, path: path)
        }
        fields = candidate.fields
        self.mode = mode
        self.axes = axes
        fileShape = (shape.x, shape.y, shape.z)

        extendedHeaderSize = candidate.int(MRCLayout.extendedHeaderSize)
        let perVolume = candidate.int(MRCLayout.sampling + 8)
        let isStack =
            MRCLayout.volumeStackSpaceGroups ~= candidate.int(MRCLayout.spaceGroup)
            && perVolume > 1 && perVolume < shape.z && shape.z.isMultiple(of: perVolume)
        volumeCount = isStack ? shape.z / perVolume : 1
        guard !isStack || axes.sections == .z else {
            throw VolumeError(
                .unsupported, "is a volume stack with permuted axes, which is not read; rewrite it with axis order 1, 2, 3",
                path: path)
        }

        scalarType = try decodedType(path: path)
        noteOddities(of: candidate)
        voxelSize = readVoxelSize()
    }

    mutating func note(_ sentence: String) { notes.append(sentence) }

    /// The labels in use, without padding and without empty ones.
    var labels: [String] {
        let count = Int(fields.integer(at: MRCLayout.labelCount, as: Int32.self) ?? 0)
        let used = 0...MRCLayout.labelLimit ~= count ? count : MRCLayout.labelLimit
        return (0..<used).compactMap { index in
            let start = MRCLayout.labels + index * MRCLayout.labelSize
            let text = fields.bytes[start..<start + MRCLayout.labelSize].prefix { $0 != 0 }
            let label = String(decoding: text, as: UTF8.self)
            guard let end = label.lastIndex(where: { !$0.isWhitespace }) else { return nil }
            return String(label[...end])
        }
    }

    private func decodedType(path: String) throws(VolumeError) -> ScalarType {
        switch mode {
        case .int8: return bytesAreSigned.value ? .int8 : .uint8
        case .int16: return .int16
        case .float32: return .float32
        case .uint16: return .uint16
        case .float16: return .float16
        case .uint4: return .uint8
        case .complexInt16, .complexFloat32:
            throw VolumeError(
                .unsupported,
                "holds complex numbers (mode \(mode.rawValue)), a Fourier transform and no volume; transform it back",
                path: path)
        case .color:
            throw VolumeError(.unsupported, "holds colours (mode 16) and no densities; convert it to grey values", path: path)
        }
    }

    /// Whether IMOD wrote the file and says that it stores bytes minus 128: the flag for signed bytes under IMOD's stamp.
    var isShiftedByIMOD: Bool {
        mode == .int8 && fields.integer(at: MRCLayout.imodStamp, as: Int32.self) == MRCLayout.imodStampValue
            && bytesAreSigned.value
    }

    /// Whether bytes of mode 0 are signed. `evidence` is the reason where they are unsigned.
    ///
    /// MRC2014 defines signed bytes. Before MRC2014, IMOD and SerialEM wrote unsigned bytes. Newer versions of IMOD set a
    /// flag in the header; for older files, the statistics in the header decide.
    private var bytesAreSigned: (value: Bool, evidence: String?) {
        if fields.integer(at: MRCLayout.imodStamp, as: Int32.self) == MRCLayout.imodStampValue {
            let flags = fields.integer(at: MRCLayout.imodFlags, as: Int32.self) ?? 0
            return flags & 1 == 1 ? (true, nil) : (false, "IMOD's flag in the header says so")
        }
        let minimum = fields.float(at: MRCLayout.minimum) ?? 0
        let maximum = fields.float(at: MRCLayout.maximum) ?? 0
        let mean = fields.float(at: MRCLayout.mean) ?? 0
        guard minimum >= 0, minimum <= maximum, maximum <= 255 else { return (true, nil) }
        if maximum > 127 { return (false, "the header's maximum is \(maximum)") }
        if mean > 127 { return (false, "the header's mean is \(mean)") }
        return (true, nil)
    }

    private mutating func noteOddities(of candidate: MRCHeaderCandidate) {
        if fields.bytes[MRCLayout.identifier..<MRCLayout.identifier + 4] != MRCLayout.identifierBytes[...] {
            note("The header has no MAP identifier; its dimensions, mode and axes are sane.")
        }
        if let stamped = candidate.stampedLittleEndian, stamped != fields.isLittleEndian {
            let order = fields.isLittleEndian ? "little" : "big"
            note("The machine stamp contradicts the rest of the header, which is sane in \(order)-endian order only.")
        }
        if mode == .int8, !bytesAreSigned.value, let evidence = bytesAreSigned.evidence {
            note("Voxels of mode 0 are read as unsigned bytes: \(evidence).")
        }
        if axes != .storage {
            note("The axis order \(axes) of the file is undone: arrays are [z][y][x].")
        }
    }
}

extension MRCHeader {
    /// The offset of the first voxel in bytes: after the header and the extended header.
    ///
    /// Programs that copy a header often keep the size of an extended header that they do not copy. If the declared size cannot be
    /// right, and the file is exactly as long as header and voxels, there is no extended header: a note says so.
    ///
    /// - Parameters:
    ///   - dataSize: the size of all voxels in bytes, as the rest of the header declares it; `Int.max` where it overflows.
    ///   - fileSize: the size of the file in bytes; nil for a compressed file, whose size decides nothing.
    ///   - sizeLimit: an upper limit of the size of the file.
    /// - Throws: ``VolumeError``, `.malformed`, where the declared size is impossible and no other one fits.
    mutating func dataOffset(dataSize: Int, fileSize: Int?, sizeLimit: Int, path: String) throws(VolumeError) -> Int {
        let declared = MRCLayout.headerSize + extendedHeaderSize
        if extendedHeaderSize >= 0, declared <= sizeLimit, dataSize <= sizeLimit - declared { return declared }
        if let fileSize, fileSize - MRCLayout.headerSize == dataSize {
            note(
                "The header declares an extended header of \(extendedHeaderSize) bytes, which is not there: the file is as long as "
                    + "header and voxels.")
            return MRCLayout.headerSize
        }
        // Where the voxels alone are too many, the caller says how many bytes are missing.
        if extendedHeaderSize >= 0, declared <= sizeLimit { return declared }
        let what = extendedHeaderSize < 0 ? "" : ", more than the file has"
        throw VolumeError(
            .malformed,
            "declares an extended header of \(extendedHeaderSize) bytes\(what), and its voxels do not fill the file without one; copy it "
                + "again",
            path: path)
    }

    /// The plausible range of edge y / edge x and of edge z / edge x. An edge outside of it counts as an error of the header.
    private static let plausibleAspect = 1.0 / 16...16.0

    /// The voxel size: cell edge / sampling along each axis. Nil where the one along x is not plausible, and where it is exactly
    /// 1 Å along all axes.
    ///
    /// Programs that write images and not volumes leave z (and sometimes y) undefined: the sampling is 1 or 0, or the
    /// cell edge is 0 or infinite. The voxel size along x then replaces the missing one, with a note.
    mutating func readVoxelSize() -> VoxelSize? {
        guard let x = edge(0) else { return nil }
        func plausible(_ edge: Double?) -> Double? {
            edge.flatMap { Self.plausibleAspect.contains($0 / x) ? $0 : nil }
        }
        let counts = [.x, .y, .z].map { axes.count(along: $0, of: fileShape) }
        // A sampling of 1 along an axis of many voxels would make the whole cell one voxel. It is right only if x has the
        // sampling 1, too: then the cell edges are those of one voxel.
        func isUndersampled(_ axis: Int) -> Bool { sampling(axis) == 1 && counts[axis] > 1 && sampling(0) > 1 }
        let y = isUndersampled(1) ? nil : plausible(edge(1))
        let z = isUndersampled(2) ? nil : plausible(edge(2))
        if y == nil { note("The voxel size along y is absent or absurd; that along x is used.") }
        // A single section has no distance to another one, so its missing voxel size along z needs no note.
        if z == nil && counts[2] > 1 { note("The voxel size along z is absent or absurd; that along x is used.") }
        let angles = [0, 4, 8].compactMap { fields.float(at: MRCLayout.cellAngles + $0) }
        if angles.contains(where: { (1..<179).contains($0) && abs($0 - 90) > 0.01 }) {
            let text = angles.map(\.description).joined(separator: ", ")
            note("The cell is not rectangular (\(text)°): distances are along its edges.")
        }
        // Many programs write 1 where they do not know the voxel size, and no tomogram has voxels of 1 Å.
        if x == 1, y ?? x == 1, z ?? x == 1 {
            note(
                "The voxel size of exactly 1 Å is not believed: programs that do not know it write this. --voxel-size 1 says that it is "
                    + "meant.")
            return nil
        }
        return VoxelSize(xInAngstroms: x, yInAngstroms: y ?? x, zInAngstroms: z ?? x)
    }

    private func sampling(_ axis: Int) -> Int {
        Int(fields.integer(at: MRCLayout.sampling + 4 * axis, as: Int32.self) ?? 0)
    }

    /// The length of a voxel along an axis in Å, rounded to seven digits: nil where it is not plausible.
    ///
    /// Cell edges are float32, which have about seven digits: 235.80000305 Å over 90 voxels is 2.62 Å, not 2.6200000339 Å.
    private func edge(_ axis: Int) -> Double? {
        let length = Double(fields.float(at: MRCLayout.cellEdges + 4 * axis) ?? 0)
        let count = sampling(axis)
        guard count > 0, length.isFinite else { return nil }
        let edge = length / Double(count)
        guard VoxelSize.plausibleRange.contains(edge) else { return nil }
        let scale = pow(10, 6 - floor(log10(edge)))
        return (edge * scale).rounded() / scale
    }
}

/// The header of an MRC file read in one byte order, before it is known whether that order is the right one.
struct MRCHeaderCandidate {
    let fields: EndianBytes
    let size: [Int]
    let mode: MRCMode?
    let axes: AxisOrder?
    /// The numbers of columns, rows and sections as x, y and z; the axis order is not applied.
    let shape: VolumeShape?
    /// Whether the declared voxels could fit into the file.
    private let fits: Bool

    /// - Parameter bytes: at least 1024 bytes.
    private init(_ bytes: [UInt8], isLittleEndian: Bool, sizeLimit: Int) {
        fields = EndianBytes(bytes: bytes, isLittleEndian: isLittleEndian)
        func triple(_ offset: Int) -> [Int] {
            [0, 4, 8].map {
                Int(EndianBytes(bytes: bytes, isLittleEndian: isLittleEndian).integer(at: offset + $0, as: Int32.self) ?? 0)
            }
        }
        size = triple(MRCLayout.size)
        mode = fields.integer(at: MRCLayout.mode, as: Int32.self).flatMap(MRCMode.init)
        let shape = VolumeShape(z: size[2], y: size[1], x: size[0])
        self.shape = shape
        axes = AxisOrder(mrcAxes: triple(MRCLayout.axes))
        // The smallest voxel is half a byte. This test only tells byte orders apart; `MRCVolume` makes the exact one.
        fits = shape.map { $0.count / 2 <= sizeLimit } ?? false
    }

    /// The byte order in which more of the header is valid: shape, mode, axes, and whether the voxels fit into the file.
    ///
    /// The machine stamp is often zero or wrong, so it only decides between two byte orders that are equally valid. Without
    /// a stamp, little-endian is likelier.
    static func best(of bytes: [UInt8], sizeLimit: Int) -> MRCHeaderCandidate {
        let little = MRCHeaderCandidate(bytes, isLittleEndian: true, sizeLimit: sizeLimit)
        let big = MRCHeaderCandidate(bytes, isLittleEndian: false, sizeLimit: sizeLimit)
        if little.merit != big.merit { return little.merit > big.merit ? little : big }
        return little.stampedLittleEndian == false ? big : little
    }

    /// Whether size, mode and axis order are valid for an MRC file.
    var isSane: Bool { shape != nil && mode != nil && axes != nil }

    /// Whether the bytes are an MRC header beyond doubt, whatever the name of the file.
    var isConvincing: Bool { isSane && fits }

    private var merit: Int {
        (shape != nil ? 1 : 0) + (mode != nil ? 1 : 0) + (axes != nil ? 1 : 0) + (isSane && fits ? 1 : 0)
    }

    /// Whether the machine stamp says little-endian; nil where it is neither of the two known stamps.
    var stampedLittleEndian: Bool? {
        switch fields.bytes[MRCLayout.machineStamp] {
        case 0x44: true
        case 0x11: false
        default: nil
        }
    }

    func int(_ offset: Int) -> Int { Int(fields.integer(at: offset, as: Int32.self) ?? 0) }

    /// The error message for a header that is not sane.
    var complaint: String {
        let field =
            if shape == nil {
                "its size is \(size[0]) × \(size[1]) × \(size[2])"
            } else if mode == nil {
                "its mode is \(int(MRCLayout.mode)), where 0, 1, 2, 6, 12 and 101 are read"
            } else {
                "its axis order is \(int(MRCLayout.axes)), \(int(MRCLayout.axes + 4)), \(int(MRCLayout.axes + 8))"
            }
        return "has no sane MRC header: \(field); check that it is an MRC file and copied completely"
    }
}
