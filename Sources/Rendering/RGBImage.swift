/// A picture `[y][x]` of 8-bit RGB pixels that can be drawn on; each side has 1 to 65536 pixels.
///
/// Drawing is clipped: parts outside the picture are not drawn, and are no error.
public struct RGBImage: Hashable, Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of pixels in a row.
    public let width: Int
    /// Red, green and blue of each pixel, `[y][x][3]`: `height * width * 3` bytes.
    public internal(set) var bytes: [UInt8]

    /// Creates a picture of one colour. Returns nil if a side is outside 1 … 65536.
    public init?(height: Int, width: Int, filledWith color: Color = .black) {
        guard let count = PixelCount.of(height: height, width: width) else { return nil }
        self.height = height
        self.width = width
        self.bytes = [UInt8](repeating: 0, count: count * 3)
        fill(y: 0..<height, x: 0..<width, color)
    }

    /// Converts a grey picture to RGB, so that it can be drawn on in colour.
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

    /// The colour of the pixel whose red channel is `bytes[first]`.
    func color(at first: Int) -> Color {
        Color(red: bytes[first], green: bytes[first + 1], blue: bytes[first + 2])
    }

    /// Sets the colour of the pixel whose red channel is `bytes[first]`.
    mutating func setColor(_ color: Color, at first: Int) {
        bytes[first] = color.red
        bytes[first + 1] = color.green
        bytes[first + 2] = color.blue
    }
}

extension RGBImage {
    /// Fills a rectangle.
    public mutating func fill(y: Range<Int>, x: Range<Int>, _ color: Color) {
        let columns = x.clamped(to: 0..<width)
        for row in y.clamped(to: 0..<height) {
            for first in stride(from: 3 * (row * width + columns.lowerBound), to: 3 * (row * width + columns.upperBound), by: 3) {
                setColor(color, at: first)
            }
        }
    }

    /// Draws another picture with its upper left corner at row `y` and column `x`.
    public mutating func draw(_ picture: RGBImage, y: Int, x: Int) {
        let columns = Self.span(from: x, length: picture.width).clamped(to: 0..<width)
        for row in Self.span(from: y, length: picture.height).clamped(to: 0..<height) where !columns.isEmpty {
            let source = 3 * ((row - y) * picture.width + columns.lowerBound - x)
            let target = 3 * (row * width + columns.lowerBound)
            bytes.replaceSubrange(target..<target + 3 * columns.count, with: picture.bytes[source..<source + 3 * columns.count])
        }
    }

    /// The `length` indices from `first` on, cut off at `Int.max`; empty where `length` is negative.
    static func span(from first: Int, length: Int) -> Range<Int> {
        let (end, overflows) = first.addingReportingOverflow(max(length, 0))
        return first..<(overflows ? Int.max : end)
    }
}

/// A picture `[y][x]` of 8-bit grey values; each side has 1 to 65536 pixels.
public struct GreyImage: Hashable, Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of pixels in a row.
    public let width: Int
    /// The grey values, row after row: 0 is black, 255 is white.
    public let pixels: [UInt8]

    /// Returns nil if a side is outside 1 … 65536, or if `pixels` does not have `height * width` values.
    public init?(height: Int, width: Int, pixels: [UInt8]) {
        guard let count = PixelCount.of(height: height, width: width), pixels.count == count else { return nil }
        self.height = height
        self.width = width
        self.pixels = pixels
    }
}

/// The limit on the size of pictures.
enum PixelCount {
    /// The most pixels along a side: enough for any slice, and so few that products of sides and bytes cannot overflow.
    static let longestSide = 65_536

    /// `height * width`, or nil if a side is outside 1 … ``longestSide``.
    static func of(height: Int, width: Int) -> Int? {
        let sides = 1...longestSide
        return sides.contains(height) && sides.contains(width) ? height * width : nil
    }
}
