/// A picture of 8-bit colours, at most 65536 along a side, to draw on.
///
/// Drawing is clipped: what lies outside the picture is not drawn, and is no error.
public struct RGBImage: Hashable, Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of pixels of a row.
    public let width: Int
    /// Red, green and blue of each pixel, row after row: `height * width * 3` bytes.
    public internal(set) var bytes: [UInt8]

    /// A picture of one colour; nil if a side is out of range.
    public init?(height: Int, width: Int, filledWith color: Color = .black) {
        guard let count = PixelCount.of(height: height, width: width) else { return nil }
        self.height = height
        self.width = width
        self.bytes = [UInt8](repeating: 0, count: count * 3)
        fill(y: 0..<height, x: 0..<width, color)
    }

    /// A grey picture to draw on in colour.
    public init(_ grey: GreyImage) {
        self.height = grey.height
        self.width = grey.width
        self.bytes = [UInt8](unsafeUninitializedCapacity: 3 * grey.pixels.count) { bytes, count in
            for (index, value) in grey.pixels.enumerated() {
                bytes[3 * index] = value
                bytes[3 * index + 1] = value
                bytes[3 * index + 2] = value
            }
            count = 3 * grey.pixels.count
        }
    }

    /// The colour of the pixel of row `y` and column `x`, or nil outside the picture.
    public subscript(y y: Int, x x: Int) -> Color? {
        guard y >= 0, y < height, x >= 0, x < width else { return nil }
        return color(at: 3 * (y * width + x))
    }

    /// The colour whose red is the byte `first`.
    func color(at first: Int) -> Color {
        Color(red: bytes[first], green: bytes[first + 1], blue: bytes[first + 2])
    }

    /// Sets the colour whose red is the byte `first`.
    mutating func setColor(_ color: Color, at first: Int) {
        bytes[first] = color.red
        bytes[first + 1] = color.green
        bytes[first + 2] = color.blue
    }
}
