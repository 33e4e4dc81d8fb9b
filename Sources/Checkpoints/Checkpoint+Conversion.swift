public import Volumes

extension Checkpoint {
    /// Writes all tensors to one safetensors file, with the types that they have: what was a view or a shard becomes whole, and
    /// no value changes. The file appears when it is complete.
    ///
    /// - Parameter metadata: what to note in the file; `format` is `pt` where it says nothing else.
    /// - Throws: ``CheckpointError`` where a file cannot be read or written, or a name is not allowed in safetensors files.
    /// - Complexity: a few megabytes of memory, beside a copy of each tensor that is not stored row-major.
    public func writeSafetensors(to output: OutputFile, metadata: [String: String] = [:]) throws(CheckpointError) {
        let entries = files.flatMap { file in file.tensors.map { (file, $0) } }
        let writer = try SafetensorsWriter(
            output, copying: entries.map { .init($0.1.name, $0.1.shape, $0.1.elementType) },
            metadata: ["format": "pt"].merging(metadata) { $1 })
        for (file, entry) in entries { try writer.copy(entry, of: file.file) }
        try writer.finish()
    }
}
