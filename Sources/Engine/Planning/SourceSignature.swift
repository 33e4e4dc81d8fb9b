import Basics
import Foundation
import Volumes

/// The identity of a file without opening it: path, size, modification time and inode. It differs where the file is another one than before.
///
/// For a folder (OME-Zarr), it has the modification time and inode of each folder in it, and also the size of each metadata file. Chunks are not
/// looked at, since a store has thousands: a chunk that is added, removed, or written under a temporary name and renamed, as zarr's writers do,
/// changes the time of its folder. A chunk that is overwritten in place is not noticed.
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
        // A zero byte ends the path, since no path contains one.
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

    /// The text for traces and people. It is made on demand: a plan needs the digests of all files, and few of the texts.
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
        /// Its identity: differs where it is another one, or has changed.
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
        // Paths relative to the root. Links are not followed, so that the walk ends.
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
                // The type of the directory entry is enough for chunks, which are nearly all entries; some file systems do not give it, so that
                // each entry needs a call.
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

    /// Whether a file is metadata of a store: `.zgroup`, `.zattrs`, `.zarray`, `.zmetadata`, and `zarr.json` of version 3.
    private static func isMetadata(_ name: String) -> Bool { name.hasPrefix(".z") || name == "zarr.json" }

    /// The signatures of many files, in parallel: network file systems answer slowly, but many requests at a time.
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
