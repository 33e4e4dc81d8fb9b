public import Basics
import Glibc

extension VolumeLocation {
    /// Reads the text form: `PATH` or `PATH:MEMBER`.
    ///
    /// Names of files may hold colons. The longest beginning of the text that names a file or folder which exists is
    /// the path; where none does, the text is split at its last colon if what follows looks like a member, which is a
    /// number or begins with a slash.
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

    /// Opens the volume: the format is told by the first bytes of the file, and only where they say nothing by its name.
    ///
    /// - Throws: ``VolumeError`` where there is no such file, it is no volume of a format that is read here, or it is
    ///   damaged.
    /// - Complexity: reads headers only.
    public func open() throws(VolumeError) -> any Volume {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .cannotOpen(path, errno: errno) }
        if status.st_mode & S_IFMT == S_IFDIR {
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
            .unsupported, "is not a volume format that Cellar reads (MRC, MRC with gzip, TIFF, HDF5, OME-Zarr)", path: path)
    }

    private static func isZarr(folder: String) -> Bool {
        fileExtension(of: folder) == "zarr"
            || [".zarray", ".zgroup", ".zattrs", "zarr.json"].contains { access("\(folder)/\($0)", F_OK) == 0 }
    }

    /// The dataset that is meant where a file holds but one.
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
            throw VolumeError(.unsupported, "is an HDF5 file without a dataset of two axes or more", path: path)
        }
        guard found.count == 1 else {
            let choice = found.map { "\(path):\($0)" }.joined(separator: ", ")
            throw VolumeError(.ambiguous, "is an HDF5 file of several datasets: name one of \(choice)", path: path)
        }
        return first
    }

    /// HDF5 begins at 0, or behind a user block of 512 bytes or a power of two more (HDF5 file format, II.A).
    private static func isHDF5(_ file: FileSource, _ start: [UInt8]) throws(VolumeError) -> Bool {
        let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
        if start.starts(with: signature) { return true }
        for offset in [512, 1024, 2048, 4096] where try file.bytes(at: offset, count: 8) == signature { return true }
        return false
    }

    /// MRC has no magic number that every file bears: a sane header convinces, or a name of the field, whose file then
    /// deserves to hear what is wrong with it.
    private static func isMRC(_ start: [UInt8], file: FileSource) -> Bool {
        if MRCLayout.fileExtensions.contains(fileExtension(of: file.path)) { return true }
        guard start.count >= MRCLayout.headerSize else { return false }
        return MRCHeaderCandidate.best(of: start, sizeLimit: file.byteCountLimit).isConvincing
    }

    /// What follows the last dot of the last part of a path, in lower case.
    private static func fileExtension(of path: String) -> String {
        guard let name = path.split(separator: "/").last, let dot = name.lastIndex(of: ".") else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }
}

extension VolumeLocation: CustomStringConvertible {
    /// The text form, which ``init(parsing:)`` reads.
    public var description: String { member.map { "\(path):\($0)" } ?? path }
}
