import Glibc

/// The most physical memory that this process has had since it was last asked to begin anew: `VmHWM` of /proc/self/status (proc(5)).
///
/// It is of the whole process: what a step needed is known where one runs at a time.
package enum PeakMemory {
    /// Begins anew, at what the process has now. A kernel that does not allow it is ignored: the peak is then that of all its life.
    package static func restart() {
        let file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        // "5" resets the peak, and nothing else.
        _ = write(file, "5", 1)
    }

    /// In bytes; nil where the system does not say.
    package static var byteCount: Int64? {
        let file = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return nil }
        for line in bytes[..<count].split(separator: UInt8(ascii: "\n")) where line.starts(with: "VmHWM:".utf8) {
            let digits = line.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            return Int64(String(decoding: digits, as: UTF8.self)).map { $0 * 1024 }
        }
        return nil
    }
}
