/// How many pixels a picture may have.
enum PixelCount {
    /// Long enough for any slice, short enough that products of sides and bytes cannot overflow.
    static let longestSide = 65_536

    /// The number of pixels of a picture, or nil if there can be no such picture.
    static func of(height: Int, width: Int) -> Int? {
        let sides = 1...longestSide
        return sides.contains(height) && sides.contains(width) ? height * width : nil
    }
}
