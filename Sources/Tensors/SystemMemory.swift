import Glibc

/// Memory straight from the system, in huge pages as far as they fit in; what is given back is gone at once, where an allocator
/// would keep pieces of it.
enum SystemMemory {
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
