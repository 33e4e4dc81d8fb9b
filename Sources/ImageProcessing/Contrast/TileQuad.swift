/// The tables of the four tiles around some pixels, side by side: for each of 256 values a word with the four results,
/// so that a pixel costs one look-up instead of four.
///
/// ```
/// word of a value:  | after, after | after, before | before, after | before, before |   (row, column; high to low byte)
/// ```
struct TileQuad {
    private var words = [UInt32](repeating: 0, count: 256)

    mutating func load(_ tables: TileTables, rows: TileInterpolation.Span, columns: TileInterpolation.Span) {
        let a = tables.table(row: rows.tiles.0, column: columns.tiles.0)
        let b = tables.table(row: rows.tiles.0, column: columns.tiles.1)
        let c = tables.table(row: rows.tiles.1, column: columns.tiles.0)
        let d = tables.table(row: rows.tiles.1, column: columns.tiles.1)
        for (value, ((a, b), (c, d))) in zip(zip(a, b), zip(c, d)).enumerated() {
            words[value] = UInt32(a) | UInt32(b) << 8 | UInt32(c) << 16 | UInt32(d) << 24
        }
    }

    /// Maps pixels of one row.
    ///
    /// - Parameters:
    ///   - verticalWeight: the weight of the row of tiles after.
    ///   - horizontalWeights: for each pixel the weight of the column of tiles after.
    func map(
        _ source: UnsafeBufferPointer<UInt8>, into result: UnsafeMutableBufferPointer<UInt8>,
        verticalWeight: Float, horizontalWeights: ArraySlice<Float>
    ) {
        words.withUnsafeBufferPointer { words in
            horizontalWeights.withUnsafeBufferPointer { weights in
                let vectorized = source.count & ~3
                for x in stride(from: 0, to: vectorized, by: 4) {
                    let quads = SIMD4(
                        words[Int(source[x])], words[Int(source[x + 1])],
                        words[Int(source[x + 2])], words[Int(source[x + 3])])
                    let weight = SIMD4(weights[x], weights[x + 1], weights[x + 2], weights[x + 3])
                    let mapped = Self.interpolate(quads, weight, verticalWeight)
                    UnsafeMutableRawBufferPointer(result).storeBytes(of: mapped, toByteOffset: x, as: SIMD4<UInt8>.self)
                }
                for x in vectorized..<source.count {
                    let quad = SIMD4(repeating: words[Int(source[x])])
                    result[x] = Self.interpolate(quad, SIMD4(repeating: weights[x]), verticalWeight)[0]
                }
            }
        }
    }

    /// OpenCV's float32 expression, operation for operation, for four pixels.
    @inline(__always)
    private static func interpolate(_ quads: SIMD4<UInt32>, _ right: SIMD4<Float>, _ lower: Float) -> SIMD4<UInt8> {
        func float(_ bytes: SIMD4<UInt32>) -> SIMD4<Float> {
            // 2²³ + n for a byte n, bit by bit: subtracting 2²³ is exact and costs less than a conversion.
            unsafeBitCast(bytes & 0xFF | 0x4B00_0000, to: SIMD4<Float>.self) - 8_388_608
        }
        let left = 1 - right
        let above = float(quads) * left + float(quads &>> 8) * right
        let below = float(quads &>> 16) * left + float(quads &>> 24) * right
        let value = above * (1 - lower) + below * lower
        // Adding 2²³ rounds half to even, and leaves the integer in the low byte.
        return SIMD4(truncatingIfNeeded: unsafeBitCast(value + 8_388_608, to: SIMD4<UInt32>.self))
    }
}
