public import Basics
public import Tensors

/// The named tensors of a network: in one safetensors file or in several, or in a file of `torch.save`.
///
/// ```swift
/// let checkpoint = try Checkpoint(folder: "sd15/unet", stem: "diffusion_pytorch_model")
/// let weight = try checkpoint.tensor(named: "conv_in.weight", expecting: [320, 4, 3, 3])
/// ```
///
/// Opening reads headers only. Any number of threads may read tensors at once.
public struct Checkpoint: Sendable {
    /// The file, or the index of several.
    public let path: String
    /// What the tensors lie in.
    public let files: [TensorFile]
    private let places: [String: Place]

    private struct Place: Sendable {
        let file: MappedFile
        let entry: TensorEntry
    }

    /// Opens a file of either format, or the index (`*.json`) of several safetensors files and what it lists.
    ///
    /// - Throws: ``CheckpointError`` where a file is missing or damaged, or files and index disagree.
    public init(path: String) throws(CheckpointError) {
        self.path = path
        if path.hasSuffix(".json") {
            let index = try ShardIndex(path: path)
            files = try index.openShards().map { .safetensors($0) }
        } else {
            files = [try TensorFile(path: path)]
        }
        var places: [String: Place] = [:]
        for file in files {
            for entry in file.tensors { places[entry.name] = Place(file: file.file, entry: entry) }
        }
        self.places = places
    }

    /// Opens the checkpoint of a folder in the diffusers layout: `stem.safetensors`, `stem.fp16.safetensors`, or the index of
    /// shards, `stem.safetensors.index.json` or `stem.safetensors.index.fp16.json`. The first that exists is taken.
    ///
    /// - Throws: ``CheckpointError`` where none exists, and whatever ``init(path:)`` throws.
    public init(folder: String, stem: String) throws(CheckpointError) {
        let names = [".safetensors", ".fp16.safetensors", ".safetensors.index.json", ".safetensors.index.fp16.json"]
        guard let name = names.map({ stem + $0 }).first(where: { MappedFile.exists("\(folder)/\($0)") }) else {
            throw CheckpointError(
                .unreadable,
                "has no '\(stem).safetensors' (nor .fp16, nor an index of shards): download the weights as safetensors",
                path: folder)
        }
        try self.init(path: "\(folder)/\(name)")
    }

    /// All names, sorted.
    public var names: [String] { places.keys.sorted() }

    /// What the files say about a tensor; nil where there is none of that name.
    public func entry(named name: String) -> TensorEntry? { places[name]?.entry }

    /// The values of a tensor as float32, row-major.
    ///
    /// Float32 is a view of the mapped file; float16 and bfloat16 are converted into memory of its own, and stay what they are on
    /// disk. Float64 is rounded.
    ///
    /// - Parameter shape: What the network wants; a trailing axis of 1 counts.
    /// - Throws: ``CheckpointError`` where there is no such tensor, its shape is another, it holds no floats, or the file has
    ///   changed since it was opened.
    public func tensor(named name: String, expecting shape: [Int]) throws(CheckpointError) -> Tensor {
        let place = try place(of: name, expecting: shape)
        return try place.file.tensor(place.entry)
    }

    /// Makes sure that ``tensor(named:expecting:)`` would find what it wants, without reading any value.
    ///
    /// - Throws: ``CheckpointError`` where there is no such tensor, its shape is another, or it holds no floats.
    public func check(_ name: String, expecting shape: [Int]) throws(CheckpointError) {
        let place = try place(of: name, expecting: shape)
        try place.file.checkHoldsFloats(place.entry)
    }

    /// Makes sure that the closure knows every name: a network with more layers than its config says must not pass for it.
    ///
    /// - Throws: ``CheckpointError`` with the first name, in order, that it does not know.
    public func checkNames(_ isKnown: (String) -> Bool) throws(CheckpointError) {
        guard let place = places.values.filter({ !isKnown($0.entry.name) }).min(by: { $0.entry.name < $1.entry.name }) else {
            return
        }
        throw CheckpointError(
            .mismatchedTensor,
            "holds the \(CheckpointError.title(place.entry.name)), for which the config has no place: the weights do not "
                + "belong to their config", path: place.file.path)
    }

    /// The values of a tensor of integers (`I64` … `U8`) or truth values, row-major.
    ///
    /// - Throws: ``CheckpointError`` where there is no such tensor, it holds floats, or the file has changed since it was opened.
    public func integers(named name: String) throws(CheckpointError) -> [Int] {
        let place = try place(of: name)
        return try place.file.integers(place.entry)
    }

    /// Lets go of the memory through which float32 tensors whose names begin so were seen. They stay valid: their values come
    /// from the file when they are used again. What was converted is freed with its last tensor, not by this.
    public func releasePages(prefix: String = "") {
        for place in places.values where place.entry.name.hasPrefix(prefix) { place.file.releasePages(place.entry.byteRange) }
    }

    private func place(of name: String, expecting shape: [Int]) throws(CheckpointError) -> Place {
        let place = try place(of: name)
        guard place.entry.shape == shape else {
            throw CheckpointError(
                .mismatchedTensor,
                "\(CheckpointError.title(name)) has the shape \(place.entry.shape) where \(shape) is expected: the weights "
                    + "do not belong to their config", path: place.file.path)
        }
        return place
    }

    private func place(of name: String) throws(CheckpointError) -> Place {
        guard let place = places[name] else {
            throw CheckpointError(
                .missingTensor,
                "has no \(CheckpointError.title(name)): the weights are incomplete, or do not belong to their config",
                path: path)
        }
        return place
    }
}
