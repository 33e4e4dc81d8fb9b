public import Basics

/// An open file of `torch.save` with the dictionary of tensors (`state_dict()`) of a network.
///
/// It reads both formats: the ZIP archive of PyTorch 1.6 and later, and the older stream of pickles. ``Unpickler`` reads the
/// pickles: it builds dictionaries and tensors, and calls no function, so a hostile file can do no harm; it is refused. Opening
/// reads the pickle only; values are read later, tensor by tensor.
public final class TorchFile: Sendable {
    /// The entries of all tensors, sorted by name. Tensors may share bytes, as tied weights do.
    public let tensors: [TensorEntry]

    let file: MappedFile

    /// Opens a file and reads its pickle.
    ///
    /// - Throws: ``CheckpointError`` if the file cannot be read, is of neither format, is damaged, holds no dictionary of
    ///   tensors, or its pickle needs a function or class that is not known here.
    public convenience init(path: String) throws(CheckpointError) { try self.init(MappedFile(path: path)) }

    init(_ file: MappedFile) throws(CheckpointError) {
        self.file = file
        switch try Self.format(of: file) {
        case .archive: tensors = try Self.archivedTensors(file)
        case .stream: tensors = try Self.streamedTensors(file)
        case nil:
            throw CheckpointError(
                .malformed, "is no file of torch.save: neither an archive nor a pickle; get the original file", path: file.path)
        }
    }

    enum Format {
        case archive
        case stream
    }

    /// The format, from the file's first bytes; nil if it is neither.
    static func format(of file: MappedFile) throws(CheckpointError) -> Format? {
        let prefix = try file.bytes(in: 0..<min(9, file.byteCount))
        if prefix.starts(with: [0x50, 0x4B, 3, 4]) { return .archive }
        // A pickle begins with the instruction PROTO (0x80) and its version. The length of a safetensors header may begin with
        // the same two bytes, but its ninth byte is a brace; in a stream that is a byte of the magic number or of a frame's
        // length.
        let isStream = prefix.count == 9 && prefix[0] == 0x80 && (2...5).contains(prefix[1]) && prefix[8] != UInt8(ascii: "{")
        return isStream ? .stream : nil
    }

    /// Reads an archive: the pickle `NAME/data.pkl`, the storages `NAME/data/KEY`, and `NAME/byteorder`.
    private static func archivedTensors(_ file: MappedFile) throws(CheckpointError) -> [TensorEntry] {
        let directory = try ZipDirectory(file)
        let pickles = directory.names.filter { $0.hasSuffix("/data.pkl") && $0.utf8.count { $0 == UInt8(ascii: "/") } == 1 }
        guard pickles.count == 1, let pickle = try directory.range(of: pickles[0]) else {
            throw CheckpointError(
                .unsupported, "is an archive without the data.pkl of torch.save; get the original file", path: file.path)
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

    /// Reads a stream. It holds five pickles, one after another: a magic number, a version, the machine's byte order and sizes,
    /// the dictionary, and the keys of the storages. The storages follow, each as its count of elements (8 bytes) and the
    /// elements.
    private static func streamedTensors(_ file: MappedFile) throws(CheckpointError) -> [TensorEntry] {
        var unpickler = Unpickler(FileCursor(file, in: 0..<file.byteCount))
        guard case .wideInteger([0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) = try unpickler.load() else {
            throw CheckpointError(
                .malformed,
                "is a pickle, but none of torch.save: its first value is not PyTorch's magic number; get the original file",
                path: file.path)
        }
        guard case .integer(1001) = try unpickler.load() else {
            throw CheckpointError(
                .unsupported,
                "is of a version of PyTorch's older format that is not read here; save it again with a newer PyTorch",
                path: file.path)
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

    /// Checks that the file has exactly the bytes that a storage needs.
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

/// The dictionary of tensors (`state_dict()`) in the value of a pickle.
private struct StateDictionary {
    private let pairs: [(key: PickleValue, value: PickleValue)]
    private let heap: PickleHeap
    private let path: String

    /// The keys under which training programs save the dictionary, beside an optimizer's state or the number of the epoch.
    private static let wrappers = ["state_dict", "model_state_dict", "model", "net"]

    /// Takes the value itself if it is a dictionary that holds a tensor; otherwise the first dictionary with a tensor that it
    /// holds under `state_dict`, `model_state_dict`, `model` or `net`.
    ///
    /// - Throws: ``CheckpointError`` if there is no such dictionary.
    init(_ value: PickleValue, _ heap: PickleHeap, path: String) throws(CheckpointError) {
        (self.heap, self.path) = (heap, path)
        guard case .dictionary(let root) = value else {
            throw CheckpointError(
                .unsupported, "holds something else than a dictionary of tensors: save the network's state_dict()", path: path)
        }
        func holdsTensor(_ number: Int) -> Bool {
            heap.dictionaries[number].pairs.contains { if case .tensor = $0.value { true } else { false } }
        }
        func inner(_ name: String) -> Int? {
            for case (.text(name), .dictionary(let number)) in heap.dictionaries[root].pairs where holdsTensor(number) {
                return number
            }
            return nil
        }
        guard let number = holdsTensor(root) ? root : Self.wrappers.lazy.compactMap(inner).first else {
            throw CheckpointError(
                .unsupported,
                "holds no tensors, neither at the top nor under \(Self.wrappers.joined(separator: ", ")): save the network's "
                    + "state_dict()", path: path)
        }
        pairs = heap.dictionaries[number].pairs
    }

    /// The entries of the tensors, sorted by name; other values are ignored.
    ///
    /// - Parameter storages: the byte range in the file of each storage of the heap.
    /// - Throws: ``CheckpointError`` if a tensor's key is no text, or occurs twice.
    func entries(storages: [Range<Int>]) throws(CheckpointError) -> [TensorEntry] {
        var entries: [String: TensorEntry] = [:]
        for case (let key, .tensor(let number)) in pairs {
            guard case .text(let name) = key else {
                throw CheckpointError(
                    .unsupported, "holds a tensor whose name is no text; save the network's state_dict()", path: path)
            }
            guard entries.updateValue(entry(named: name, heap.views[number], storages), forKey: name) == nil else {
                throw CheckpointError(
                    .malformed, "holds \(CheckpointError.title(name)) twice: the file is damaged, get it again", path: path)
            }
        }
        return entries.values.sorted { $0.name < $1.name }
    }

    private func entry(named name: String, _ view: PickleHeap.View, _ storages: [Range<Int>]) -> TensorEntry {
        let type = heap.storages[view.storage].elementType
        let first = storages[view.storage].lowerBound + view.offset * type.byteCount
        let isEmpty = view.shape.contains(0)
        let span = isEmpty ? 0 : zip(view.shape, view.strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
        // The stride of an axis with extent 1 has no effect, so it is not compared.
        var dense = 1
        var isDense = true
        for (extent, stride) in zip(view.shape, view.strides).reversed() where !isEmpty && extent > 1 {
            isDense = isDense && stride == dense
            dense *= extent
        }
        return TensorEntry(
            name: name, elementType: type, shape: view.shape, byteRange: first..<first + span * type.byteCount,
            strides: isDense ? nil : view.strides)
    }
}
