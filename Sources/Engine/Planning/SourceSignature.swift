import Foundation
import Volumes

import struct Crypto.SHA256

/// What tells, without opening it, whether a file is the one that was read before: path, size, time of change and inode.
///
/// For a folder (OME-Zarr), the same of every file in it.
struct SourceSignature: Sendable, Hashable {
    private enum Content: Sendable, Hashable {
        case file(bytes: Int, seconds: Int, nanoseconds: Int, inode: UInt)
        case folder(files: Int, bytes: Int, listing: Digest)
    }

    private let location: VolumeLocation
    private let content: Content
    let digest: Digest

    /// Returns nil where there is nothing at the path.
    init?(_ location: VolumeLocation) {
        var info = stat()
        guard stat(location.path, &info) == 0 else { return nil }
        var hash = SHA256()
        // No path has a zero in it: no path can look like another path and what follows it.
        hash.update(data: Array("\(location.description)\0".utf8))
        if info.st_mode & S_IFMT == S_IFDIR {
            let files = Self.files(below: location.path)
            let listing = Digest(of: files.map { "\($0.path)\t\($0.size)\t\($0.change)" }.joined(separator: "\n").utf8)
            content = .folder(files: files.count, bytes: files.reduce(0) { $0 &+ $1.size }, listing: listing)
            listing.withUnsafeBytes { hash.update(bufferPointer: $0) }
        } else {
            let (time, inode) = (info.st_mtim, info.st_ino)
            content = .file(bytes: info.st_size, seconds: time.tv_sec, nanoseconds: time.tv_nsec, inode: inode)
            withUnsafeBytes(of: (info.st_size, time.tv_sec, time.tv_nsec, inode)) { hash.update(bufferPointer: $0) }
        }
        self.location = location
        digest = Digest(hash)
    }

    /// For traces and people. Made when it is asked for: a plan needs the digests of all files, and hardly any text.
    var text: String {
        switch content {
        case .file(let bytes, let seconds, let nanoseconds, let inode):
            "\(location), \(bytes) bytes, changed \(Self.text(seconds, nanoseconds)), inode \(inode)"
        case .folder(let files, let bytes, let listing):
            "\(location), \(files) files, \(bytes) bytes, listing \(listing.abbreviated)"
        }
    }

    /// UTC to the nanosecond: `2026-11-24T00:58:52.013691077Z`.
    private static func text(_ seconds: Int, _ nanoseconds: Int) -> String {
        var (seconds, parts) = (seconds, tm())
        gmtime_r(&seconds, &parts)
        func digits(_ number: some BinaryInteger, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let date = [digits(parts.tm_year + 1900, 4), digits(parts.tm_mon + 1, 2), digits(parts.tm_mday, 2)].joined(separator: "-")
        let clock = [digits(parts.tm_hour, 2), digits(parts.tm_min, 2), digits(parts.tm_sec, 2)].joined(separator: ":")
        return "\(date)T\(clock).\(digits(nanoseconds, 9))Z"
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
