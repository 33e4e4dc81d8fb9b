import Foundation
import Volumes

/// Slices of bytes in a file of an item's workspace, one after the other. After a kill, the slices that were synced are still there and are not
/// computed again.
///
/// A second file has the number of synced slices. It is replaced after the slices themselves were synced.
final class SliceFile {
    private let handle: FileHandle
    private let countFile: SmallFile
    let sliceBytes: Int
    /// The number of slices.
    private(set) var count: Int
    private var noted = ContinuousClock.now

    /// The shortest time between two syncs.
    private static let interval = Duration.seconds(2)

    /// - Throws: ``PipelineError`` where the file cannot be made; ``VolumeError`` where the number of its slices exists and cannot be read, so that
    ///   hours of work are not discarded because of that.
    init(_ file: URL, sliceBytes: Int) throws {
        countFile = try SmallFile(file.appendingPathExtension("count").path)
        self.sliceBytes = sliceBytes
        if access(file.path, F_OK) != 0, errno == ENOENT {
            guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
                throw PipelineError("\(file.path) cannot be made; check disk and permissions")
            }
        }
        handle = try FileHandle(forUpdating: file)
        let synced = try countFile.read(limit: 100).flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        let present = Int(try handle.seekToEnd()) / max(sliceBytes, 1)
        count = max(0, min(synced, present))
    }

    deinit { try? handle.close() }

    /// Discards all slices from a number on.
    func truncate(to slices: Int) throws {
        count = min(count, slices)
        try handle.truncate(atOffset: UInt64(count * sliceBytes))
        try note()
    }

    /// Appends a slice.
    ///
    /// - Precondition: there are ``sliceBytes`` bytes.
    func append(_ bytes: [UInt8]) throws {
        precondition(bytes.count == sliceBytes, "\(bytes.count) bytes are no slice of \(sliceBytes)")
        try handle.seek(toOffset: UInt64(count * sliceBytes))
        try handle.write(contentsOf: bytes)
        count += 1
        if ContinuousClock.now - noted > Self.interval { try note() }
    }

    /// Reads a range of the bytes of a slice.
    ///
    /// - Throws: ``PipelineError`` where the file is too short.
    func read(_ slice: Int, _ range: Range<Int>) throws -> [UInt8] {
        try handle.seek(toOffset: UInt64(slice * sliceBytes + range.lowerBound))
        let data = try handle.read(upToCount: range.count) ?? Data()
        guard data.count == range.count else {
            throw PipelineError("a file of partial results became shorter while it was read; run again")
        }
        return [UInt8](data)
    }

    private func note() throws {
        try handle.synchronize()
        try countFile.replace(Array("\(count)".utf8))
        noted = .now
    }
}
