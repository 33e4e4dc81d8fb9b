/// Byte offsets of the header fields of MRC2014 (https://www.ccpem.ac.uk/mrc_format/mrc2014.php; Cheng et al.,
/// *MRC2014: extensions to the MRC format header for electron cryo-microscopy and tomography*, J. Struct. Biol. 192,
/// 2015) and of IMOD's additions (https://bio3d.colorado.edu/imod/doc/mrc_format.txt).
enum MRCLayout {
    static let headerSize = 1024

    /// `nx ny nz`: the numbers of columns, rows and sections.
    static let size = 0
    static let mode = 12
    /// `mx my mz`: the sampling along x, y and z.
    static let sampling = 28
    /// `cella`: the edges of the cell along x, y and z in Å, float32.
    static let cellEdges = 40
    /// `cellb`: the angles of the cell in degrees, float32.
    static let cellAngles = 52
    /// `mapc mapr maps`: the axis (1 = x, 2 = y, 3 = z) along which columns, rows and sections are counted.
    static let axes = 64
    static let minimum = 76
    static let maximum = 80
    static let mean = 84
    /// `ispg`: 0 images, 1 a volume, 401 to 630 a stack of volumes.
    static let spaceGroup = 88
    /// `nsymbt`: the size of the extended header in bytes.
    static let extendedHeaderSize = 92
    static let version = 108
    /// IMOD: 1146047817 if the flags at `imodFlags` are valid.
    static let imodStamp = 152
    /// IMOD: bit 0 is set if bytes of mode 0 are signed.
    static let imodFlags = 156
    static let identifier = 208
    static let machineStamp = 212
    static let deviation = 216
    static let labelCount = 220
    static let labels = 224

    static let identifierBytes = Array("MAP ".utf8)
    static let imodStampValue: Int32 = 1_146_047_817
    static let formatVersion: Int32 = 20141
    static let labelSize = 80
    static let labelLimit = 10
    static let volumeStackSpaceGroups = 401...630

    /// File name extensions of MRC files, in lower case.
    static let fileExtensions: Set<String> = ["mrc", "mrcs", "rec", "map", "st", "ccp4", "ali", "preali", "mrc2014"]
}

/// The type of the voxels of an MRC file: word 4 of the header.
enum MRCMode: Int32 {
    case int8 = 0
    case int16 = 1
    case float32 = 2
    case complexInt16 = 3
    case complexFloat32 = 4
    case uint16 = 6
    case float16 = 12
    /// IMOD: red, green and blue bytes.
    case color = 16
    /// IMOD: two four-bit voxels in a byte, the first in the low bits; every row begins at a new byte.
    case uint4 = 101
}

extension MRCMode {
    /// The mode that stores this type without conversion; nil if there is none.
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
