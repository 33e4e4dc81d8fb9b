public import Basics

/// An open safetensors file.
///
/// Opening reads the header only, and checks it as a whole: the file is refused, with the tensor's name, if a tensor does not fit
/// the file, or if a byte of data belongs to no tensor or to two. Values are read later, tensor by tensor.
public final class SafetensorsFile: Sendable {
    /// The header entries of all tensors, in the order of their bytes.
    public let tensors: [TensorEntry]
    /// The strings of the header's `__metadata__`; `format` is usually `pt`.
    public let metadata: [String: String]

    let file: MappedFile

    /// Opens a file and checks its header.
    ///
    /// - Throws: ``CheckpointError`` if the file cannot be read, is no safetensors file, or is damaged.
    public convenience init(path: String) throws(CheckpointError) { try self.init(MappedFile(path: path)) }

    init(_ file: MappedFile) throws(CheckpointError) {
        self.file = file
        let prefix = try file.bytes(in: 0..<min(8, file.byteCount))
        let count = try SafetensorsHeader.byteCount(prefix, fileByteCount: file.byteCount, path: file.path)
        let json = try file.bytes(in: 8..<8 + count)
        let header = try SafetensorsHeader(json: json, fileByteCount: file.byteCount, path: file.path)
        tensors = header.tensors
        metadata = header.metadata
    }
}

/// The checked header of a safetensors file: every tensor lies in the file, and the tensors fill the data without gap or overlap.
///
/// ```
/// 0        8                8 + N                                  end
/// ├────────┼────────────────┼──────────────┬───────┬───────────────┤
/// │ N, u64 │ JSON, N bytes  │ tensor       │ …     │ tensor        │
/// └────────┴────────────────┴──────────────┴───────┴───────────────┘
/// ```
///
/// Format: <https://huggingface.co/docs/safetensors>, section "Format".
struct SafetensorsHeader {
    /// The longest header that is read, in bytes: the limit of the reference implementation.
    static let byteCountLimit = 100_000_000
    /// The most axes of a tensor: more than any network has. It bounds the shapes that error messages print.
    static let axisLimit = 16
    /// The key under which a header holds the metadata's strings instead of a tensor.
    static let metadataName = "__metadata__"

    /// The entries in the order of their bytes.
    private(set) var tensors: [TensorEntry] = []
    private(set) var metadata: [String: String] = [:]

    private let path: String
    private let fileByteCount: Int
    private let dataStart: Int

    /// - Parameters:
    ///   - json: The header's bytes, without the 8 bytes of its length.
    ///   - fileByteCount: The length of the file on disk.
    /// - Throws: ``CheckpointError`` if the header is not of the format, or does not fit the file.
    init(json: [UInt8], fileByteCount: Int, path: String) throws(CheckpointError) {
        self.path = path
        self.fileByteCount = fileByteCount
        dataStart = 8 + json.count
        // The format demands that the brace comes first; white space is allowed at the end only.
        guard json.first == UInt8(ascii: "{") else {
            throw CheckpointError(
                .malformed, "is not a safetensors file: no header begins at byte 8; get the original file", path: path)
        }
        var reader = JSONReader(json, path: path, origin: 8)
        try reader.readObject { (reader, name) throws(CheckpointError) in
            if name == Self.metadataName {
                try reader.readObject { (reader, key) throws(CheckpointError) in metadata[key] = try reader.readString() }
            } else {
                tensors.append(try readEntry(name, from: &reader))
            }
        }
        try reader.finish()
        tensors.sort { ($0.byteRange.lowerBound, $0.byteRange.upperBound) < ($1.byteRange.lowerBound, $1.byteRange.upperBound) }
        try checkTiling()
    }

    /// The length of the header, from the first eight bytes of the file.
    ///
    /// - Throws: ``CheckpointError`` if they are those of another kind of file, or the length exceeds the file or the limit.
    static func byteCount(_ prefix: [UInt8], fileByteCount: Int, path: String) throws(CheckpointError) -> Int {
        if prefix == Array("version ".utf8) {
            throw CheckpointError(
                .malformed, "is a pointer of Git LFS, not the file itself: fetch it with 'git lfs pull'", path: path)
        }
        if prefix.starts(with: [0x50, 0x4B, 3, 4]) || prefix.starts(with: [0x80, 2, 0x8A, 0x0A]) {
            throw CheckpointError(
                .unsupported, "is a PyTorch checkpoint, not a safetensors file: rename or convert it", path: path)
        }
        guard prefix.count == 8 else {
            throw CheckpointError(
                .truncated, "has \(prefix.count) bytes, too few for a safetensors file; copy or download it again", path: path)
        }
        let count = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard count <= UInt64(byteCountLimit) else {
            throw CheckpointError(
                .malformed,
                "is not a safetensors file: its header would have \(count) bytes, and \(byteCountLimit) is the limit; get the original "
                    + "file", path: path)
        }
        guard Int(count) <= fileByteCount - 8 else {
            throw CheckpointError(
                .truncated, "ends at byte \(fileByteCount) inside its header of \(count) bytes: copy or download it again",
                path: path)
        }
        return Int(count)
    }

    private func readEntry(_ name: String, from reader: inout JSONReader) throws(CheckpointError) -> TensorEntry {
        let title = CheckpointError.title(name)
        var elementType: ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        try reader.readObject { (reader, key) throws(CheckpointError) in
            switch key {
            case "dtype":
                let text = try reader.readString()
                guard let type = ElementType(rawValue: text) else {
                    throw CheckpointError(
                        .unsupported,
                        "\(title) has the type \(CheckpointError.quoted(text)), which is not read here; save it as F32",
                        path: path)
                }
                elementType = type
            case "shape": shape = try Self.readCounts(from: &reader)
            case "data_offsets": offsets = try Self.readCounts(from: &reader)
            default: throw reader.fault("\(title) has the unknown field \(CheckpointError.quoted(key))")
            }
        }
        guard let elementType, let shape, let offsets, offsets.count == 2 else {
            throw reader.fault("\(title) lacks its dtype, its shape or its two data_offsets")
        }
        guard shape.count <= Self.axisLimit else { throw malformed("\(title) has \(shape.count) axes") }
        let available = fileByteCount - dataStart
        guard offsets[0] <= offsets[1] else {
            throw malformed("\(title) ends at offset \(offsets[1]), before it begins at \(offsets[0])")
        }
        guard offsets[1] <= available else {
            throw CheckpointError(
                .truncated,
                "\(title) ends at offset \(offsets[1]) of the data, but the file holds only \(available) bytes of data: "
                    + "copy or download it again", path: path)
        }
        guard TensorEntry.byteCount(shape, elementType) == offsets[1] - offsets[0] else {
            throw malformed(
                "\(title) of shape \(shape) and type \(elementType.rawValue) cannot have \(offsets[1] - offsets[0]) bytes")
        }
        let range = dataStart + offsets[0]..<dataStart + offsets[1]
        return TensorEntry(name: name, elementType: elementType, shape: shape, byteRange: range)
    }

    private static func readCounts(from reader: inout JSONReader) throws(CheckpointError) -> [Int] {
        var counts: [Int] = []
        try reader.readArray { reader throws(CheckpointError) in counts.append(try reader.readCount()) }
        return counts
    }

    /// Checks that every byte of the data belongs to exactly one tensor, as the format demands.
    private func checkTiling() throws(CheckpointError) {
        var end = dataStart
        for tensor in tensors {
            let title = CheckpointError.title(tensor.name)
            let begin = tensor.byteRange.lowerBound
            guard begin >= end else { throw malformed("\(title) begins at byte \(begin) inside the tensor before it") }
            guard begin == end else { throw malformed("no tensor holds the bytes \(end)..<\(begin), before \(title)") }
            end = tensor.byteRange.upperBound
        }
        guard end == fileByteCount else {
            throw malformed("\(fileByteCount - end) bytes follow the last tensor, from byte \(end) on")
        }
    }

    private func malformed(_ what: String) -> CheckpointError {
        CheckpointError(.malformed, "\(what): the file is damaged, get it again", path: path)
    }
}
