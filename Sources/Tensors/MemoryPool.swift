import Glibc
import Synchronization

/// Large pieces of memory that were used before and wait to be used again, shared by the whole process.
///
/// A pass through a network allocates and frees thousands of large arrays. If they came from the operating system each time, this
/// would take a tenth of the run time, because the kernel clears every page that it hands out. Pieces are whole huge pages of
/// 2 MiB. The kernel has five hundred times fewer of them to manage than small pages. Their cache lines also spread evenly over
/// a cache, whereas small pages from anywhere in memory evict each other even from a cache that is large enough for all.
enum MemoryPool {
    /// What may wait in any case, in bytes: 256 MiB.
    private static let leastLimit = 268_435_456

    private struct Waiting {
        var free = FreeMemory()
        /// The size of the pieces that are taken, and the most that was taken at a time since the last ``drain()``.
        var (taken, peak) = (0, 0)

        /// What is free beyond what may wait, which is what fills up the pieces that are taken to the most that was taken before. So a step
        /// of training, which frees gigabytes at its end, finds them at its beginning, and the process never has more than at its peak.
        mutating func excess() -> [Range<UInt>] { free.removeExcess(over: max(MemoryPool.leastLimit, peak - taken)) }
    }

    private static let waiting = Mutex(Waiting())

    /// Whether the pool handles pieces of this size (at least 384 KiB). Smaller ones come from Swift's allocator.
    static func holds(bytes: Int) -> Bool { bytes >= 393_216 }

    /// Uninitialised memory of this many bytes, rounded up to whole huge pages: free memory, or new memory.
    static func take(bytes: Int) -> UnsafeMutableRawPointer {
        let size = rounded(bytes)
        let (found, dropped) = waiting.withLock { waiting in
            waiting.taken += size
            waiting.peak = max(waiting.peak, waiting.taken)
            return (waiting.free.take(size), waiting.excess())
        }
        giveBack(dropped)
        return found.flatMap { UnsafeMutableRawPointer(bitPattern: $0) } ?? SystemMemory.take(bytes: size)
    }

    /// Keeps a piece for the next arrays.
    ///
    /// - Parameter bytes: the size that `take` was called with.
    static func giveBack(_ base: UnsafeMutableRawPointer, bytes: Int) {
        let (first, size) = (UInt(bitPattern: base), rounded(bytes))
        giveBack(
            waiting.withLock { waiting in
                waiting.free.insert(first..<first + UInt(size))
                waiting.taken -= size
                return waiting.excess()
            })
    }

    /// Returns all free memory to the system.
    static func drain() {
        giveBack(
            waiting.withLock { waiting in
                waiting.peak = waiting.taken
                return waiting.free.removeExcess(over: 0)
            })
    }

    private static func giveBack(_ pieces: [Range<UInt>]) {
        for piece in pieces {
            guard let base = UnsafeMutableRawPointer(bitPattern: piece.lowerBound) else { continue }
            SystemMemory.giveBack(base, bytes: piece.count)
        }
    }

    private static func rounded(_ bytes: Int) -> Int {
        (bytes + SystemMemory.hugePage - 1) / SystemMemory.hugePage * SystemMemory.hugePage
    }
}

/// Addresses of memory that nobody uses: pieces that touch are one, so that what was many small arrays can be a large one next.
struct FreeMemory {
    /// By address; no two touch.
    private(set) var pieces: [Range<UInt>] = []
    /// The size of all pieces.
    private(set) var bytes = 0

    /// The beginning of the smallest piece that has so many bytes, whose rest stays free; nil where no piece has.
    mutating func take(_ size: Int) -> UInt? {
        let fitting = pieces.indices.filter { pieces[$0].count >= size }
        guard let index = fitting.min(by: { pieces[$0].count < pieces[$1].count }) else { return nil }
        let first = pieces[index].lowerBound
        cut(index, size)
        return first
    }

    /// - Precondition: nothing of it is free already.
    mutating func insert(_ piece: Range<UInt>) {
        var (low, high) = (0, pieces.count)
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].lowerBound < piece.lowerBound { low = middle + 1 } else { high = middle }
        }
        let touchesBefore = low > 0 && pieces[low - 1].upperBound == piece.lowerBound
        let touchesAfter = low < pieces.count && pieces[low].lowerBound == piece.upperBound
        let first = touchesBefore ? pieces[low - 1].lowerBound : piece.lowerBound
        let end = touchesAfter ? pieces[low].upperBound : piece.upperBound
        pieces.replaceSubrange((touchesBefore ? low - 1 : low)..<(touchesAfter ? low + 1 : low), with: [first..<end])
        bytes += piece.count
    }

    /// Takes out what is more than so many bytes, the smallest pieces first: they serve least.
    mutating func removeExcess(over limit: Int) -> [Range<UInt>] {
        var removed: [Range<UInt>] = []
        while bytes > limit, let index = pieces.indices.min(by: { pieces[$0].count < pieces[$1].count }) {
            let size = min(pieces[index].count, bytes - limit)
            let first = pieces[index].lowerBound
            removed.append(first..<first + UInt(size))
            cut(index, size)
        }
        return removed
    }

    /// Removes so many bytes from a piece's beginning.
    private mutating func cut(_ index: Int, _ size: Int) {
        bytes -= size
        let rest = pieces[index].lowerBound + UInt(size)..<pieces[index].upperBound
        if rest.isEmpty { pieces.remove(at: index) } else { pieces[index] = rest }
    }
}

/// Memory directly from the operating system (`mmap`), in huge pages as far as they fit. Memory that is given back is free at
/// once; an allocator would keep parts of it.
enum SystemMemory {
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
