/// The header of an MRC file as one byte order reads it, before it is known whether that order is the right one.
struct MRCHeaderCandidate {
    let fields: EndianBytes
    let size: [Int]
    let mode: MRCMode?
    let axes: AxisOrder?
    /// Columns, rows and sections in the places of x, y and z.
    let shape: VolumeShape?
    /// Whether the declared voxels would fit the file.
    private let fits: Bool

    /// At least 1024 bytes.
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
        // Half a byte is the smallest voxel. The exact test comes later; this one tells byte orders apart.
        fits = shape.map { $0.count / 2 <= sizeLimit } ?? false
    }

    /// The reading that makes sense. The machine stamp is often zero or wrong, so it only decides between two readings
    /// that are equally good; without it, little-endian is likelier.
    static func best(of bytes: [UInt8], sizeLimit: Int) -> MRCHeaderCandidate {
        let little = MRCHeaderCandidate(bytes, isLittleEndian: true, sizeLimit: sizeLimit)
        let big = MRCHeaderCandidate(bytes, isLittleEndian: false, sizeLimit: sizeLimit)
        if little.merit != big.merit { return little.merit > big.merit ? little : big }
        return little.stampedLittleEndian == false ? big : little
    }

    /// Whether size, mode and axes are those of an MRC file.
    var isSane: Bool { shape != nil && mode != nil && axes != nil }

    /// Whether the bytes can be taken for MRC without any other evidence.
    var isConvincing: Bool { isSane && fits }

    private var merit: Int {
        (shape != nil ? 1 : 0) + (mode != nil ? 1 : 0) + (axes != nil ? 1 : 0) + (isSane && fits ? 1 : 0)
    }

    /// The byte order that the machine stamp names, where it names one.
    var stampedLittleEndian: Bool? {
        switch fields.bytes[MRCLayout.machineStamp] {
        case 0x44: true
        case 0x11: false
        default: nil
        }
    }

    func int(_ offset: Int) -> Int { Int(fields.integer(at: offset, as: Int32.self) ?? 0) }

    /// What is wrong with a header that is not sane.
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
