public import Basics
public import Tensors
public import Volumes

/// The named tensors of a network, from one safetensors file, from files of `torch.save`, or from several of either (shards).
///
/// ```swift
/// let checkpoint = try Checkpoint(folder: "sd15/unet", stem: "diffusion_pytorch_model")
/// let weight = try checkpoint.tensor(named: "conv_in.weight", expecting: [320, 4, 3, 3])
/// ```
///
/// Opening reads headers only; tensors are read one by one. Several threads may read tensors at the same time.
public struct Checkpoint: Sendable {
    /// The path of the file, or of the index of several files.
    public let path: String
    /// The files that hold the tensors: one, or all shards of an index, sorted by name.
    public let files: [TensorFile]
    /// Each tensor's file and header entry, by name.
    let locations: [String: Location]

    struct Location: Sendable {
        let file: MappedFile
        /// With the name that this checkpoint gives it.
        let entry: TensorEntry
        /// The name in the file, where it is another.
        let originalName: String?

        init(file: MappedFile, entry: TensorEntry, originalName: String? = nil) {
            (self.file, self.entry, self.originalName) = (file, entry, originalName)
        }

        /// The tensor in a sentence, by the name in the file.
        var title: String { CheckpointError.title(originalName ?? entry.name) }
    }

    /// Opens a file of either format, or an index (`*.json`) with all files that it lists.
    ///
    /// - Throws: ``CheckpointError`` if a file is missing or damaged, or if files and index disagree.
    public init(path: String) throws(CheckpointError) {
        self.path = path
        if path.hasSuffix(".json") {
            let index = try ShardIndex(path: path)
            files = try index.openShards()
        } else {
            files = [try TensorFile(path: path)]
        }
        var locations: [String: Location] = [:]
        for file in files {
            for entry in file.tensors { locations[entry.name] = Location(file: file.file, entry: entry) }
        }
        self.locations = locations
    }

    /// A checkpoint of chosen locations, for views.
    init(path: String, files: [TensorFile], locations: [String: Location]) {
        (self.path, self.files, self.locations) = (path, files, locations)
    }

    /// Opens the checkpoint of a folder in the diffusers layout, which ``fileName(inFolder:stem:pickledStem:)`` finds.
    ///
    /// - Parameters:
    ///   - stem: how the names of safetensors files begin.
    ///   - pickledStem: how the names of files of `torch.save` begin; the same stem unless given.
    /// - Throws: ``CheckpointError`` if none exists, and the errors of ``init(path:)``.
    public init(folder: String, stem: String, pickledStem: String? = nil) throws(CheckpointError) {
        guard let name = Self.fileName(inFolder: folder, stem: stem, pickledStem: pickledStem) else {
            throw CheckpointError(
                .unreadable,
                "has no '\(stem).safetensors' (nor .fp16, nor an index of shards), and no '\(pickledStem ?? stem).bin' either: "
                    + "download the weights", path: folder)
        }
        try self.init(path: "\(folder)/\(name)")
    }

    /// The name of the file, or index of shards, that holds a folder's weights; nil if there is none.
    ///
    /// It is the first that exists of `stem.safetensors`, `stem.fp16.safetensors`, the indices `stem.safetensors.index.json` and
    /// `stem.safetensors.index.fp16.json`, and then of the same four with `.bin`, as `torch.save` writes them.
    public static func fileName(inFolder folder: String, stem: String, pickledStem: String? = nil) -> String? {
        [(stem, "safetensors"), (pickledStem ?? stem, "bin")].flatMap { stem, ending in
            ["\(stem).\(ending)", "\(stem).fp16.\(ending)", "\(stem).\(ending).index.json", "\(stem).\(ending).index.fp16.json"]
        }.first { FilePath.exists("\(folder)/\($0)") }
    }

    /// The names of all tensors, sorted.
    public var names: [String] { locations.keys.sorted() }

    /// The type, shape and byte range of a tensor; nil if there is no tensor of that name.
    public func entry(named name: String) -> TensorEntry? { locations[name]?.entry }

    /// The values of a tensor as float32, row-major.
    ///
    /// An aligned, row-major float32 tensor is a view of the mapped file: nothing is copied. Float16 and bfloat16 are converted
    /// exactly into new memory; the file does not change. Float64 is rounded.
    ///
    /// - Parameter shape: The shape that the network needs. It is compared exactly: `[C, C]` does not match `[C, C, 1]`.
    /// - Throws: ``CheckpointError`` if there is no such tensor, its shape differs, it holds no floats, or the file became
    ///   shorter since it was opened.
    /// - Complexity: O(1) for a view, otherwise O(elements).
    public func tensor(named name: String, expecting shape: [Int]) throws(CheckpointError) -> Tensor {
        let location = try location(of: name, expecting: shape)
        return try location.file.tensor(location.entry)
    }

    /// Checks name, shape and type of a tensor as ``tensor(named:expecting:)`` does, without reading any value.
    ///
    /// - Throws: ``CheckpointError`` if there is no such tensor, its shape differs, or it holds no floats.
    public func check(_ name: String, expecting shape: [Int]) throws(CheckpointError) {
        let location = try location(of: name, expecting: shape)
        try location.file.checkHoldsFloats(location.entry)
    }

    /// Checks that the checkpoint holds no other tensors than those that the network reads. Without this check, a checkpoint with
    /// more layers than its config says would be accepted, and the extra layers silently ignored.
    ///
    /// - Parameter isKnown: returns whether the network has a tensor of this name.
    /// - Throws: ``CheckpointError`` with the alphabetically first unknown name.
    public func checkNames(_ isKnown: (String) -> Bool) throws(CheckpointError) {
        guard let location = locations.values.filter({ !isKnown($0.entry.name) }).min(by: { $0.entry.name < $1.entry.name })
        else {
            return
        }
        throw CheckpointError(
            .mismatchedTensor,
            "holds the \(location.title), for which the config has no place: the weights do not "
                + "belong to their config; get both from one place", path: location.file.path)
    }

    /// The values of a tensor of integers (`I64` … `U8`) or booleans (0 or 1), row-major.
    ///
    /// - Throws: ``CheckpointError`` if there is no such tensor, it holds floats, or the file became shorter since it was opened.
    /// - Complexity: O(elements), 8 bytes for each.
    public func integers(named name: String) throws(CheckpointError) -> [Int] {
        let location = try location(of: name)
        return try location.file.integers(location.entry)
    }

    /// Drops the mapped pages of all tensors whose names begin with `prefix` from memory (`MADV_DONTNEED`). Float32 views stay
    /// valid: the system reads their values from the file again at the next use. The memory of converted tensors is not affected;
    /// it is freed with its last tensor.
    public func releasePages(prefix: String = "") {
        for location in locations.values where location.entry.name.hasPrefix(prefix) {
            location.file.releasePages(location.entry.byteRange)
        }
    }

    private func location(of name: String, expecting shape: [Int]) throws(CheckpointError) -> Location {
        let location = try location(of: name)
        guard location.entry.shape == shape else {
            throw CheckpointError(
                .mismatchedTensor,
                "\(location.title) has the shape \(location.entry.shape) where \(shape) is expected: the weights "
                    + "do not belong to their config; get both from one place", path: location.file.path)
        }
        return location
    }

    private func location(of name: String) throws(CheckpointError) -> Location {
        guard let location = locations[name] else {
            throw CheckpointError(
                .missingTensor,
                "has no \(CheckpointError.title(name)): the weights are incomplete, or do not belong to their config; get both from "
                    + "one place", path: path)
        }
        return location
    }
}

extension Checkpoint {
    /// Writes all tensors to one safetensors file. Each keeps its type and its values; shards are joined, and strided views
    /// become row-major. The file appears under its name only when it is complete.
    ///
    /// - Parameter metadata: strings for the header's `__metadata__`; `format` is `pt` unless given here.
    /// - Throws: ``CheckpointError`` if a file cannot be read or written, or a name is not allowed in safetensors files.
    /// - Complexity: O(bytes). Takes a few megabytes of memory, plus a copy of one tensor at a time if it is not stored
    ///   row-major.
    public func writeSafetensors(to output: OutputFile, metadata: [String: String] = [:]) throws(CheckpointError) {
        let locations = locations.values.sorted {
            ($0.file.path, $0.entry.byteRange.lowerBound, $0.entry.name)
                < ($1.file.path, $1.entry.byteRange.lowerBound, $1.entry.name)
        }
        let writer = try SafetensorsWriter(
            output, copying: locations.map { .init($0.entry.name, $0.entry.shape, $0.entry.elementType) },
            metadata: ["format": "pt"].merging(metadata) { $1 })
        for location in locations { try writer.copy(location.entry, of: location.file) }
        try writer.finish()
    }
}

/// The index of shards, `*.safetensors.index.json` or `*.bin.index.json`: its `weight_map` says which file holds which tensor.
private struct ShardIndex {
    let path: String
    /// File names in the index's folder, by the name of the tensor.
    private let files: [String: String]

    /// - Throws: ``CheckpointError`` if the file cannot be read, is no index, or names a file outside its folder.
    init(path: String) throws(CheckpointError) {
        self.path = path
        // Shards of one checkpoint are of one format, which the index's name says.
        let ending = path.contains(".bin.index.") ? ".bin" : ".safetensors"
        var files: [String: String] = [:]
        var reader = JSONReader(try SidecarFile.bytes(path), path: path)
        try reader.readObject { (reader, key) throws(CheckpointError) in
            guard key == "weight_map" else { return try reader.skipValue() }
            try reader.readObject { (reader, tensor) throws(CheckpointError) in
                let file = try reader.readString()
                guard file.hasSuffix(ending), !file.contains("/"), !file.contains("\0") else {
                    throw CheckpointError(
                        .malformed,
                        "places \(CheckpointError.title(tensor)) in \(CheckpointError.quoted(file)), which is no "
                            + "\(ending.dropFirst()) file of the same folder; get the original index", path: path)
                }
                files[tensor] = file
            }
        }
        try reader.finish()
        guard !files.isEmpty else {
            throw CheckpointError(
                .malformed, "is no index of files of weights: it has no weight_map; get the original one", path: path)
        }
        self.files = files
    }

    /// Opens all files, sorted by name, and checks that each holds exactly the tensors that the index lists for it.
    ///
    /// - Throws: ``CheckpointError`` if a file is missing or damaged, or disagrees with the index.
    func openShards() throws(CheckpointError) -> [TensorFile] {
        let folder = FilePath.folder(of: path)
        var shards: [TensorFile] = []
        var count = 0
        for name in Set(files.values).sorted() {
            guard FilePath.exists(folder + name) else {
                throw CheckpointError(
                    .unreadable, "lists the file \(CheckpointError.quoted(name)), which is missing: download it too", path: path)
            }
            let shard = try TensorFile(path: folder + name)
            for entry in shard.tensors where files[entry.name] != name {
                let location = files[entry.name].map { "in \(CheckpointError.quoted($0))" } ?? "nowhere"
                throw CheckpointError(
                    .malformed,
                    "places \(CheckpointError.title(entry.name)) \(location), but \(CheckpointError.quoted(name)) holds it: "
                        + "files of different downloads are mixed; download all of them again", path: path)
            }
            count += shard.tensors.count
            shards.append(shard)
        }
        if count < files.count {
            let present = Set(shards.flatMap { $0.tensors.map(\.name) })
            let missing = files.keys.filter { !present.contains($0) }.min() ?? ""
            throw CheckpointError(
                .missingTensor,
                "places \(CheckpointError.title(missing)) in \(CheckpointError.quoted(files[missing] ?? "")), which does not "
                    + "hold it: files of different downloads are mixed; download all of them again", path: path)
        }
        return shards
    }
}
