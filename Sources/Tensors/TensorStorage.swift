import Glibc
import Synchronization

/// The memory of tensors: allocated here, or a view of memory that another object keeps alive. Freed in `deinit`.
final class TensorStorage: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
    let count: Int
    private let source: Source

    /// Where the memory comes from, and where `deinit` returns it.
    private enum Source {
        /// Swift's allocator: small pieces.
        case allocator
        /// `MemoryPool`: large pieces.
        case pool
        /// `SystemMemory`: large pieces that are kept for long.
        case system
        /// A view of the memory of this object, which is kept alive.
        case owner(AnyObject)
    }

    /// Uninitialised memory for `count` floats, aligned to 64 bytes at least.
    ///
    /// - Parameter lasts: whether the memory is kept for long, as weights are. Then only the pages that it needs are taken; other
    ///   large pieces are rounded up to a size that later arrays can use again.
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

    /// A view of memory that `owner` keeps alive.
    ///
    /// - Precondition: nothing writes to a mapped storage; its pointer is mutable only so that both kinds have one type.
    init(mapping pointer: UnsafePointer<Float>, count: Int, owner: AnyObject) {
        self.count = count
        source = .owner(owner)
        base = UnsafeMutablePointer(mutating: pointer)
    }

    /// New memory for `count` floats, which the closure must fill.
    static func filled(count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) -> TensorStorage {
        let storage = TensorStorage(count: count)
        body(storage.base)
        return storage
    }

    /// Calls the closure with uninitialised scratch memory for `count` floats, which is freed afterwards.
    static func withScratch(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        let storage = TensorStorage(count: count)
        withExtendedLifetime(storage) { body(storage.base) }
    }

    /// Whether this is a view of another object's memory, which must not be changed.
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

/// A free list of large pieces of memory, shared by the whole process.
///
/// A pass through a network allocates and frees thousands of large arrays. If they came from the operating system each time, this
/// would take a tenth of the run time, because the kernel clears every page that it hands out. Pieces are whole huge pages of
/// 2 MiB. The kernel has five hundred times fewer of them to manage than small pages. Their cache lines also spread evenly over
/// a cache, whereas small pages from anywhere in memory evict each other even from a cache that is large enough for all.
enum MemoryPool {
    /// What the list may keep in any case, in bytes: 256 MiB.
    private static let leastLimit = 268_435_456

    private struct Piece: @unchecked Sendable {
        let base: UnsafeMutableRawPointer
        let bytes: Int
    }

    /// The free pieces, in the order in which they were freed.
    private struct Waiting {
        var pieces: [Piece] = []
        /// The size of the free pieces, of those that are taken, and the most that was taken at a time since the last ``drain()``.
        var (bytes, taken, peak) = (0, 0, 0)

        /// The pieces that were freed first, as long as more is kept than may be: what is free may fill up what is taken to the most that was
        /// taken before. So a step of training, which frees gigabytes at its end, finds them at its beginning, and the process never has more
        /// than at its peak.
        mutating func trim() -> [Piece] {
            let limit = max(MemoryPool.leastLimit, peak - taken)
            var count = 0
            while bytes > limit, count < pieces.count {
                bytes -= pieces[count].bytes
                count += 1
            }
            defer { pieces.removeFirst(count) }
            return Array(pieces.prefix(count))
        }
    }

    private static let waiting = Mutex(Waiting())

    /// Whether the pool handles pieces of this size (at least 384 KiB). Smaller ones come from Swift's allocator.
    static func holds(bytes: Int) -> Bool { bytes >= 393_216 }

    /// Uninitialised memory of this many bytes, rounded up to whole huge pages: a free piece of exactly that size, or new memory.
    static func take(bytes: Int) -> UnsafeMutableRawPointer {
        let size = rounded(bytes)
        let (found, dropped) = waiting.withLock { waiting -> (Piece?, [Piece]) in
            waiting.taken += size
            waiting.peak = max(waiting.peak, waiting.taken)
            guard let index = waiting.pieces.lastIndex(where: { $0.bytes == size }) else { return (nil, waiting.trim()) }
            waiting.bytes -= size
            return (waiting.pieces.remove(at: index), [])
        }
        if let found { return found.base }
        for piece in dropped { SystemMemory.giveBack(piece.base, bytes: piece.bytes) }
        return SystemMemory.take(bytes: size)
    }

    /// Puts a piece on the free list.
    ///
    /// - Parameter bytes: the size that `take` was called with.
    static func giveBack(_ base: UnsafeMutableRawPointer, bytes: Int) {
        let piece = Piece(base: base, bytes: rounded(bytes))
        let dropped = waiting.withLock { waiting in
            waiting.pieces.append(piece)
            waiting.bytes += piece.bytes
            waiting.taken -= piece.bytes
            return waiting.trim()
        }
        for piece in dropped { SystemMemory.giveBack(piece.base, bytes: piece.bytes) }
    }

    /// Returns all free pieces to the system.
    static func drain() {
        let pieces = waiting.withLock { waiting in
            defer { (waiting.pieces, waiting.bytes, waiting.peak) = ([], 0, waiting.taken) }
            return waiting.pieces
        }
        for piece in pieces { SystemMemory.giveBack(piece.base, bytes: piece.bytes) }
    }

    private static func rounded(_ bytes: Int) -> Int {
        (bytes + SystemMemory.hugePage - 1) / SystemMemory.hugePage * SystemMemory.hugePage
    }
}

/// Memory directly from the operating system (`mmap`), in huge pages as far as they fit. Memory that is given back is free at
/// once; an allocator would keep parts of it.
private enum SystemMemory {
    /// Bytes of a huge page.
    static let hugePage = 2_097_152

    /// Uninitialised memory of this many bytes that begins at a huge-page boundary. Stops the program where there is none.
    static func take(bytes: Int) -> UnsafeMutableRawPointer {
        // One huge page more, so that the beginning can move to a boundary.
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
