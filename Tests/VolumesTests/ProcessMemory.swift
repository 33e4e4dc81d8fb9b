import Foundation

/// What the kernel says about the memory of this process.
enum ProcessMemory {
    /// The most bytes that were ever resident (`VmHWM`), of all tests that ran so far; nil where the kernel does not say.
    static func peak() -> Int? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return nil }
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 << 10 }
    }
}
