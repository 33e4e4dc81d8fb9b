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
