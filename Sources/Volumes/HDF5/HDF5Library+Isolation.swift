internal import CHDF5
import Foundation
import Glibc

extension HDF5Library {
    /// Does something in a copy of this process, to learn whether libhdf5 survives it; nothing that it changes is seen
    /// here, but in memory that is shared.
    ///
    /// libhdf5 1.10 ends the process on some damaged files of the older format, whose metadata have no checksums.
    /// Costs a millisecond or so, more where the process holds gigabytes.
    ///
    /// - Throws: ``HDF5Error`` where it did not come back in time, or no copy could be made.
    static func isolated(_ action: @autoclosure () -> String, path: String, body: () -> Void) throws(HDF5Error) {
        enter()
        defer { leave() }
        // A lock of the system that another thread held at the moment of the copy would stand still in it for ever: what
        // takes too long gets a second chance.
        for seconds: UInt32 in [10, 60] {
            let begin = ContinuousClock.now
            let status = withoutActuallyEscaping(body) { body in
                var call = {
                    isCopy = true
                    body()
                }
                return withUnsafeMutablePointer(to: &call) { pointer in
                    chdf5_call_isolated({ $0?.assumingMemoryBound(to: (() -> Void).self).pointee() }, pointer, seconds)
                }
            }
            if status > 0 { return }
            if status < 0 {
                let number = errno
                throw HDF5Error(action(), reason: String(cString: strerror(number)), systemError: number, path: path)
            }
            if ContinuousClock.now - begin < .seconds(Int(seconds)) { break }
        }
        throw HDF5Error(action(), reason: "it is damaged in a way that the HDF5 library does not survive", path: path)
    }
}

/// Memory that a process shares with its copies.
struct SharedBuffer: ~Copyable {
    let bytes: UnsafeMutableRawBufferPointer

    init?(count: Int) {
        let pointer = mmap(nil, max(count, 1), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let pointer, pointer != MAP_FAILED else { return nil }
        bytes = UnsafeMutableRawBufferPointer(start: pointer, count: count)
    }

    deinit { munmap(bytes.baseAddress, max(bytes.count, 1)) }
}
