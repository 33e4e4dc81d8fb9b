import Basics

/// The header of an MRC file, understood: what it says is sane, and what was odd stands in `notes`.
struct MRCHeader {
    let fields: EndianBytes
    let mode: MRCMode
    /// The numbers of columns, rows and sections in the file.
    let fileShape: (columns: Int, rows: Int, sections: Int)
    let axes: AxisOrder
    /// The offset of the first voxel: behind the header and the extended header.
    let dataOffset: Int
    /// The number of volumes in the file: one, unless it is a volume stack.
    let volumeCount: Int
    private(set) var scalarType = ScalarType.int8
    private(set) var voxelSize: VoxelSize?
    private(set) var notes: [String] = []

    /// Reads the first 1024 bytes of a file.
    ///
    /// - Parameter sizeLimit: the size of the file, or for a compressed one a limit of what it decodes to.
    /// - Throws: ``VolumeError`` where they are no MRC header, or one of a kind that is not read.
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

        let extended = candidate.int(MRCLayout.extendedHeaderSize)
        guard extended >= 0 else {
            throw VolumeError(.malformed, "declares an extended header of \(extended) bytes; its header is damaged", path: path)
        }
        dataOffset = MRCLayout.headerSize + extended
        guard dataOffset <= sizeLimit else {
            throw VolumeError(
                .malformed, "declares an extended header of \(extended) bytes, more than the file has; its header is damaged",
                path: path)
        }

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

    /// The labels in use, without padding.
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

    /// Whether mode 0 means signed bytes, and what says so.
    ///
    /// MRC2014 defines signed bytes. Before it, IMOD and SerialEM wrote unsigned ones; newer IMODs leave a flag, and
    /// of older files the statistics in the header give evidence.
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
