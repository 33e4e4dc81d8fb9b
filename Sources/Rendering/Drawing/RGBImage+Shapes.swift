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

    /// Draws a line along x, from row `y` downwards `thickness` rows thick.
    public mutating func drawHorizontalLine(y: Int, x: Range<Int>, _ color: Color, thickness: Int = 1) {
        fill(y: Self.span(from: y, length: thickness), x: x, color)
    }

    /// Draws a line along y, from column `x` rightwards `thickness` columns thick.
    public mutating func drawVerticalLine(x: Int, y: Range<Int>, _ color: Color, thickness: Int = 1) {
        fill(y: y, x: Self.span(from: x, length: thickness), color)
    }

    /// Draws the outline of a rectangle; its lines lie inside the rectangle.
    public mutating func drawOutline(y: Range<Int>, x: Range<Int>, _ color: Color, thickness: Int = 1) {
        guard !y.isEmpty, !x.isEmpty, thickness > 0 else { return }
        let top = Self.span(from: y.lowerBound, length: thickness).clamped(to: y)
        let left = Self.span(from: x.lowerBound, length: thickness).clamped(to: x)
        fill(y: top, x: x, color)
        fill(y: y.upperBound - top.count..<y.upperBound, x: x, color)
        fill(y: y, x: left, color)
        fill(y: y, x: x.upperBound - left.count..<x.upperBound, color)
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

    /// `length` indices from `first` on, as many as there are.
    static func span(from first: Int, length: Int) -> Range<Int> {
        let (end, overflows) = first.addingReportingOverflow(max(length, 0))
        return first..<(overflows ? Int.max : end)
    }
}
