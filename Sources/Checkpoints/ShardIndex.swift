import Basics

/// `*.safetensors.index.json`: which file holds which tensor.
struct ShardIndex {
    let path: String
    /// File names by tensor.
    private let files: [String: String]

    /// - Throws: ``CheckpointError`` where the file cannot be read, is no index, or names a file outside its folder.
    init(path: String) throws(CheckpointError) {
        self.path = path
        var files: [String: String] = [:]
        var reader = JSONReader(try SmallFile.bytes(path), path: path)
        try reader.readObject { (reader, key) throws(CheckpointError) in
            guard key == "weight_map" else { return try reader.skipValue() }
            try reader.readObject { (reader, tensor) throws(CheckpointError) in
                let file = try reader.readString()
                guard file.hasSuffix(".safetensors"), !file.contains("/"), !file.contains("\0") else {
                    throw CheckpointError(
                        .malformed,
                        "places \(CheckpointError.title(tensor)) in \(CheckpointError.quoted(file)), which is no safetensors "
                            + "file of the same folder", path: path)
                }
                files[tensor] = file
            }
        }
        try reader.finish()
        guard !files.isEmpty else {
            throw CheckpointError(.malformed, "is no index of safetensors files: it has no weight_map", path: path)
        }
        self.files = files
    }

    /// Opens all files; each holds exactly the tensors that the index gives it.
    ///
    /// - Throws: ``CheckpointError`` where a file is missing or damaged, or disagrees with the index.
    func openShards() throws(CheckpointError) -> [SafetensorsFile] {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        var shards: [SafetensorsFile] = []
        var count = 0
        for name in Set(files.values).sorted() {
            guard MappedFile.exists(folder + name) else {
                throw CheckpointError(
                    .unreadable, "lists the file \(CheckpointError.quoted(name)), which is missing: download it too", path: path)
            }
            let shard = try SafetensorsFile(path: folder + name)
            for entry in shard.tensors where files[entry.name] != name {
                let place = files[entry.name].map { "in \(CheckpointError.quoted($0))" } ?? "nowhere"
                throw CheckpointError(
                    .malformed,
                    "places \(CheckpointError.title(entry.name)) \(place), but \(CheckpointError.quoted(name)) holds it: "
                        + "files of different downloads are mixed", path: path)
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
                    + "hold it: files of different downloads are mixed", path: path)
        }
        return shards
    }
}
