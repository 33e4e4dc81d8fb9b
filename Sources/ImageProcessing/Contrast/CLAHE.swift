public import Basics

/// Contrast-limited adaptive histogram equalization of 8-bit images, equal to OpenCV's `createCLAHE` in every bit.
///
/// The image is divided into a grid of tiles. The histogram of each tile, its peaks clipped and the excess spread
/// over all bins, becomes a look-up table; a pixel is mapped by the four tables around it, interpolated bilinearly.
///
/// Source: K. Zuiderveld, *Contrast limited adaptive histogram equalization*, Graphics Gems IV (1994); the padding, the
/// rounding and the order of the float32 operations are those of OpenCV 4 (measured against 4.12).
public struct CLAHE: Hashable, Sendable {
    /// How many times its fair share (the pixels of a tile / 256) a bin of the histogram may hold; 0 does not clip.
    public let clipLimit: Double
    /// The number of tiles along y.
    public let rows: Int
    /// The number of tiles along x.
    public let columns: Int

    /// The most tiles along a side. There may be more tiles than pixels: OpenCV mirrors the image until there are not.
    public static let gridRange = 1...256

    /// A method with a clip limit and a grid of `rows` × `columns` tiles.
    ///
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
    /// - Complexity: two passes over the pixels; memory is the result and 256 bytes for each tile.
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
