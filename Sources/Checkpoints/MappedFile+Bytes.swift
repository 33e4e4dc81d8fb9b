import Glibc

extension MappedFile {
    /// Whether something has this name.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

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
