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
        case file(bytes: Int, seconds: Int, nanoseconds: Int, inode: UInt64)
        case folder(folders: Int, metadata: Int, listing: Digest)
    }

    private let location: VolumeLocation
    private let content: Content
    let digest: Digest

    /// Returns nil where there is nothing at the path.
    init?(_ location: VolumeLocation) {
        guard let status = try? FileStatus(of: location.path) else { return nil }
        var hash = SHA256()
        // A zero byte ends the path, since no path contains one.
        hash.update("\(location.description)\0".utf8)
        if status.isFolder {
            let entries = Self.entries(of: location.path)
            let listing = Digest(of: entries.map(\.line).sorted().joined(separator: "\n").utf8)
            let folders = entries.count(where: \.isFolder)
            content = .folder(folders: folders, metadata: entries.count - folders, listing: listing)
            listing.withUnsafeBytes { hash.update($0) }
        } else {
            let (seconds, nanoseconds) = status.modified
            let inode = status.identity.inode
            content = .file(bytes: status.byteCount, seconds: seconds, nanoseconds: nanoseconds, inode: inode)
            // Four numbers of 64 bits.
            withUnsafeBytes(of: (status.byteCount, seconds, nanoseconds, inode)) { hash.update($0) }
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

        init(_ path: String, _ status: FileStatus) {
            isFolder = status.isFolder
            let (seconds, nanoseconds) = status.modified
            line = "\(path)\t\(isFolder ? 0 : status.byteCount)\t\(seconds) \(nanoseconds)\t\(status.identity.inode)"
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
            if let status = try? FileStatus(of: path) { entries.append(Entry(folder, status)) }
            // What cannot be listed has no entries.
            try? FilePath.forEachEntry(ofFolder: path) { name, kind in
                // The kind that the folder gives is enough for chunks, which are nearly all entries. Some file systems do not give
                // it, so that each entry needs a call.
                if kind == .file, !isMetadata(name) { return }
                let relative = folder.isEmpty ? name : "\(folder)/\(name)"
                guard let status = try? FileStatus(of: "\(root)/\(relative)", followingLinks: false) else { return }
                if status.isFolder {
                    open.append(relative)
                } else if isMetadata(name) || status.isSymbolicLink {
                    entries.append(Entry(relative, status))
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
