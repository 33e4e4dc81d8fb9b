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
