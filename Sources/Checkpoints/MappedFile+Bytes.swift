import Glibc

extension MappedFile {
    /// Whether something has this name.
    /// Whether there is a file. What cannot be looked at is there: opening it says why.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 || ![ENOENT, ENOTDIR].contains(errno) }

    /// The bytes of a range, copied.
    ///
    /// - Precondition: the range lies in the file.
    func bytes(in range: Range<Int>) throws(CheckpointError) -> [UInt8] {
        var failure: CheckpointError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            let target = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<range.count])
            do throws(CheckpointError) {
                try read(at: range.lowerBound, into: target)
                count = range.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
