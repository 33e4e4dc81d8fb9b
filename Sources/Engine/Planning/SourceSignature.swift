import Basics
import Foundation
import Volumes

/// What tells, without opening it, whether a file is the one that was read before: path, size, time of change and inode.
///
/// For a folder (OME-Zarr), the time of change and inode of each folder in it, and of each metadata file also its size. No chunk is asked
/// about, of which a store has thousands: chunks that come, go, or are written under a temporary name and renamed, as zarr's writers do,
/// change the time of their folder. A chunk that is written over in place is not noticed.
struct SourceSignature: Sendable, Hashable {
    private enum Content: Sendable, Hashable {
        case file(bytes: Int, seconds: Int, nanoseconds: Int, inode: UInt)
        case folder(folders: Int, metadata: Int, listing: Digest)
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
        hash.update("\(location.description)\0".utf8)
        if info.st_mode & S_IFMT == S_IFDIR {
            let entries = Self.entries(of: location.path)
            let listing = Digest(of: entries.map(\.line).sorted().joined(separator: "\n").utf8)
            let folders = entries.count(where: \.isFolder)
            content = .folder(folders: folders, metadata: entries.count - folders, listing: listing)
            listing.withUnsafeBytes { hash.update($0) }
        } else {
            let (time, inode) = (info.st_mtim, info.st_ino)
            content = .file(bytes: info.st_size, seconds: time.tv_sec, nanoseconds: time.tv_nsec, inode: inode)
            withUnsafeBytes(of: (info.st_size, time.tv_sec, time.tv_nsec, inode)) { hash.update($0) }
        }
        self.location = location
        digest = hash.digest
    }

    /// For traces and people. Made when it is asked for: a plan needs the digests of all files, and hardly any text.
    var text: String {
        switch content {
        case .file(let bytes, let seconds, let nanoseconds, let inode):
            "\(location), \(bytes) bytes, changed \(Self.text(seconds, nanoseconds)), inode \(inode)"
        case .folder(let folders, let metadata, let listing):
            "\(location), \(folders) folders, \(metadata) metadata files, listing \(listing.abbreviated)"
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

    /// A folder or a metadata file within a store.
    private struct Entry {
        let isFolder: Bool
        /// What tells it from another, or from itself when it has changed.
        let line: String

        init(_ path: String, _ info: stat) {
            isFolder = info.st_mode & S_IFMT == S_IFDIR
            line = "\(path)\t\(isFolder ? 0 : info.st_size)\t\(info.st_mtim.tv_sec) \(info.st_mtim.tv_nsec)\t\(info.st_ino)"
        }
    }

    /// The folders and metadata files of a store.
    ///
    /// - Complexity: reads every folder, and stats folders and metadata files.
    private static func entries(of root: String) -> [Entry] {
        var entries: [Entry] = []
        // Relative to the root; links are not followed, so that this ends.
        var open = [""]
        while let folder = open.popLast() {
            let path = folder.isEmpty ? root : "\(root)/\(folder)"
            var info = stat()
            if stat(path, &info) == 0 { entries.append(Entry(folder, info)) }
            guard let stream = opendir(path) else { continue }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                        String(cString: $0)
                    }
                }
                guard name != ".", name != ".." else { continue }
                let relative = folder.isEmpty ? name : "\(folder)/\(name)"
                let type = Int32(entry.pointee.d_type)
                // Of chunks, nearly all there is, the type is enough; where the file system tells none, each has to be asked about.
                if type == Int32(DT_REG), !isMetadata(name) { continue }
                guard lstat("\(root)/\(relative)", &info) == 0 else { continue }
                if info.st_mode & S_IFMT == S_IFDIR {
                    open.append(relative)
                } else if isMetadata(name) || info.st_mode & S_IFMT == S_IFLNK {
                    entries.append(Entry(relative, info))
                }
            }
        }
        return entries
    }

    /// Whether a file says what a store is: `.zgroup`, `.zattrs`, `.zarray`, `.zmetadata`, and `zarr.json` of version 3.
    private static func isMetadata(_ name: String) -> Bool { name.hasPrefix(".z") || name == "zarr.json" }

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
