/// An array of float32 values, row-major: images are `[image][row][column][channel]` (NHWC), sequences
/// `[sequence][token][channel]`.
///
/// A value: copies share their memory until one of them is changed.
public struct Tensor: @unchecked Sendable {
    /// The lengths of its axes, the slowest first.
    public let shape: [Int]
    private(set) var storage: TensorStorage

    init(shape: [Int], storage: TensorStorage) {
        self.shape = shape
        self.storage = storage
    }

    /// How many values.
    public var count: Int { storage.count }

    /// How many values a shape has room for.
    ///
    /// - Precondition: no length is negative.
    static func count(of shape: [Int]) -> Int {
        shape.reduce(1) { count, length in
            precondition(length >= 0, "a tensor's axis cannot have \(length) entries")
            return count * length
        }
    }

    /// A tensor of one value throughout.
    public init(shape: [Int], repeating value: Float = 0) {
        self.init(shape: shape) { $0.update(repeating: value) }
    }

    /// A tensor of these values, row-major.
    ///
    /// - Precondition: as many values as the shape has room for.
    public init(shape: [Int], values: [Float]) {
        precondition(values.count == Tensor.count(of: shape), "\(values.count) values do not fill \(shape)")
        self.init(shape: shape) { buffer in
            values.withUnsafeBufferPointer { source in
                if let from = source.baseAddress { buffer.baseAddress?.update(from: from, count: source.count) }
            }
        }
    }

    /// A tensor that the closure fills. Its memory is not cleared before: write every value.
    public init(shape: [Int], initializingWith body: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
        self.shape = shape
        storage = TensorStorage(count: Tensor.count(of: shape))
        try body(UnsafeMutableBufferPointer(start: storage.base, count: storage.count))
    }

    /// A read-only view of memory that `owner` keeps alive and unchanged, such as a mapped file. Nothing is copied.
    ///
    /// - Precondition: the memory holds as many floats as the shape has room for.
    public init(shape: [Int], mapping pointer: UnsafePointer<Float>, owner: AnyObject) {
        self.shape = shape
        storage = TensorStorage(mapping: pointer, count: Tensor.count(of: shape), owner: owner)
    }

    public func withUnsafeBufferPointer<Result>(
        _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        try withExtendedLifetime(storage) { try body(UnsafeBufferPointer(start: storage.base, count: storage.count)) }
    }

    /// Copies the values first if another tensor shares them, or they are a view.
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

    /// The values, copied.
    public var values: [Float] { withUnsafeBufferPointer { Array($0) } }

    /// Gives memory that earlier tensors left, up to 256 MB that wait to be used again, back to the system.
    public static func releaseUnusedMemory() { MemoryPool.drain() }

    /// The same values under another shape; nothing is copied.
    ///
    /// - Precondition: the shapes have room for equally many values.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(Tensor.count(of: shape) == count, "\(self.shape) cannot be seen as \(shape)")
        return Tensor(shape: shape, storage: storage)
    }
}
