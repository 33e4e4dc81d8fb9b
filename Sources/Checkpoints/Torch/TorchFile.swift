public import Basics

/// A file of `torch.save`, opened: the dictionary of tensors (`state_dict()`) of a network.
///
/// Both formats are read: the ZIP archive of PyTorch 1.6 and later, and the stream before it. The pickle in them is read by an
/// interpreter that builds dictionaries and tensors and calls nothing (``Unpickler``), so that a file from a stranger can do no more
/// than be refused. Opening reads the pickle; tensors are read when they are asked for.
public final class TorchFile: Sendable {
    /// Where the file lies.
    public var path: String { file.path }
    /// In the order of their names. Tensors may share bytes, as tied weights do.
    public let tensors: [TensorEntry]

    let file: MappedFile

    /// - Throws: ``CheckpointError`` where the file cannot be read, is of neither format, is damaged, holds what is no dictionary of
    ///   tensors, or wants something to be run.
    public convenience init(path: String) throws(CheckpointError) { try self.init(MappedFile(path: path)) }

    init(_ file: MappedFile) throws(CheckpointError) {
        self.file = file
        switch try Self.format(of: file) {
        case .archive: tensors = try Self.archivedTensors(file)
        case .stream: tensors = try Self.streamedTensors(file)
        case nil: throw CheckpointError(.malformed, "is no file of torch.save: neither an archive nor a pickle", path: file.path)
        }
    }

    enum Format {
        case archive
        case stream
    }

    /// What a file's first bytes say; nil where it is of neither format.
    static func format(of file: MappedFile) throws(CheckpointError) -> Format? {
        let prefix = try file.bytes(in: 0..<min(9, file.byteCount))
        if prefix.starts(with: [0x50, 0x4B, 3, 4]) { return .archive }
        // The instruction that names the version of a pickle. The length of a safetensors header may look so, but a brace follows
        // it, where a stream has a byte of its magic number or of the length of a frame.
        let isStream = prefix.count == 9 && prefix[0] == 0x80 && (2...5).contains(prefix[1]) && prefix[8] != UInt8(ascii: "{")
        return isStream ? .stream : nil
    }

    /// `NAME/data.pkl`, the storages `NAME/data/KEY`, and `NAME/byteorder`.
    private static func archivedTensors(_ file: MappedFile) throws(CheckpointError) -> [TensorEntry] {
        let directory = try ZipDirectory(file)
        let pickles = directory.names.filter { $0.hasSuffix("/data.pkl") && $0.utf8.count { $0 == UInt8(ascii: "/") } == 1 }
        guard pickles.count == 1, let pickle = try directory.range(of: pickles[0]) else {
            throw CheckpointError(.unsupported, "is an archive without the data.pkl of torch.save", path: file.path)
        }
        let root = pickles[0].dropLast("data.pkl".count)
        if directory.names.contains("\(root)constants.pkl") {
            throw CheckpointError(
                .unsupported, "is a TorchScript archive, a program: save the network's state_dict() instead", path: file.path)
        }
        if let order = try directory.range(of: "\(root)byteorder"), try file.bytes(in: order) != Array("little".utf8) {
            throw CheckpointError(.unsupported, "was written on a big-endian machine: save it on another", path: file.path)
        }
        var unpickler = Unpickler(FileCursor(file, in: pickle))
        let value = try unpickler.load()
        var ranges: [Range<Int>] = []
        for storage in unpickler.heap.storages {
            guard let range = try directory.range(of: "\(root)data/\(storage.key)") else {
                throw CheckpointError(
                    .malformed, "lacks the storage \(CheckpointError.quoted(storage.key)): the file is damaged, get it again",
                    path: file.path)
            }
            try check(storage, has: range.count, file)
            ranges.append(range)
        }
        return try StateDictionary(value, unpickler.heap, path: file.path).entries(storages: ranges)
    }

    /// Pickles one after another: a magic number, a version, the machine, the dictionary, the keys of the storages; then each
    /// storage, as a count of 8 bytes and its elements.
    private static func streamedTensors(_ file: MappedFile) throws(CheckpointError) -> [TensorEntry] {
        var unpickler = Unpickler(FileCursor(file, in: 0..<file.byteCount))
        guard case .wideInteger([0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) = try unpickler.load() else {
            throw CheckpointError(
                .malformed, "is a pickle, but none of torch.save: its first value is not PyTorch's magic number", path: file.path)
        }
        guard case .integer(1001) = try unpickler.load() else {
            throw CheckpointError(
                .unsupported, "is of a version of PyTorch's older format that is not read here", path: file.path)
        }
        guard case .dictionary(let machine) = try unpickler.load(),
            unpickler.heap.dictionaries[machine].pairs.contains(where: {
                if case (.text("little_endian"), .boolean(true)) = $0 { true } else { false }
            })
        else {
            throw CheckpointError(.unsupported, "was not written on a little-endian machine: save it on one", path: file.path)
        }
        let value = try unpickler.load()
        guard case .list(let keys) = try unpickler.load() else {
            throw CheckpointError(.malformed, "does not list its storages: the file is damaged, get it again", path: file.path)
        }
        var ranges: [String: Range<Int>] = [:]
        let types = Dictionary(unpickler.heap.storages.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        var cursor = FileCursor(file, in: unpickler.position..<file.byteCount)
        for key in unpickler.heap.lists[keys] {
            guard case .text(let key) = key, let storage = types[key], ranges[key] == nil else {
                throw CheckpointError(
                    .malformed, "lists a storage that no tensor uses, or one twice: the file is damaged, get it again",
                    path: file.path)
            }
            let count = try cursor.number(8)
            guard count == storage.count else {
                throw CheckpointError(
                    .malformed,
                    "has a storage \(CheckpointError.quoted(key)) of another length than its tensors say: get it again",
                    path: file.path)
            }
            let (bytes, overflows) = storage.count.multipliedReportingOverflow(by: storage.elementType.byteCount)
            let available = file.byteCount - cursor.position
            try check(storage, has: overflows || bytes > available ? available : bytes, file)
            ranges[key] = cursor.position..<cursor.position + bytes
            cursor.skip(bytes)
        }
        guard cursor.position == file.byteCount else {
            throw CheckpointError(
                .malformed, "goes on after its last storage, from byte \(cursor.position) on: get it again", path: file.path)
        }
        return try StateDictionary(value, unpickler.heap, path: file.path).entries(
            storages: unpickler.heap.storages.map { storage throws(CheckpointError) in
                guard let range = ranges[storage.key] else {
                    throw CheckpointError(
                        .malformed, "lacks the storage \(CheckpointError.quoted(storage.key)): the file is damaged, get it again",
                        path: file.path)
                }
                return range
            })
    }

    /// Makes sure that a storage's bytes are there.
    private static func check(_ storage: PickleHeap.Storage, has byteCount: Int, _ file: MappedFile) throws(CheckpointError) {
        let (needed, overflows) = storage.count.multipliedReportingOverflow(by: storage.elementType.byteCount)
        guard !overflows, needed == byteCount else {
            throw CheckpointError(
                .truncated,
                "has \(byteCount) bytes for the storage \(CheckpointError.quoted(storage.key)) of \(storage.count) elements of type "
                    + "\(storage.elementType.rawValue): copy or download it again", path: file.path)
        }
    }
}
