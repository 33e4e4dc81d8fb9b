/// A file of named tensors, of any format that is read here.
public enum TensorFile: Sendable {
    case safetensors(SafetensorsFile)
    case torch(TorchFile)

    /// Opens a file of the format that its first bytes name: `torch.save`, or else safetensors.
    ///
    /// - Throws: ``CheckpointError`` where the file cannot be read, is of neither format, or is damaged.
    public init(path: String) throws(CheckpointError) {
        let file = try MappedFile(path: path)
        if try TorchFile.format(of: file) != nil {
            self = .torch(try TorchFile(file))
        } else {
            self = .safetensors(try SafetensorsFile(file))
        }
    }

    public var path: String { file.path }

    public var tensors: [TensorEntry] {
        switch self {
        case .safetensors(let file): file.tensors
        case .torch(let file): file.tensors
        }
    }

    /// What the writer noted; nothing in files of `torch.save`.
    public var metadata: [String: String] {
        switch self {
        case .safetensors(let file): file.metadata
        case .torch: [:]
        }
    }

    var file: MappedFile {
        switch self {
        case .safetensors(let file): file.file
        case .torch(let file): file.file
        }
    }
}
