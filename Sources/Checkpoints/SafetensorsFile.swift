/// A safetensors file, opened: its table of contents is checked as a whole, its tensors are read when they are asked for.
///
/// Opening reads the header only. Bytes on which header and file disagree, or that no tensor or more than one claims, are refused
/// with the tensor's name.
public final class SafetensorsFile: Sendable {
    /// Where the file lies.
    public var path: String { file.path }
    /// In the order of their bytes.
    public let tensors: [TensorEntry]
    /// What the writer noted; `format` is usually `pt`.
    public let metadata: [String: String]

    let file: MappedFile

    /// - Throws: ``CheckpointError`` where the file cannot be read, is no safetensors file, or is damaged.
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
