public import Basics

/// Contrast-limited adaptive histogram equalization (CLAHE) of 8-bit images, bit for bit equal to OpenCV's `createCLAHE`.
///
/// The image is divided into a grid of tiles. In each tile the histogram is clipped, the excess is spread over all bins, and
/// the cumulative histogram becomes a look-up table. A pixel is mapped by the tables of the four tiles whose centres are
/// around it, interpolated bilinearly.
///
/// Source: K. Zuiderveld, *Contrast limited adaptive histogram equalization*, Graphics Gems IV (1994); the padding, the
/// rounding and the order of the float32 operations are those of OpenCV 4 (measured against 4.12).
public struct CLAHE: Hashable, Sendable {
    /// The most pixels that a bin of a tile's histogram may hold, as a multiple of the mean (pixels of a tile / 256); 0 means
    /// no limit.
    public let clipLimit: Double
    /// The number of tiles along y.
    public let rows: Int
    /// The number of tiles along x.
    public let columns: Int

    /// The allowed numbers of tiles along a side. There may be more tiles than pixels: like OpenCV, CLAHE pads the image by
    /// reflection.
    public static let gridRange = 1...256

    /// - Throws: ``ImageError`` unless the clip limit is finite and not negative, and both sides of the grid lie in
    ///   ``gridRange``.
    public init(clipLimit: Double = 2, rows: Int = 8, columns: Int = 8) throws(ImageError) {
        guard clipLimit.isFinite, clipLimit >= 0 else {
            throw .parameter("the clip limit of CLAHE", clipLimit, mustBe: "a finite number that is not negative")
        }
        for side in [rows, columns] where !Self.gridRange.contains(side) {
            throw .parameter("a side of the CLAHE grid", side, mustBe: "in 1 … \(Self.gridRange.upperBound)")
        }
        self.clipLimit = clipLimit
        self.rows = rows
        self.columns = columns
    }

    /// The image `[y][x]` with its local contrast equalized.
    ///
    /// - Complexity: two passes over the pixels. Memory is the result and 256 bytes for each tile.
    public func callAsFunction(_ image: Image<UInt8>) -> Image<UInt8> {
        let tables = TileTables(of: image, method: self)
        let vertical = TileInterpolation(side: image.height, tile: tables.tileHeight, tileCount: rows)
        let horizontal = TileInterpolation(side: image.width, tile: tables.tileWidth, tileCount: columns)
        let width = image.width
        return Image(sizeOf: image) { result in
            image.values.withUnsafeBufferPointer { source in
                var quad = TileQuad()
                for rowSpan in vertical.spans {
                    for columnSpan in horizontal.spans {
                        quad.load(tables, rows: rowSpan, columns: columnSpan)
                        for y in rowSpan.range {
                            let pixels = y * width + columnSpan.range.lowerBound..<y * width + columnSpan.range.upperBound
                            quad.map(
                                UnsafeBufferPointer(rebasing: source[pixels]),
                                into: UnsafeMutableBufferPointer(rebasing: result[pixels]),
                                verticalWeight: vertical.weights[y],
                                horizontalWeights: horizontal.weights[columnSpan.range])
                        }
                    }
                }
            }
        }
    }
}

/// The look-up tables of CLAHE: 256 values for each tile of the grid.
private struct TileTables {
    let tileHeight: Int
    let tileWidth: Int
    private let columns: Int
    /// 256 values for each tile, tiles `[row][column]`.
    private var values: [UInt8]

    init(of image: Image<UInt8>, method: CLAHE) {
        let divides = image.height.isMultiple(of: method.rows) && image.width.isMultiple(of: method.columns)
        // If either side is not a multiple of its number of tiles, OpenCV pads both. A side that is a multiple grows by one
        // pixel for each tile.
        func padded(_ side: Int, _ count: Int) -> Int { divides ? side : side + count - side % count }
        let height = padded(image.height, method.rows)
        let width = padded(image.width, method.columns)
        tileHeight = height / method.rows
        tileWidth = width / method.columns
        columns = method.columns

        let mirroredRows = (0..<height).map { BorderRule.reflect101.inside($0, image.height) }
        let mirroredColumns = (0..<width).map { BorderRule.reflect101.inside($0, image.width) }
        let area = tileHeight * tileWidth
        let limit = Self.limit(method.clipLimit, area: area)
        let scale = 255 / Float(area)

        values = []
        values.reserveCapacity(256 * method.rows * method.columns)
        var histogram = ByteHistogram()
        for row in 0..<method.rows {
            for column in 0..<method.columns {
                histogram.reset()
                let tileColumns = column * tileWidth..<(column + 1) * tileWidth
                image.values.withUnsafeBufferPointer { pixels in
                    for y in row * tileHeight..<(row + 1) * tileHeight {
                        let first = mirroredRows[y] * image.width
                        let line = UnsafeBufferPointer(rebasing: pixels[first..<first + image.width])
                        let inside = tileColumns.clamped(to: 0..<image.width)
                        histogram.add(UnsafeBufferPointer(rebasing: line[inside]))
                        for x in max(tileColumns.lowerBound, image.width)..<max(tileColumns.upperBound, image.width) {
                            histogram.add(line[mirroredColumns[x]])
                        }
                    }
                }
                values.append(contentsOf: Self.table(of: histogram.counts, limit: limit, scale: scale))
            }
        }
    }

    /// The table of a tile.
    func table(row: Int, column: Int) -> ArraySlice<UInt8> {
        let first = 256 * (row * columns + column)
        return values[first..<first + 256]
    }

    /// The most pixels that a bin may hold; nil where bins are not clipped.
    private static func limit(_ clipLimit: Double, area: Int) -> Int? {
        guard clipLimit > 0 else { return nil }
        return max(1, Int(min(clipLimit * Double(area) / 256, Double(area))))
    }

    /// The look-up table of a tile: the cumulative clipped histogram, scaled to 0 … 255.
    private static func table(of histogram: [Int], limit: Int?, scale: Float) -> [UInt8] {
        var counts = histogram
        if let limit {
            var excess = 0
            for bin in counts.indices where counts[bin] > limit {
                excess += counts[bin] - limit
                counts[bin] = limit
            }
            let (share, remainder) = excess.quotientAndRemainder(dividingBy: 256)
            for bin in counts.indices { counts[bin] += share }
            if remainder > 0 {
                // The remainder goes to evenly spaced bins, one pixel each. The step is rounded down, as in OpenCV.
                for bin in stride(from: 0, to: 256, by: max(256 / remainder, 1)).prefix(remainder) { counts[bin] += 1 }
            }
        }
        var sum = 0
        return counts.map { count in
            sum += count
            return UInt8(min((Float(sum) * scale).rounded(.toNearestOrEven), 255))
        }
    }
}

/// The linear interpolation between tile centres along one axis: for each pixel two tiles, and the weight of the second.
private struct TileInterpolation {
    /// Consecutive pixels between the same two tile centres.
    struct Span {
        var range: Range<Int>
        /// The tile before and the tile after; twice the same tile at the border.
        let tiles: (Int, Int)
    }

    let spans: [Span]
    /// The weight of the tile after, for each pixel.
    let weights: [Float]

    init(side: Int, tile: Int, tileCount: Int) {
        // OpenCV multiplies by the rounded reciprocal, and computes the weight before it clamps the tile.
        let reciprocal = 1 / Float(tile)
        var spans: [Span] = []
        var weights: [Float] = []
        weights.reserveCapacity(side)
        var last = Int.min
        for index in 0..<side {
            let position = Float(index) * reciprocal - 0.5
            let floor = position.rounded(.down)
            weights.append(position - floor)
            let before = Int(floor)
            if before == last {
                spans[spans.count - 1].range = spans[spans.count - 1].range.lowerBound..<index + 1
            } else {
                spans.append(Span(range: index..<index + 1, tiles: (max(before, 0), min(before + 1, tileCount - 1))))
                last = before
            }
        }
        self.spans = spans
        self.weights = weights
    }
}

/// The tables of the four tiles around some pixels, interleaved: for each of the 256 values one word with the four results,
/// so that a pixel needs one look-up instead of four.
///
/// ```
/// word of a value:  | after, after | after, before | before, after | before, before |   (row, column; high to low byte)
/// ```
private struct TileQuad {
    private var words = [UInt32](repeating: 0, count: 256)

    /// Interleaves the tables of two rows and two columns of tiles.
    mutating func load(_ tables: TileTables, rows: TileInterpolation.Span, columns: TileInterpolation.Span) {
        let a = tables.table(row: rows.tiles.0, column: columns.tiles.0)
        let b = tables.table(row: rows.tiles.0, column: columns.tiles.1)
        let c = tables.table(row: rows.tiles.1, column: columns.tiles.0)
        let d = tables.table(row: rows.tiles.1, column: columns.tiles.1)
        for (value, ((a, b), (c, d))) in zip(zip(a, b), zip(c, d)).enumerated() {
            words[value] = UInt32(a) | UInt32(b) << 8 | UInt32(c) << 16 | UInt32(d) << 24
        }
    }

    /// Maps consecutive pixels of one row.
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

    /// Interpolates four pixels with the same float32 operations, in the same order, as OpenCV.
    @inline(__always)
    private static func interpolate(_ quads: SIMD4<UInt32>, _ right: SIMD4<Float>, _ lower: Float) -> SIMD4<UInt8> {
        func float(_ bytes: SIMD4<UInt32>) -> SIMD4<Float> {
            // These are the bits of 2²³ + n for a byte n. Subtracting 2²³ is exact, and faster than a conversion.
            unsafeBitCast(bytes & 0xFF | 0x4B00_0000, to: SIMD4<Float>.self) - 8_388_608
        }
        let left = 1 - right
        let above = float(quads) * left + float(quads &>> 8) * right
        let below = float(quads &>> 16) * left + float(quads &>> 24) * right
        let value = above * (1 - lower) + below * lower
        // Adding 2²³ rounds half to even and leaves the integer in the low byte.
        return SIMD4(truncatingIfNeeded: unsafeBitCast(value + 8_388_608, to: SIMD4<UInt32>.self))
    }
}
