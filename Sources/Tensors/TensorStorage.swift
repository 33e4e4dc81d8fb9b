import Glibc
import Synchronization

/// The memory behind tensors: its own, or a view of memory that another object keeps alive.
final class TensorStorage: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
    let count: Int
    private let source: Source

    /// Where the memory comes from, and goes to.
    private enum Source {
        case allocator
        case pool
        case system
        /// Another object's, which is kept alive.
        case owner(AnyObject)
    }

    /// Not initialised.
    ///
    /// - Parameter lasts: whether it will be kept for long, as weights are: then it takes no more than it needs, where others are
    ///   rounded up to what is easily used again.
    init(count: Int, lasts: Bool = false) {
        self.count = count
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        let memory: UnsafeMutableRawPointer
        if !MemoryPool.holds(bytes: bytes) {
            source = .allocator
            memory = .allocate(byteCount: bytes, alignment: 64)
        } else if lasts {
            source = .system
            memory = SystemMemory.take(bytes: bytes)
        } else {
            source = .pool
            memory = MemoryPool.take(bytes: bytes)
        }
        base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    }

    /// - Precondition: nobody writes to a mapped storage; its pointer is mutable only so that both kinds have one type.
    init(mapping pointer: UnsafePointer<Float>, count: Int, owner: AnyObject) {
        self.count = count
        source = .owner(owner)
        base = UnsafeMutablePointer(mutating: pointer)
    }

    /// Memory of its own that the closure fills.
    static func filled(count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) -> TensorStorage {
        let storage = TensorStorage(count: count)
        body(storage.base)
        return storage
    }

    /// Lends memory for this many floats, not initialised, while the closure runs.
    static func withScratch(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        let storage = TensorStorage(count: count)
        withExtendedLifetime(storage) { body(storage.base) }
    }

    var isMapped: Bool { if case .owner = source { true } else { false } }

    deinit {
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        switch source {
        case .allocator: UnsafeMutableRawPointer(base).deallocate()
        case .pool: MemoryPool.giveBack(base, bytes: bytes)
        case .system: SystemMemory.giveBack(base, bytes: bytes)
        case .owner: break
        }
    }
}

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

/// Memory straight from the system, in huge pages as far as they fit in; what is given back is gone at once, where an allocator
/// would keep pieces of it.
private enum SystemMemory {
    static let hugePage = 2_097_152

    /// This many bytes, not initialised, on the boundary of a huge page.
    static func take(bytes: Int) -> UnsafeMutableRawPointer {
        // Room to move the beginning to a boundary.
        let room = mmap(nil, bytes + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let room, room != MAP_FAILED else { fatalError("there is no memory for \(bytes) bytes") }
        let address = UInt(bitPattern: room)
        let before = Int((UInt(hugePage) - address % UInt(hugePage)) % UInt(hugePage))
        let base = room + before
        if before > 0 { munmap(room, before) }
        let end = roundedToPage(bytes)
        if hugePage - before > end - bytes { munmap(base + end, roundedToPage(bytes + hugePage) - before - end) }
        madvise(base, end, MADV_HUGEPAGE)
        return base
    }

    static func giveBack(_ base: UnsafeMutableRawPointer, bytes: Int) { munmap(base, roundedToPage(bytes)) }

    private static func roundedToPage(_ bytes: Int) -> Int {
        let page = Int(getpagesize())
        return (bytes + page - 1) / page * page
    }
}
