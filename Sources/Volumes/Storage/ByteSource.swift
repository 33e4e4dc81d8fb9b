import Basics

/// Bytes that can be read at any offset, from several threads at once: a file, or what a compressed file decodes to.
protocol ByteSource: Sendable {
    /// The file.
    var path: String { get }

    /// The number of bytes, where it is known without decoding anything.
    var byteCount: Int? { get }

    /// No more bytes than this can be there: what a header declares is held against it before anything is allocated.
    var byteCountLimit: Int { get }

    /// Fills the destination with the bytes from `offset` on, as far as there are any, and returns their number.
    func readAvailable(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) -> Int
}

extension ByteSource {
    /// Fills the whole destination with the bytes from `offset` on.
    ///
    /// - Throws: ``VolumeError`` where the bytes end early or cannot be read.
    func read(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        let filled = try readAvailable(at: offset, into: destination)
        guard filled == destination.count else {
            throw VolumeError(
                .truncated, "ends \(destination.count - filled) bytes before what its header declares; copy it again",
                path: path)
        }
    }

    /// Up to `count` bytes from `offset` on: fewer only where the source ends.
    ///
    /// Meant for headers: `count` is a number of this program, or was held against the size of the file.
    func bytes(at offset: Int, count: Int) throws(VolumeError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var span = bytes.mutableSpan
        let filled = try span.withUnsafeMutableBytes { buffer throws(VolumeError) in try readAvailable(at: offset, into: buffer) }
        bytes.removeLast(count - filled)
        return bytes
    }
}
