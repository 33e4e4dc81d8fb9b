/// A picture of 8-bit grey values `[y][x]`, at most 65536 along a side.
public struct GreyImage: Hashable, Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of pixels of a row.
    public let width: Int
    /// The grey values, row after row: 0 is black, 255 is white.
    public let pixels: [UInt8]

    /// Returns nil if a side is out of range, or if the number of pixels is not that of the sides.
    public init?(height: Int, width: Int, pixels: [UInt8]) {
        guard let count = PixelCount.of(height: height, width: width), pixels.count == count else { return nil }
        self.height = height
        self.width = width
        self.pixels = pixels
    }
}
