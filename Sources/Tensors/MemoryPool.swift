import Glibc
import Synchronization

/// Large pieces of memory that were given back and wait to be used again.
///
/// A pass through a network takes and drops thousands of large arrays. Taken from the system each time, they would cost
/// a tenth of the time: the kernel clears every page that it hands out. Pieces are whole huge pages of 2 MiB, which it
/// manages five hundred times fewer of, and whose lines lie evenly over a cache, where small pages from anywhere in
/// memory push each other out of one that has room for all.
enum MemoryPool {
    /// What waits at most; the rest goes back to the system, the longest unused first.
    private static let mostBytes = 268_435_456

    private struct Piece: @unchecked Sendable {
        let base: UnsafeMutableRawPointer
        let bytes: Int
    }

    private struct Waiting {
        var pieces: [Piece] = []
        var bytes = 0
    }

    private static let waiting = Mutex(Waiting())

    /// Smaller pieces are the allocator's.
    static func holds(bytes: Int) -> Bool { bytes >= 393_216 }

    /// A piece of this many bytes, rounded up to whole pages, not initialised.
    static func take(bytes: Int) -> UnsafeMutableRawPointer {
        let size = rounded(bytes)
        let found = waiting.withLock { waiting -> Piece? in
            guard let index = waiting.pieces.lastIndex(where: { $0.bytes == size }) else { return nil }
            waiting.bytes -= size
            return waiting.pieces.remove(at: index)
        }
        if let found { return found.base }
        return SystemMemory.take(bytes: size)
    }

    static func giveBack(_ base: UnsafeMutableRawPointer, bytes: Int) {
        let piece = Piece(base: base, bytes: rounded(bytes))
        let dropped = waiting.withLock { waiting in
            waiting.pieces.append(piece)
            waiting.bytes += piece.bytes
            var dropped: [Piece] = []
            while waiting.bytes > mostBytes, let oldest = waiting.pieces.first {
                waiting.pieces.removeFirst()
                waiting.bytes -= oldest.bytes
                dropped.append(oldest)
            }
            return dropped
        }
        for piece in dropped { SystemMemory.giveBack(piece.base, bytes: piece.bytes) }
    }

    /// Gives all that waits back to the system.
    static func drain() {
        let pieces = waiting.withLock { waiting in
            defer { waiting = Waiting() }
            return waiting.pieces
        }
        for piece in pieces { SystemMemory.giveBack(piece.base, bytes: piece.bytes) }
    }

    private static func rounded(_ bytes: Int) -> Int {
        (bytes + SystemMemory.hugePage - 1) / SystemMemory.hugePage * SystemMemory.hugePage
    }
}
