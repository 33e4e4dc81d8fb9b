/// A separable filter whose weights are the same to either side, along both axes, in float32.
///
/// It works row by row: each row of the image is filtered along x once, into one of as many lines as there are weights,
/// and each row of the result is a weighted sum of those lines. Nothing of the size of the image is kept beside the
/// result.
struct SymmetricFilter {
    /// The weight of the middle, then those on either side of it.
    private let weights: [Float]
    private let border: BorderRule

    init(_ kernel: GaussianKernel, border: BorderRule) {
        weights = Array(kernel.weights[kernel.radius...])
        self.border = border
    }

    /// Filters rows of `width` pixels, from the first to the last.
    ///
    /// - Parameters:
    ///   - load: writes a row of the image into the pixels handed to it, all of them.
    ///   - emit: takes a row of the result.
    func callAsFunction(
        height: Int, width: Int,
        load: (_ y: Int, UnsafeMutableBufferPointer<Float>) -> Void,
        emit: (_ y: Int, UnsafeBufferPointer<Float>) -> Void
    ) {
        let radius = weights.count - 1
        let lineCount = min(2 * radius + 1, height)
        // Whole vectors of pixels are computed: lines are a little longer than the rows.
        // And one vector more: lines at a distance of a power of two would meet in a few places of the cache.
        let stride = (width + Self.lanes - 1) / Self.lanes * Self.lanes + Self.lanes
        let places = (-radius..<width + radius).map { border.inside($0, width) + radius }
        var padded = [Float](repeating: 0, count: stride + 2 * radius)
        var lines = [Float](repeating: 0, count: lineCount * stride)
        var result = [Float](repeating: 0, count: stride)
        padded.withUnsafeMutableBufferPointer { padded in
            lines.withUnsafeMutableBufferPointer { lines in
                result.withUnsafeMutableBufferPointer { result in
                    var nextRow = 0
                    for y in 0..<height {
                        while nextRow <= min(y + radius, height - 1) {
                            load(nextRow, UnsafeMutableBufferPointer(rebasing: padded[radius..<radius + width]))
                            for index in 0..<radius {
                                padded[index] = padded[places[index]]
                                padded[radius + width + index] = padded[places[radius + width + index]]
                            }
                            let first = nextRow % lineCount * stride
                            sum(
                                UnsafeBufferPointer(padded), middle: radius, before: { radius - $0 }, after: { radius + $0 },
                                into: UnsafeMutableBufferPointer(rebasing: lines[first..<first + stride]))
                            nextRow += 1
                        }
                        func line(_ row: Int) -> Int { border.inside(row, height) % lineCount * stride }
                        sum(
                            UnsafeBufferPointer(lines), middle: line(y), before: { line(y - $0) }, after: { line(y + $0) },
                            into: result)
                        emit(y, UnsafeBufferPointer(rebasing: result[..<width]))
                    }
                }
            }
        }
    }

    private static let lanes = 16

    /// The weighted sum of stretches of `source`, as long as the result: of the one that begins at `middle`, and of
    /// those on either side.
    @inline(__always)
    private func sum(
        _ source: UnsafeBufferPointer<Float>, middle: Int, before: (Int) -> Int, after: (Int) -> Int,
        into result: UnsafeMutableBufferPointer<Float>
    ) {
        let source = UnsafeRawBufferPointer(source)
        let result = UnsafeMutableRawBufferPointer(result)
        let size = MemoryLayout<Float>.stride
        weights.withUnsafeBufferPointer { weights in
            withUnsafeTemporaryAllocation(of: (Int, Int).self, capacity: weights.count) { sides in
                for index in weights.indices { sides[index] = (before(index) * size, after(index) * size) }
                for place in Swift.stride(from: 0, to: result.count, by: Self.lanes * size) {
                    var total = source.loadUnaligned(fromByteOffset: middle * size + place, as: SIMD16<Float>.self) * weights[0]
                    for index in 1..<max(weights.count, 1) {
                        let left = source.loadUnaligned(fromByteOffset: sides[index].0 + place, as: SIMD16<Float>.self)
                        let right = source.loadUnaligned(fromByteOffset: sides[index].1 + place, as: SIMD16<Float>.self)
                        total += (left + right) * weights[index]
                    }
                    result.storeBytes(of: total, toByteOffset: place, as: SIMD16<Float>.self)
                }
            }
        }
    }
}

extension Image<Float> {
    /// Blurred along both axes, as OpenCV's `sepFilter2D` and `GaussianBlur` do, to the rounding of float32.
    ///
    /// - Complexity: a multiplication and two additions of a pixel for each weight; memory is the result and as many
    ///   rows as there are weights.
    public func blurred(by kernel: GaussianKernel, border: BorderRule = .reflect101) -> Image<Float> {
        let filter = SymmetricFilter(kernel, border: border)
        return Image(sizeOf: self) { result in
            values.withUnsafeBufferPointer { values in
                filter(height: height, width: width) { y, row in
                    _ = row.update(fromContentsOf: UnsafeBufferPointer(rebasing: values[y * width..<(y + 1) * width]))
                } emit: { y, row in
                    _ = UnsafeMutableBufferPointer(rebasing: result[y * width..<(y + 1) * width]).update(fromContentsOf: row)
                }
            }
        }
    }
}
