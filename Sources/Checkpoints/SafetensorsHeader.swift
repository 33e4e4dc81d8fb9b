import Basics

/// The table of contents of a safetensors file, checked: every tensor lies in the file, and together they tile it.
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
    /// The longest header that is read, as in the reference implementation.
    static let byteCountLimit = 100_000_000
    /// More axes than any network has; messages name shapes.
    static let axisLimit = 16
    /// The name under which a header holds strings instead of a tensor.
    static let metadataName = "__metadata__"

    /// In the order of their bytes.
    private(set) var tensors: [TensorEntry] = []
    private(set) var metadata: [String: String] = [:]

    private let path: String
    private let fileByteCount: Int
    private let dataStart: Int

    /// - Parameters:
    ///   - json: The header's bytes, without the length before them.
    ///   - fileByteCount: The true length of the file.
    init(json: [UInt8], fileByteCount: Int, path: String) throws(CheckpointError) {
        self.path = path
        self.fileByteCount = fileByteCount
        dataStart = 8 + json.count
        // The format wants the brace first; white space may only follow.
        guard json.first == UInt8(ascii: "{") else {
            throw CheckpointError(.malformed, "is not a safetensors file: no header begins at byte 8", path: path)
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

    /// The length of the header, which the first eight bytes hold.
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
            throw CheckpointError(.truncated, "has \(prefix.count) bytes, too few for a safetensors file", path: path)
        }
        let count = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard count <= UInt64(byteCountLimit) else {
            throw CheckpointError(
                .malformed, "is not a safetensors file: its header would have \(count) bytes, and \(byteCountLimit) is the limit",
                path: path)
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
                        .unsupported, "\(title) has the type \(CheckpointError.quoted(text)), which is not read here", path: path)
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

    /// No byte may belong to two tensors, or to none: bytes that nobody names could be anything.
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
