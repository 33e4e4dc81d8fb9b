public import Basics
import Glibc

/// The location of a volume: a file or folder, and the member inside it.
///
/// The text form is the path; if there is a member, a colon and the member follow:
///
/// | text | meaning |
/// |---|---|
/// | `TS_0008.rec`, `map.mrc.gz` | an MRC file, plain or compressed by gzip |
/// | `stack.mrc:2` | the third volume of an MRC volume stack |
/// | `stack.tif` | a TIFF stack |
/// | `file.h5:/volumes/raw`, `file.h5` | a dataset of an HDF5 file, or the only one that it has |
/// | `tomo.zarr`, `tomo.zarr:1`, `tomo.zarr:/1` | the highest resolution of an OME-Zarr image, or a named array |
public struct VolumeLocation: Hashable, Sendable {
    /// The path of the file or folder.
    public let path: String
    /// The dataset, the array, or the number from 0 of the volume in a stack; nil if the file has only one volume.
    public let member: String?

    public init(path: String, member: String? = nil) {
        self.path = path
        self.member = member
    }
}

extension VolumeLocation {
    /// Parses the text form: `PATH` or `PATH:MEMBER`.
    ///
    /// File names may have colons. So the path is the longest beginning of the text that is an existing file or folder. If
    /// there is none, the text is split at its last colon, provided that the rest looks like a member: it is a number or
    /// begins with a slash.
    ///
    /// - Complexity: one access(2) for each colon.
    public init(parsing text: String) {
        let colons = text.indices.filter { text[$0] == ":" }.reversed()
        func split(at colon: String.Index) -> VolumeLocation {
            let member = text[text.index(after: colon)...]
            return VolumeLocation(path: String(text[..<colon]), member: member.isEmpty ? nil : String(member))
        }
        if access(text, F_OK) == 0 {
            self.init(path: text)
        } else if let colon = colons.first(where: { access(String(text[..<$0]), F_OK) == 0 }) {
            self = split(at: colon)
        } else if let colon = colons.first, colon > text.startIndex, Self.looksLikeMember(text[text.index(after: colon)...]) {
            self = split(at: colon)
        } else {
            self.init(path: text)
        }
    }

    private static func looksLikeMember(_ text: Substring) -> Bool {
        text.hasPrefix("/") || (!text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    }

    /// Opens the volume. The first bytes of the file decide on the format; if they do not, the name does.
    ///
    /// - Throws: ``VolumeError``: `.unreadable` where there is no such file; `.unsupported` for other formats; `.ambiguous`
    ///   where a member must be named; others where there is no such member or the file is damaged.
    /// - Complexity: reads headers only.
    public func open() throws(VolumeError) -> any Volume {
        let status: FileStatus
        do throws(SystemError) { status = try FileStatus(of: path) } catch { throw .cannotOpen(path, error) }
        if status.isFolder {
            guard Self.isZarr(folder: path) else {
                throw VolumeError(.unsupported, "is a folder and no Zarr array or group; name a file", path: path)
            }
            return try ZarrVolume(path: path, array: member)
        }
        let file = try FileSource(path: path)
        let start = try file.bytes(at: 0, count: MRCLayout.headerSize)
        if try Self.isHDF5(file, start) {
            if let member { return try HDF5Volume(path: path, dataset: member) }
            return try HDF5Volume(path: path, dataset: Self.onlyDataset(ofHDF5: path))
        }
        if TIFFFile.isTIFF(start) {
            if let member {
                throw VolumeError(.outOfBounds, "is a TIFF stack, which is one volume: leave :\(member) out", path: path)
            }
            return try TIFFVolume(path: path)
        }
        if GzipSource.isGzip(start) || Self.isMRC(start, file: file) {
            return try MRCVolume(path: path, member: member)
        }
        if let other = ForeignFormat(start, path: path) { throw VolumeError(.unsupported, other.sentence, path: path) }
        throw VolumeError(
            .unsupported, "is not a volume format that Cellar reads; give MRC, MRC with gzip, TIFF, HDF5 or OME-Zarr", path: path)
    }

    /// Whether a folder is a zarr array or group, by its name or its metadata.
    package static func isZarr(folder: String) -> Bool {
        fileExtension(of: folder) == "zarr"
            || [".zarray", ".zgroup", ".zattrs", "zarr.json"].contains { access("\(folder)/\($0)", F_OK) == 0 }
    }

    /// The path of the only dataset with two axes or more in an HDF5 file.
    ///
    /// - Throws: ``VolumeError``: `.ambiguous` where there are several, `.unsupported` where there is none.
    private static func onlyDataset(ofHDF5 path: String) throws(VolumeError) -> String {
        let found: [String]
        do throws(HDF5Error) {
            try HDF5Library.isolated("cannot list the file", path: path) {
                _ = try? HDF5File.open(path).volumePaths(limit: 12)
            }
            found = try HDF5File.open(path).volumePaths(limit: 12)
        } catch {
            throw error.volumeError
        }
        guard let first = found.first else {
            throw VolumeError(
                .unsupported, "is an HDF5 file without a dataset of two axes or more; give another file", path: path)
        }
        guard found.count == 1 else {
            let choice = found.map { "\(path):\($0)" }.joined(separator: ", ")
            throw VolumeError(.ambiguous, "is an HDF5 file of several datasets: name one of \(choice)", path: path)
        }
        return first
    }

    /// Whether the file has HDF5's signature: at 0, or after a user block of 512 bytes or a larger power of two (HDF5 file
    /// format, II.A), of which sizes up to 4096 bytes are tried.
    private static func isHDF5(_ file: FileSource, _ start: [UInt8]) throws(VolumeError) -> Bool {
        let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
        if start.starts(with: signature) { return true }
        for offset in [512, 1024, 2048, 4096] where try file.bytes(at: offset, count: 8) == signature { return true }
        return false
    }

    /// Whether the file is opened as MRC. Not every MRC file has a magic number, so either the header is valid, or the name
    /// has an extension of MRC files. In the second case, the MRC reader reports what is wrong with the header.
    private static func isMRC(_ start: [UInt8], file: FileSource) -> Bool {
        if MRCLayout.fileExtensions.contains(fileExtension(of: file.path)) { return true }
        guard start.count >= MRCLayout.headerSize else { return false }
        return MRCHeaderCandidate.best(of: start, sizeLimit: file.byteCountLimit).isConvincing
    }

    /// The file name extension of a path, in lower case; empty if there is none.
    private static func fileExtension(of path: String) -> String {
        guard let name = path.split(separator: "/").last, let dot = name.lastIndex(of: ".") else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }
}

extension VolumeLocation: CustomStringConvertible {
    /// The text form, which ``init(parsing:)`` parses.
    public var description: String { member.map { "\(path):\($0)" } ?? path }
}

/// A file format that is not read, but recognised for a better error message.
enum ForeignFormat: CaseIterable {
    case appleDouble, bzip2, xz, zstandard, zip, png, jpeg, pdf

    /// The format by the first bytes of a file or by its name; nil if it is none of these.
    init?(_ bytes: [UInt8], path: String) {
        // An incomplete stub may lack the magic number. The name tells, in files too short to be a volume.
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

    /// The error message: what the file is and what to do about it.
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
