import Basics

/// The voxels of a box in memory, in storage order `[z][y][x]`, as little-endian values of one scalar type.
public struct VoxelBuffer: Sendable, Hashable {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    /// `shape.count * scalarType.size` bytes.
    public private(set) var bytes: [UInt8]

    /// Creates a buffer. The closure must write all its bytes; what it throws is thrown.
    ///
    /// - Complexity: allocates `shape.count * scalarType.size` bytes and does not clear them first.
    public init<E: Error>(
        shape: VolumeShape, scalarType: ScalarType, initializingWith initialize: (UnsafeMutableRawBufferPointer) throws(E) -> Void
    ) throws(E) {
        let count = shape.count * scalarType.size
        self.shape = shape
        self.scalarType = scalarType
        var failure: E?
        self.bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(E) {
                try initialize(UnsafeMutableRawBufferPointer(buffer))
                initialized = count
            } catch {
                failure = error
                initialized = 0
            }
        }
        if let failure { throw failure }
    }

    /// Copies the values of an array, in storage order `[z][y][x]`.
    ///
    /// Returns nil if the number of values is not that of the shape.
    public init?<Value: VoxelScalar>(shape: VolumeShape, values: [Value]) {
        guard values.count == shape.count else { return nil }
        self.shape = shape
        self.scalarType = Value.scalarType
        self.bytes = values.withUnsafeBytes { Array($0) }
    }

    /// Calls the closure with the voxels as values of their type, without a copy; returns nil if the buffer has another type.
    public func withValues<Value: VoxelScalar, Result, E: Error>(
        as type: Value.Type, _ body: (UnsafeBufferPointer<Value>) throws(E) -> Result
    ) throws(E) -> Result? {
        guard Value.scalarType == scalarType else { return nil }
        let result: Swift.Result<Result, E> = bytes.withUnsafeBytes { raw in
            do throws(E) { return .success(try body(raw.assumingMemoryBound(to: Value.self))) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// The voxels as float32, in storage order. Integers beyond 2²⁴ and float64 are rounded to the nearest float32.
    ///
    /// - Complexity: one pass over the voxels; allocates four bytes for each.
    public func floats() -> [Float] {
        [Float](unsafeUninitializedCapacity: shape.count) { floats, count in
            bytes.withUnsafeBytes { scalarType.convert($0, into: floats) }
            count = shape.count
        }
    }
}

/// A Swift type whose values can be voxels.
public protocol VoxelScalar: Sendable, BitwiseCopyable {
    static var scalarType: ScalarType { get }
}

extension UInt8: VoxelScalar { public static var scalarType: ScalarType { .uint8 } }
extension Int8: VoxelScalar { public static var scalarType: ScalarType { .int8 } }
extension UInt16: VoxelScalar { public static var scalarType: ScalarType { .uint16 } }
extension Int16: VoxelScalar { public static var scalarType: ScalarType { .int16 } }
extension UInt32: VoxelScalar { public static var scalarType: ScalarType { .uint32 } }
extension Int32: VoxelScalar { public static var scalarType: ScalarType { .int32 } }
extension UInt64: VoxelScalar { public static var scalarType: ScalarType { .uint64 } }
extension Int64: VoxelScalar { public static var scalarType: ScalarType { .int64 } }
extension Float: VoxelScalar { public static var scalarType: ScalarType { .float32 } }
extension Double: VoxelScalar { public static var scalarType: ScalarType { .float64 } }
extension Float16: VoxelScalar { public static var scalarType: ScalarType { .float16 } }

/// The numeric type of a voxel, after decoding.
public enum ScalarType: String, Hashable, Sendable, CaseIterable, Codable {
    case uint8, int8, uint16, int16, uint32, int32, uint64, int64, float16, float32, float64

    /// The size of a value in bytes.
    public var size: Int {
        switch self {
        case .uint8, .int8: 1
        case .uint16, .int16, .float16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        }
    }

    /// Whether the values are IEEE 754 floating-point numbers.
    public var isFloatingPoint: Bool {
        switch self {
        case .float16, .float32, .float64: true
        default: false
        }
    }
}

extension ScalarType {
    /// Converts little-endian values of this type to float32. Integers beyond 2²⁴ and float64 are rounded to the nearest float32.
    ///
    /// - Parameters:
    ///   - bytes: the values, `floats.count * size` bytes, aligned to the size of a value.
    ///   - floats: the memory for as many values.
    /// - Complexity: one pass over the values.
    package func convert(_ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutableBufferPointer<Float>) {
        precondition(bytes.count == floats.count * size, "\(bytes.count) bytes do not hold \(floats.count) values of \(self)")
        switch self {
        case .uint8: Self.convert(bytes, of: UInt8.self, into: floats) { Float($0) }
        case .int8: Self.convert(bytes, of: Int8.self, into: floats) { Float($0) }
        case .uint16: Self.convert(bytes, of: UInt16.self, into: floats) { Float($0) }
        case .int16: Self.convert(bytes, of: Int16.self, into: floats) { Float($0) }
        case .uint32: Self.convert(bytes, of: UInt32.self, into: floats) { Float($0) }
        case .int32: Self.convert(bytes, of: Int32.self, into: floats) { Float($0) }
        case .uint64: Self.convert(bytes, of: UInt64.self, into: floats) { Float($0) }
        case .int64: Self.convert(bytes, of: Int64.self, into: floats) { Float($0) }
        case .float16: Float16.widen(bytes.assumingMemoryBound(to: UInt16.self), into: floats)
        case .float32: Self.convert(bytes, of: Float.self, into: floats) { $0 }
        case .float64: Self.convert(bytes, of: Double.self, into: floats) { Float($0) }
        }
    }

    @inline(__always)
    private static func convert<Value: BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, of type: Value.Type, into floats: UnsafeMutableBufferPointer<Float>,
        _ value: (Value) -> Float
    ) {
        for index in floats.indices {
            floats[index] = value(bytes.loadUnaligned(fromByteOffset: index &* MemoryLayout<Value>.size, as: Value.self))
        }
    }
}
