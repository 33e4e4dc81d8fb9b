import Foundation
import Volumes

/// What tells, without opening it, whether a file is the one that was read before: path, size, time of change and inode.
///
/// For a folder (OME-Zarr), the same of every file in it.
struct SourceSignature: Sendable, Hashable {
    let text: String
    let digest: Digest

    /// Returns nil where there is nothing at the path.
    init?(_ location: VolumeLocation) {
        var info = stat()
        guard stat(location.path, &info) == 0 else { return nil }
        var text = "\(location.description), "
        if info.st_mode & S_IFMT == S_IFDIR {
            let files = Self.files(below: location.path)
            let bytes = files.reduce(0) { $0 &+ $1.size }
            let listing = files.map { "\($0.path)\t\($0.size)\t\($0.change)" }.joined(separator: "\n")
            text += "\(files.count) files, \(bytes) bytes, listing \(Digest(of: listing.utf8).abbreviated)"
        } else {
            text += "\(info.st_size) bytes, changed \(Self.text(info.st_mtim)), inode \(info.st_ino)"
        }
        self.text = text
        digest = Digest(of: text.utf8)
    }

    /// UTC to the nanosecond: `2026-11-24T00:58:52.013691077Z`.
    private static func text(_ time: timespec) -> String {
        var (seconds, parts) = (time.tv_sec, tm())
        gmtime_r(&seconds, &parts)
        func digits(_ number: some BinaryInteger, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let date = [digits(parts.tm_year + 1900, 4), digits(parts.tm_mon + 1, 2), digits(parts.tm_mday, 2)].joined(separator: "-")
        let clock = [digits(parts.tm_hour, 2), digits(parts.tm_min, 2), digits(parts.tm_sec, 2)].joined(separator: ":")
        return "\(date)T\(clock).\(digits(time.tv_nsec, 9))Z"
    }

    private static func nanoseconds(_ time: timespec) -> Int { time.tv_sec &* 1_000_000_000 &+ time.tv_nsec }

    private static func files(below folder: String) -> [(path: String, size: Int, change: Int)] {
        var files: [(path: String, size: Int, change: Int)] = []
        guard let names = FileManager.default.enumerator(atPath: folder) else { return [] }
        for case let name as String in names {
            var info = stat()
            guard stat("\(folder)/\(name)", &info) == 0, info.st_mode & S_IFMT != S_IFDIR else { continue }
            files.append((name, info.st_size, nanoseconds(info.st_mtim)))
        }
        return files.sorted { $0.path < $1.path }
    }

    /// The signatures of many files; network file systems answer slowly, and many questions at a time.
    static func all(of locations: [VolumeLocation]) -> [SourceSignature?] {
        let chunk = 256
        let chunks = (locations.count + chunk - 1) / chunk
        return [SourceSignature?](unsafeUninitializedCapacity: locations.count) { buffer, initialized in
            nonisolated(unsafe) let signatures = buffer
            DispatchQueue.concurrentPerform(iterations: chunks) { index in
                for position in index * chunk..<min((index + 1) * chunk, locations.count) {
                    signatures.initializeElement(at: position, to: SourceSignature(locations[position]))
                }
            }
            initialized = locations.count
        }
    }
}
