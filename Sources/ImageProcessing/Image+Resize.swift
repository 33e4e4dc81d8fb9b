public import Basics

extension Image where Pixel == Float {
    /// The image resized bilinearly to `height` × `width` pixels, in OpenCV's `INTER_LINEAR` convention: pixel centres
    /// lie at halves, the border is replicated, and shrinking does not smooth.
    ///
    /// OpenCV may pass float32 images to a vendor's library that rounds positions differently. Results then agree to about
    /// side × 10⁻⁶ of the range of values, not bit for bit.
    ///
    /// - Throws: ``ImageError`` unless both sides are in 1 … 65536.
    /// - Complexity: linear in `width * (self.height + height)`. Memory is the result and an image of `self.height` rows of
    ///   `width` pixels.
    public func resized(height: Int, width: Int) throws(ImageError) -> Image {
        let columns = try LinearAxis(from: self.width, to: width)
        let rows = try LinearAxis(from: self.height, to: height)
        // Beyond the border both pixels are the same, c. The weight is 0 there, since c (1 − w) + c w may round to another value.
        func weight(_ position: LinearAxis.Position) -> Float { position.isBeyondBorder ? 0 : position.weight }
        let widened = mappedRows(width: width) { row, line in
            for (x, position) in columns.positions.enumerated() {
                line[x] = row[position.before] * (1 - weight(position)) + row[position.after] * weight(position)
            }
        }
        return widened.mappedPairs(of: rows) { position, above, below, line in
            let lower = weight(position)
            let upper = 1 - lower
            for x in 0..<line.count { line[x] = above[x] * upper + below[x] * lower }
        }
    }
}

extension Image where Pixel == UInt8 {
    /// The image resized bilinearly to `height` × `width` pixels, bit for bit equal to OpenCV's `INTER_LINEAR` for 8 bits:
    /// weights are rounded to multiples of 1/2048, and the contribution of each row is truncated to a multiple of 1/4 before
    /// the last rounding.
    ///
    /// - Throws: ``ImageError`` unless both sides are in 1 … 65536.
    /// - Complexity: as for float32 images.
    public func resized(height: Int, width: Int) throws(ImageError) -> Image {
        let columns = try LinearAxis(from: self.width, to: width)
        let rows = try LinearAxis(from: self.height, to: height)
        func fixed(_ weight: Float) -> Int32 { Int32((weight * 2048).rounded(.toNearestOrEven)) }
        let shares = columns.positions.map { position in
            // Beyond the border OpenCV sets the weight along x to 0. Along y it keeps it, which changes truncated results.
            position.isBeyondBorder ? (left: 2048, right: 0) : (left: fixed(1 - position.weight), right: fixed(position.weight))
        }
        let widened = mappedRows(width: width) { row, line in
            for (x, position) in columns.positions.enumerated() {
                line[x] = Int32(row[position.before]) &* shares[x].left &+ Int32(row[position.after]) &* shares[x].right
            }
        }
        return widened.mappedPairs(of: rows) { position, above, below, line in
            let upper = fixed(1 - position.weight)
            let lower = fixed(position.weight)
            for x in 0..<line.count {
                let sum = ((above[x] &>> 4) &* upper) &>> 16 &+ ((below[x] &>> 4) &* lower) &>> 16
                line[x] = UInt8(truncatingIfNeeded: (sum &+ 2) &>> 2)
            }
        }
    }
}

extension Image {
    /// The image of the same height whose rows `map` computes from the rows of this one.
    private func mappedRows<Result>(
        width: Int, _ map: (UnsafeBufferPointer<Pixel>, UnsafeMutableBufferPointer<Result>) -> Void
    ) -> Image<Result> {
        Image<Result>(uncheckedHeight: height, width: width) { result in
            values.withUnsafeBufferPointer { source in
                for y in 0..<height {
                    map(
                        UnsafeBufferPointer(rebasing: source[y * self.width..<(y + 1) * self.width]),
                        UnsafeMutableBufferPointer(rebasing: result[y * width..<(y + 1) * width]))
                }
            }
        }
    }

    /// The image of the same width whose rows `map` computes from the two rows around each position.
    private func mappedPairs<Result>(
        of rows: LinearAxis,
        _ map: (
            LinearAxis.Position, _ above: UnsafeBufferPointer<Pixel>, _ below: UnsafeBufferPointer<Pixel>,
            UnsafeMutableBufferPointer<Result>
        ) -> Void
    ) -> Image<Result> {
        Image<Result>(uncheckedHeight: rows.positions.count, width: width) { result in
            values.withUnsafeBufferPointer { source in
                for (y, position) in rows.positions.enumerated() {
                    map(
                        position,
                        UnsafeBufferPointer(rebasing: source[position.before * width..<(position.before + 1) * width]),
                        UnsafeBufferPointer(rebasing: source[position.after * width..<(position.after + 1) * width]),
                        UnsafeMutableBufferPointer(rebasing: result[y * width..<(y + 1) * width]))
                }
            }
        }
    }
}

/// The positions of the pixels of a resized side between pixels of the original, in OpenCV's `INTER_LINEAR` convention.
///
/// The centre of pixel `i` of `new` pixels lies at `(i + ½) · old / new − ½` in the original. Shrinking does not smooth.
private struct LinearAxis {
    struct Position {
        /// The pixel before the position.
        let before: Int
        /// The pixel after the position; equal to ``before`` where the position lies beyond the border.
        let after: Int
        /// The weight of the pixel after. It is not 0 beyond the border.
        let weight: Float

        var isBeyondBorder: Bool { before == after }
    }

    /// One for each pixel of the result.
    let positions: [Position]

    /// - Throws: ``ImageError`` unless the new side is in 1 … 65536.
    init(from old: Int, to new: Int) throws(ImageError) {
        guard new >= 1, new <= 65_536 else { throw .parameter("a side of the resized image", new, mustBe: "in 1 … 65536") }
        // OpenCV divides twice; `Double(old) / Double(new)` can differ in the last bit.
        let scale = 1 / (Double(new) / Double(old))
        positions = (0..<new).map { index in
            let position = Float((Double(index) + 0.5) * scale - 0.5)
            let floor = position.rounded(.down)
            let before = Int(floor)
            return Position(before: min(max(before, 0), old - 1), after: min(before + 1, old - 1), weight: position - floor)
        }
    }
}

extension Image {
    /// The image resized to `height` × `width` pixels without interpolation, as OpenCV's `INTER_NEAREST`: pixel `i` copies pixel
    /// ⌊i · old / new⌋. For labels, which cannot be averaged.
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

    /// For each index along a side of the result the index that is copied.
    private static func sources(from old: Int, to new: Int, _ side: String) throws(ImageError) -> [Int] {
        guard (1...65_536).contains(new) else { throw .parameter("the \(side) of a resized image", new, mustBe: "in 1 … 65536") }
        // Not old / new: OpenCV takes the reciprocal of the rounded ratio, which differs where a position is near a whole number.
        let step = 1 / (Double(new) / Double(old))
        return (0..<new).map { min(Int(Double($0) * step), old - 1) }
    }
}

extension Image<Float> {
    /// The mean of each cell of `side` × `side` pixels, `[row of cells][column of cells]`. The side must divide height and width.
    func means(ofCells side: Int) -> [Float] {
        let (rows, columns) = (height / side, width / side)
        var sums = [Float](repeating: 0, count: rows * columns)
        for y in 0..<rows * side {
            for x in 0..<columns * side { sums[y / side * columns + x / side] += values[y * width + x] }
        }
        return sums.map { $0 / Float(side * side) }
    }
}
