import Foundation
import Volumes

/// Slices of bytes in a file of an item's workspace, one after the other: what is there after a kill need not be computed again.
///
/// How many slices are on the disk stands in a file of its own, which is replaced after the slices themselves were synced.
final class SliceFile {
    private let handle: FileHandle
    private let countFile: WholeFile
    let sliceBytes: Int
    /// How many slices there are.
    private(set) var count: Int
    private var noted = ContinuousClock.now

    /// Slices are synced this often at most.
    private static let interval = Duration.seconds(2)

    /// - Throws: ``PipelineError`` where the file cannot be made, ``VolumeError`` where the count of its slices is there and cannot be
    ///   read: hours of work are not begun anew for that.
    init(_ file: URL, sliceBytes: Int) throws {
        countFile = try WholeFile(file.appendingPathExtension("count").path)
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

    /// Forgets all slices from a number on.
    func truncate(to slices: Int) throws {
        count = min(count, slices)
        try handle.truncate(atOffset: UInt64(count * sliceBytes))
        try note()
    }

    /// - Precondition: as many bytes as a slice has.
    func append(_ bytes: [UInt8]) throws {
        precondition(bytes.count == sliceBytes, "\(bytes.count) bytes are no slice of \(sliceBytes)")
        try handle.seek(toOffset: UInt64(count * sliceBytes))
        try handle.write(contentsOf: bytes)
        count += 1
        if ContinuousClock.now - noted > Self.interval { try note() }
    }

    /// Some bytes of a slice.
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
