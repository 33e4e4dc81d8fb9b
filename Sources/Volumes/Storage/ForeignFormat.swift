/// A file format that is recognised in order to say what it is, and is not read.
enum ForeignFormat: CaseIterable {
    case appleDouble, bzip2, xz, zstandard, zip, png, jpeg, pdf

    /// The format that the first bytes of a file announce, or its name, if it is one of these.
    init?(_ bytes: [UInt8], path: String) {
        // A stub that was cut off has the name and not the magic number; no volume is as short as that.
        if bytes.count < MRCLayout.headerSize, path.split(separator: "/").last?.hasPrefix("._") == true {
            self = .appleDouble
            return
        }
        guard let format = Self.allCases.first(where: { bytes.starts(with: $0.magic) }) else { return nil }
        self = format
    }

    private var magic: [UInt8] {
        switch self {
        case .appleDouble: [0, 5, 0x16, 7]
        case .bzip2: Array("BZh".utf8)
        case .xz: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]
        case .zstandard: [0x28, 0xb5, 0x2f, 0xfd]
        case .zip: [0x50, 0x4b, 3, 4]
        case .png: [0x89, 0x50, 0x4e, 0x47]
        case .jpeg: [0xff, 0xd8, 0xff]
        case .pdf: Array("%PDF".utf8)
        }
    }

    /// What the file is and what to do about it.
    var sentence: String {
        switch self {
        case .appleDouble:
            "is a macOS metadata stub (AppleDouble) and no volume; use the file whose name lacks the leading \"._\""
        case .bzip2: "is compressed by bzip2; decompress it with bunzip2, or compress it with gzip"
        case .xz: "is compressed by xz; decompress it with unxz, or compress it with gzip"
        case .zstandard: "is compressed by Zstandard; decompress it with unzstd, or compress it with gzip"
        case .zip: "is a ZIP archive; unpack it with unzip"
        case .png: "is a PNG image and no volume"
        case .jpeg: "is a JPEG image and no volume"
        case .pdf: "is a PDF document and no volume"
        }
    }
}
