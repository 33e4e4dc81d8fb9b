/// An array of float32 values, row-major: images are `[image][row][column][channel]` (NHWC), sequences
/// `[sequence][token][channel]`.
///
/// A value type with copy-on-write: copies share their memory until one of them is changed.
public struct Tensor: @unchecked Sendable {
    /// The lengths of the axes, slowest axis first.
    public let shape: [Int]
    private(set) var storage: TensorStorage

    init(shape: [Int], storage: TensorStorage) {
        self.shape = shape
        self.storage = storage
    }

    /// The number of values: the product of the axis lengths.
    public var count: Int { storage.count }

    /// The number of values in a tensor of this shape: the product of its lengths, 1 for an empty shape.
    ///
    /// - Precondition: no length is negative.
    static func count(of shape: [Int]) -> Int {
        shape.reduce(1) { count, length in
            precondition(length >= 0, "a tensor's axis cannot have \(length) entries")
            return count * length
        }
    }

    /// A tensor filled with one value.
    public init(shape: [Int], repeating value: Float = 0) {
        self.init(shape: shape) { $0.update(repeating: value) }
    }

    /// A tensor with a copy of these values, row-major.
    ///
    /// - Precondition: `values.count` is the product of the shape's lengths.
    public init(shape: [Int], values: [Float]) {
        precondition(values.count == Tensor.count(of: shape), "\(values.count) values do not fill \(shape)")
        self.init(shape: shape) { buffer in
            values.withUnsafeBufferPointer { source in
                if let from = source.baseAddress { buffer.baseAddress?.update(from: from, count: source.count) }
            }
        }
    }

    /// A tensor whose values the closure writes. The memory is uninitialised: the closure must write every value.
    ///
    /// - Throws: what the closure throws.
    public init(shape: [Int], initializingWith body: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
        self.shape = shape
        storage = TensorStorage(count: Tensor.count(of: shape))
        try body(UnsafeMutableBufferPointer(start: storage.base, count: storage.count))
    }

    /// A read-only view of memory that `owner` keeps alive and unchanged, such as a memory-mapped file. Nothing is copied until
    /// the tensor is changed.
    ///
    /// - Precondition: the memory holds at least as many floats as the product of the shape's lengths.
    public init(shape: [Int], mapping pointer: UnsafePointer<Float>, owner: AnyObject) {
        self.shape = shape
        storage = TensorStorage(mapping: pointer, count: Tensor.count(of: shape), owner: owner)
    }

    /// Calls the closure with the values, row-major. The pointer is valid only during the call.
    public func withUnsafeBufferPointer<Result>(
        _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        try withExtendedLifetime(storage) { try body(UnsafeBufferPointer(start: storage.base, count: storage.count)) }
    }

    /// Calls the closure with the values to change, row-major. The pointer is valid only during the call.
    ///
    /// Copies the values first if another tensor shares them, or if they are a view of another object's memory.
    public mutating func withUnsafeMutableBufferPointer<Result>(
        _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        if storage.isMapped || !isKnownUniquelyReferenced(&storage) {
            let copy = TensorStorage(count: storage.count)
            copy.base.update(from: storage.base, count: storage.count)
            storage = copy
        }
        return try withExtendedLifetime(storage) {
            try body(UnsafeMutableBufferPointer(start: storage.base, count: storage.count))
        }
    }

    /// A copy of the values, row-major.
    public var values: [Float] { withUnsafeBufferPointer { Array($0) } }

    /// Returns unused memory to the operating system: what freed tensors left in the process's memory pool for later tensors to use again. That
    /// may be as much as tensors had at most, so it is called where work of one kind ends.
    public static func releaseUnusedMemory() { MemoryPool.drain() }

    /// The same values with another shape. Nothing is copied.
    ///
    /// - Precondition: both shapes have the same number of values.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(Tensor.count(of: shape) == count, "\(self.shape) cannot be seen as \(shape)")
        return Tensor(shape: shape, storage: storage)
    }
}
