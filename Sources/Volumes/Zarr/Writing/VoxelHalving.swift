/// Makes a lower resolution of voxels in memory: blocks of 2 × 2 × 2 voxels become one.
///
/// At the far edges, where a block is cut, it has the voxels that are there: what is missing is taken to be equal to its neighbour.
package enum VoxelHalving: String, Sendable {
    /// Their mean, for densities; of integers the nearest integer, halves upwards.
    case mean
    /// The greatest of them, for labels, which have no mean: thin structures stay, and a class of a higher number covers one of a
    /// lower one.
    case maximum

    /// Where the result goes: an array of slices of rows, in which it may be a part.
    package struct Target {
        /// The index of the first voxel.
        let start: Int
        /// Voxels from row to row, and rows from slice to slice.
        let columns, rows: Int

        package init(start: Int = 0, columns: Int, rows: Int) { (self.start, self.columns, self.rows) = (start, columns, rows) }
    }

    /// Halves a box.
    ///
    /// - Parameters:
    ///   - source: the voxels `[z][y][x]` of a box that begins at even indices, aligned to their size.
    ///   - shape: of the box.
    ///   - destination: the memory of the array that ``Target`` describes, of the same scalar type.
    /// - Complexity: one pass over the source.
    package func callAsFunction(
        _ source: UnsafeRawBufferPointer, _ scalarType: ScalarType, shape: VolumeShape,
        into destination: UnsafeMutableRawBufferPointer, _ target: Target
    ) {
        func halve<Value: HalvedVoxel>(_: Value.Type) {
            let last = target.start + (((shape.z - 1) / 2 * target.rows) + (shape.y - 1) / 2) * target.columns + (shape.x - 1) / 2
            precondition(
                source.count == shape.count * scalarType.size && (last + 1) * scalarType.size <= destination.count,
                "the voxels of \(shape) do not fit")
            let (from, to) = (source.assumingMemoryBound(to: Value.self), destination.assumingMemoryBound(to: Value.self))
            switch self {
            case .mean: Self.halve(from, shape, to, target) { Value.mean($0, $1, $2, $3, $4, $5, $6, $7) }
            case .maximum:
                Self.halve(from, shape, to, target) { Swift.max(Swift.max($0, $1, $2, $3), Swift.max($4, $5, $6, $7)) }
            }
        }
        switch scalarType {
        case .uint8: halve(UInt8.self)
        case .int8: halve(Int8.self)
        case .uint16: halve(UInt16.self)
        case .int16: halve(Int16.self)
        case .uint32: halve(UInt32.self)
        case .int32: halve(Int32.self)
        case .uint64: halve(UInt64.self)
        case .int64: halve(Int64.self)
        case .float16: halve(Float16.self)
        case .float32: halve(Float.self)
        case .float64: halve(Double.self)
        }
    }

    @inline(__always)
    private static func halve<Value>(
        _ source: UnsafeBufferPointer<Value>, _ shape: VolumeShape, _ destination: UnsafeMutableBufferPointer<Value>,
        _ target: Target, _ reduce: (Value, Value, Value, Value, Value, Value, Value, Value) -> Value
    ) {
        for z in stride(from: 0, to: shape.z, by: 2) {
            let below = z + 1 < shape.z ? shape.voxelsPerSlice : 0
            for y in stride(from: 0, to: shape.y, by: 2) {
                let down = y + 1 < shape.y ? shape.x : 0
                let a = (z * shape.y + y) * shape.x
                let (b, c, d) = (a + down, a + below, a + below + down)
                let row = target.start + (z / 2 * target.rows + y / 2) * target.columns
                let pairs = shape.x / 2
                for pair in 0..<pairs {
                    let x = pair &* 2
                    destination[row &+ pair] = reduce(
                        source[a &+ x], source[a &+ x &+ 1], source[b &+ x], source[b &+ x &+ 1], source[c &+ x],
                        source[c &+ x &+ 1], source[d &+ x], source[d &+ x &+ 1])
                }
                if shape.x % 2 == 1 {
                    let x = shape.x - 1
                    destination[row + pairs] = reduce(
                        source[a + x], source[a + x], source[b + x], source[b + x], source[c + x], source[c + x], source[d + x],
                        source[d + x])
                }
            }
        }
    }
}

/// A type of voxels of which lower resolutions are made.
private protocol HalvedVoxel: VoxelScalar, Comparable {
    static func mean(_ a: Self, _ b: Self, _ c: Self, _ d: Self, _ e: Self, _ f: Self, _ g: Self, _ h: Self) -> Self
}

extension HalvedVoxel where Self: FixedWidthInteger {
    @inline(__always)
    static func mean(_ a: Self, _ b: Self, _ c: Self, _ d: Self, _ e: Self, _ f: Self, _ g: Self, _ h: Self) -> Self {
        guard Self.bitWidth < Int.bitWidth else {
            // Of 64 bits the sum may not fit: quotients and remainders are added one by one.
            let values = [a, b, c, d, e, f, g, h]
            let quotients = values.reduce(Self.zero) { $0 + ($1 >> 3) }
            return quotients + (values.reduce(Self.zero) { $0 + ($1 & 7) } + 4) >> 3
        }
        let upper =
            Int(truncatingIfNeeded: a) &+ Int(truncatingIfNeeded: b) &+ Int(truncatingIfNeeded: c)
            &+ Int(truncatingIfNeeded: d)
        let lower =
            Int(truncatingIfNeeded: e) &+ Int(truncatingIfNeeded: f) &+ Int(truncatingIfNeeded: g)
            &+ Int(truncatingIfNeeded: h)
        return Self(truncatingIfNeeded: (upper &+ lower &+ 4) >> 3)
    }
}

extension HalvedVoxel where Self: BinaryFloatingPoint {
    @inline(__always)
    static func mean(_ a: Self, _ b: Self, _ c: Self, _ d: Self, _ e: Self, _ f: Self, _ g: Self, _ h: Self) -> Self {
        (((a + b) + (c + d)) + ((e + f) + (g + h))) / 8
    }
}

extension UInt8: HalvedVoxel {}
extension Int8: HalvedVoxel {}
extension UInt16: HalvedVoxel {}
extension Int16: HalvedVoxel {}
extension UInt32: HalvedVoxel {}
extension Int32: HalvedVoxel {}
extension UInt64: HalvedVoxel {}
extension Int64: HalvedVoxel {}
extension Float16: HalvedVoxel {}
extension Float: HalvedVoxel {}
extension Double: HalvedVoxel {}
