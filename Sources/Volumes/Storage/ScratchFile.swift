import Basics
import Glibc
import Synchronization

/// A file without a name in the folder for temporary files (`TMPDIR`), for blocks of bytes that take long to make again.
///
/// The file is gone when the last reference to it is, also if the process is killed. The system keeps its pages in memory while
/// memory is free. All blocks have one size at most, so the room of a released block is used again. Several threads may use it.
final class ScratchFile: Sendable {
    /// The size limit of a block in bytes.
    private let blockLimit: Int
    /// The most blocks at one time.
    private let blockCountLimit: Int
    private let descriptor: CInt
    private let room = Mutex(Room())

    private struct Room {
        /// Places of released blocks.
        var free: [Int] = []
        /// The number of places that were ever used.
        var used = 0
    }

    /// `O_TMPFILE`, which Swift does not import: `__O_TMPFILE | O_DIRECTORY`.
    private static let unnamed = 0o20_000_000 | O_DIRECTORY
    /// What must stay free on the disk, in bytes.
    private static let reserve = 1 << 30

    /// Makes an empty file. Returns nil where the folder for temporary files has no room for a block, or may not be written.
    init?(blockLimit: Int, byteLimit: Int, folder: String = ScratchFile.folder) {
        guard blockLimit > 0, byteLimit >= blockLimit else { return nil }
        var descriptor = open(folder, Self.unnamed | O_RDWR | O_CLOEXEC, 0o600)
        if descriptor < 0 {
            // Not every file system has files without a name.
            let path = "\(folder)/cellar-\(UInt64.random(in: .min ... .max)).tmp"
            descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { return nil }
            unlink(path)
        }
        self.descriptor = descriptor
        self.blockLimit = blockLimit
        blockCountLimit = byteLimit / blockLimit
    }

    deinit { close(descriptor) }

    /// The folder for temporary files: what `TMPDIR` says, else `/tmp`.
    static var folder: String {
        getenv("TMPDIR").map { String(cString: $0) }.flatMap { FileStatus.isFolder($0) ? $0 : nil } ?? "/tmp"
    }

    /// A block of bytes in the file. Its room is free again when the last reference to it is released.
    final class Block: Sendable {
        let byteCount: Int
        private let place: Int
        private let file: ScratchFile

        fileprivate init(place: Int, byteCount: Int, in file: ScratchFile) {
            (self.place, self.byteCount, self.file) = (place, byteCount, file)
        }

        deinit { file.release(place) }

        /// Fills the destination with the bytes from an offset on; false where the system cannot read them.
        func read(at offset: Int, into destination: UnsafeMutableRawBufferPointer) -> Bool {
            guard offset >= 0, offset + destination.count <= byteCount else { return false }
            var filled = 0
            while filled < destination.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: destination[filled...])
                let count = try? SystemCall.uninterrupted {
                    pread(file.descriptor, rest.baseAddress, rest.count, off_t(place * file.blockLimit + offset + filled))
                }
                guard let count, count > 0 else { return false }
                filled += count
            }
            return true
        }
    }

    /// Writes a block; nil where all room is taken, or the disk refuses or is nearly full.
    func store(_ bytes: UnsafeRawBufferPointer) -> Block? {
        guard bytes.count <= blockLimit, let place = takePlace() else { return nil }
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = try? SystemCall.uninterrupted {
                pwrite(descriptor, rest.baseAddress, rest.count, off_t(place * blockLimit + written))
            }
            guard let count, count > 0 else {
                release(place)
                return nil
            }
            written += count
        }
        return Block(place: place, byteCount: bytes.count, in: self)
    }

    private func takePlace() -> Int? {
        room.withLock { room in
            if let place = room.free.popLast() { return place }
            guard room.used < blockCountLimit, hasRoomOnDisk else { return nil }
            defer { room.used += 1 }
            return room.used
        }
    }

    private func release(_ place: Int) { room.withLock { $0.free.append(place) } }

    private var hasRoomOnDisk: Bool {
        var status = statvfs()
        guard fstatvfs(descriptor, &status) == 0 else { return false }
        return Int(status.f_bavail) * Int(status.f_frsize) >= blockLimit + Self.reserve
    }
}
