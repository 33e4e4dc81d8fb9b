/// The memory behind tensors: its own, or a view of memory that another object keeps alive.
final class TensorStorage: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
    let count: Int
    private let owner: AnyObject?

    /// Not initialised.
    init(count: Int) {
        self.count = count
        owner = nil
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        let memory =
            MemoryPool.holds(bytes: bytes)
            ? MemoryPool.take(bytes: bytes) : UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    }

    /// - Precondition: nobody writes to a mapped storage; its pointer is mutable only so that both kinds have one type.
    init(mapping pointer: UnsafePointer<Float>, count: Int, owner: AnyObject) {
        self.count = count
        self.owner = owner
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

    var isMapped: Bool { owner != nil }

    deinit {
        guard owner == nil else { return }
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        if MemoryPool.holds(bytes: bytes) {
            MemoryPool.giveBack(base, bytes: bytes)
        } else {
            UnsafeMutableRawPointer(base).deallocate()
        }
    }
}
