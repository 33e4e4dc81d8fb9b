public import Basics

extension Image {
    /// The image with `height` × `width` pixels, each a copy of one pixel of this image: of the one at or before its position, as
    /// OpenCV's `INTER_NEAREST` has it. Meant for labels, between which there is nothing.
    ///
    /// - Throws: ``ImageError`` unless both sides are in 1 … 65536.
    /// - Complexity: linear in the pixels of the result.
    public func resizedToNearest(height: Int, width: Int) throws(ImageError) -> Image {
        let rows = try Self.sources(from: self.height, to: height, "height")
        let columns = try Self.sources(from: self.width, to: width, "width")
        return Image(uncheckedHeight: height, width: width) { result in
            values.withUnsafeBufferPointer { values in
                for (y, row) in rows.enumerated() {
                    for (x, column) in columns.enumerated() { result[y * width + x] = values[row * self.width + column] }
                }
            }
        }
    }

    /// For each place along the side of the result the place that is copied.
    private static func sources(from old: Int, to new: Int, _ side: String) throws(ImageError) -> [Int] {
        guard (1...65_536).contains(new) else { throw .parameter("the \(side) of a resized image", new, mustBe: "in 1 … 65536") }
        // Not old / new: OpenCV takes the reciprocal of the rounded ratio, and a place just below a whole number shows it.
        let step = 1 / (Double(new) / Double(old))
        return (0..<new).map { min(Int(Double($0) * step), old - 1) }
    }
}
