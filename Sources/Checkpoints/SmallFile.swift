import Basics

/// The text files beside weights: indices, vocabularies, merges.
package enum SmallFile {
    /// All bytes of a file of at most `limit` bytes.
    ///
    /// - Throws: ``CheckpointError`` where it cannot be read, or is larger than any file of its kind.
    package static func bytes(_ path: String, limit: Int = 16 << 20) throws(CheckpointError) -> [UInt8] {
        let file = try MappedFile(path: path)
        guard file.byteCount <= limit else {
            throw CheckpointError(
                .malformed, "has \(file.byteCount) bytes, too many for a file of its name: get the file again", path: path)
        }
        return try file.bytes(in: 0..<file.byteCount)
    }
}
