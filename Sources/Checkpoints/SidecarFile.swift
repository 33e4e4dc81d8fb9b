import Basics
import Volumes

/// Reads the text files beside weights as a whole: indices, configurations, vocabularies, merges.
package enum SidecarFile {
    /// All bytes of a file.
    ///
    /// - Parameter limit: the most bytes that the file may have, 16 MiB by default.
    /// - Throws: ``CheckpointError`` if the file cannot be read, or is larger than the limit.
    package static func bytes(_ path: String, limit: Int = 16 << 20) throws(CheckpointError) -> [UInt8] {
        do throws(VolumeError) {
            let file = try FileSource(path: path)
            guard file.size <= limit else {
                throw VolumeError(
                    .tooLarge, "has \(file.size) bytes, too many for a file of its name: get the file again", path: path)
            }
            return try file.bytes()
        } catch {
            throw CheckpointError(error.code == .tooLarge ? .malformed : .unreadable, error)
        }
    }
}
