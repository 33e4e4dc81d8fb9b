/// The tags of TIFF 6.0 (Adobe, 1992, section 8 and later) that are read here.
enum TIFFTag: UInt16 {
    case newSubfileType = 254
    case imageWidth = 256
    case imageLength = 257
    case bitsPerSample = 258
    case compression = 259
    case fillOrder = 266
    case imageDescription = 270
    case stripOffsets = 273
    case samplesPerPixel = 277
    case rowsPerStrip = 278
    case stripByteCounts = 279
    case xResolution = 282
    case yResolution = 283
    case resolutionUnit = 296
    case predictor = 317
    case tileWidth = 322
    case tileLength = 323
    case tileOffsets = 324
    case tileByteCounts = 325
    case sampleFormat = 339
}

/// The types of tag values.
enum TIFFFieldType {
    /// The size of a value in bytes by the number of its type: TIFF 6.0 section 2 and the BigTIFF design (types 16 to 18).
    private static let sizes: [UInt16: Int] = [
        1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
    ]
    static let rational: UInt16 = 5

    /// The size of a value of this type in bytes, or nil if there is no such type.
    static func size(_ type: UInt16) -> Int? { sizes[type] }
}

/// How the bytes of a strip or tile are compressed.
enum TIFFCompression {
    case none, deflate, lzw

    init?(_ number: Int) {
        switch number {
        case 1: self = .none
        case 5: self = .lzw
        case 8, 32946: self = .deflate
        default: return nil
        }
    }

    /// The most decoded bytes that one compressed byte can give. A page that declares more is refused before memory is
    /// allocated for it.
    var ratioLimit: Int {
        switch self {
        case .none: 1
        case .deflate: Inflate.ratioLimit
        // The longest string in a table of 4096 codes has fewer bytes; its code has nine bits or more.
        case .lzw: 4096
        }
    }

    /// The common name of a compression that is not read, for messages.
    static func name(_ number: Int) -> String {
        switch number {
        case 2, 3, 4: "CCITT fax"
        case 6, 7: "JPEG"
        case 32773: "PackBits"
        case 33003, 33005, 34712: "JPEG 2000"
        case 34887: "LERC"
        case 34925: "LZMA"
        case 50000: "Zstandard"
        case 50001: "WebP"
        case 50002: "JPEG XL"
        default: "compression \(number)"
        }
    }
}
