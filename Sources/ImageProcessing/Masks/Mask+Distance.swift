extension Image<Bool> {
    /// The exact Euclidean distance of each foreground pixel to the nearest background pixel, between their centres, in
    /// pixels; 0 in the background. It equals SciPy's `distance_transform_edt` rounded to float32. Where the mask has no
    /// background, all distances are infinite.
    ///
    /// Source: P. F. Felzenszwalb, D. P. Huttenlocher, *Distance transforms of sampled functions*, Theory of Computing
    /// 8 (2012): first the distances along columns; each row of the result is then the lower envelope of parabolas.
    ///
    /// - Complexity: linear in the pixels. Memory is the result and four bytes for each pixel.
    public func distancesToBackground() -> Image<Float> {
        let columns = distancesAlongColumns()
        return Image<Float>(sizeOf: self) { result in
            var envelope = ParabolaEnvelope(width: width)
            columns.withUnsafeBufferPointer { columns in
                for y in 0..<height {
                    envelope.fill(
                        UnsafeMutableBufferPointer(rebasing: result[y * width..<(y + 1) * width]),
                        from: UnsafeBufferPointer(rebasing: columns[y * width..<(y + 1) * width]))
                }
            }
        }
    }

    /// The distance of each pixel to the nearest background pixel of its column, `[y][x]`; −1 where the column has none.
    private func distancesAlongColumns() -> [Int32] {
        var result = [Int32](repeating: -1, count: values.count)
        result.withUnsafeMutableBufferPointer { result in
            values.withUnsafeBufferPointer { values in
                for y in 0..<height {
                    for index in y * width..<(y + 1) * width {
                        let above = y == 0 ? -1 : result[index &- width]
                        result[index] = values[index] ? (above < 0 ? -1 : above &+ 1) : 0
                    }
                }
                for y in (0..<height - 1).reversed() {
                    for index in y * width..<(y + 1) * width {
                        let below = result[index &+ width]
                        guard below >= 0 else { continue }
                        result[index] = result[index] < 0 ? below &+ 1 : Swift.min(result[index], below &+ 1)
                    }
                }
            }
        }
        return result
    }
}

/// The lower envelope of the parabolas (x − i)² + g(i)² over a row: for each x the least squared distance.
private struct ParabolaEnvelope {
    /// The centres i of the parabolas of the envelope, from left to right.
    private var centers: [Int]
    /// The first x at which each of them is the lowest.
    private var begins: [Int]

    init(width: Int) {
        centers = Array(repeating: 0, count: width)
        begins = Array(repeating: 0, count: width)
    }

    /// Writes the distances of a row.
    ///
    /// - Parameter heights: g, at most 2³¹ − 1; a negative value means no parabola.
    mutating func fill(_ row: UnsafeMutableBufferPointer<Float>, from heights: UnsafeBufferPointer<Int32>) {
        let width = row.count
        centers.withUnsafeMutableBufferPointer { centers in
            begins.withUnsafeMutableBufferPointer { begins in
                /// The value of a parabola at x. Sides are below 2³¹, so that the sum of two squares fits 64 bits.
                func value(_ center: Int, at x: Int) -> Int {
                    let height = Int(heights[center])
                    return (x &- center) &* (x &- center) &+ height &* height
                }
                var count = 0
                for center in 0..<width where heights[center] >= 0 {
                    while count > 0, value(centers[count &- 1], at: begins[count &- 1]) > value(center, at: begins[count &- 1]) {
                        count &-= 1
                    }
                    guard count > 0 else {
                        (centers[0], begins[0], count) = (center, 0, 1)
                        continue
                    }
                    let last = centers[count &- 1]
                    let (new, old) = (value(center, at: 0), value(last, at: 0))
                    // The first integer x at which the new parabola is lower than the last.
                    let begin = (new &- old) / (2 &* (center &- last)) &+ 1
                    if begin < width {
                        (centers[count], begins[count]) = (center, begin)
                        count &+= 1
                    }
                }
                guard count > 0 else {
                    row.initialize(repeating: .infinity)
                    return
                }
                for part in 0..<count {
                    for x in begins[part]..<(part &+ 1 < count ? begins[part &+ 1] : width) {
                        row[x] = Float(Double(value(centers[part], at: x)).squareRoot())
                    }
                }
            }
        }
    }
}
