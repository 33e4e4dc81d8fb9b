/// How much of each pixel of a rectangle a shape covers, 0 … 1.
///
/// The coverage of lines and rings follows from the distance of a pixel's middle, which is exact for straight edges along an
/// axis and close elsewhere; that of polygons is exact along x and taken at four heights of each row.
struct Coverage {
    private(set) var y: Range<Int>
    private(set) var x: Range<Int>
    /// Row after row.
    private(set) var values: [Float]

    /// - Parameters:
    ///   - low: the upper left corner of the shape, in pixels.
    ///   - high: its lower right corner.
    private init(from low: SIMD2<Double>, to high: SIMD2<Double>, in picture: RGBImage) {
        func range(_ low: Double, _ high: Double, _ length: Int) -> Range<Int> {
            let bounds = 0...Double(length)
            let first = Int(min(max(low.rounded(.down), bounds.lowerBound), bounds.upperBound))
            let end = Int(min(max(high.rounded(.up), bounds.lowerBound), bounds.upperBound))
            return first..<max(first, end)
        }
        y = range(low.y, high.y, picture.height)
        x = range(low.x, high.x, picture.width)
        values = [Float](repeating: 0, count: y.count * x.count)
    }

    /// Straight lines from point to point, with round ends. Where they overlap, they cover once.
    init(line points: [SIMD2<Double>], width: Double, in picture: RGBImage) {
        // A line thinner than a pixel is as pale as it is thin.
        let half = max(width, 1) / 2
        let strength = min(width, 1)
        let reach = SIMD2(repeating: half + 1)
        let first = points.first ?? .zero
        let low = points.reduce(first) { pointwiseMin($0, $1) }
        let high = points.reduce(first) { pointwiseMax($0, $1) }
        self.init(from: low - reach, to: high + reach, in: picture)
        guard !values.isEmpty else { return }
        for (start, end) in points.count == 1 ? [(first, first)] : Array(zip(points, points.dropFirst())) {
            let direction = end - start
            let squaredLength = direction.x * direction.x + direction.y * direction.y
            let part = Coverage(from: pointwiseMin(start, end) - reach, to: pointwiseMax(start, end) + reach, in: picture)
            for row in part.y {
                for column in part.x {
                    let offset = SIMD2(Double(column) + 0.5, Double(row) + 0.5) - start
                    let along = offset.x * direction.x + offset.y * direction.y
                    let place = squaredLength > 0 ? min(max(along / squaredLength, 0), 1) : 0
                    let distance = (offset - direction * place).length
                    let index = (row - y.lowerBound) * x.count + column - x.lowerBound
                    values[index] = max(values[index], Float(min(max(half + 0.5 - distance, 0), 1) * strength))
                }
            }
        }
    }

    /// What lies between two distances from a point.
    init(ringAround center: SIMD2<Double>, radii: ClosedRange<Double>, in picture: RGBImage) {
        let reach = SIMD2(repeating: radii.upperBound + 1)
        self.init(from: center - reach, to: center + reach, in: picture)
        var index = 0
        for row in y {
            for column in x {
                let distance = (SIMD2(Double(column) + 0.5, Double(row) + 0.5) - center).length
                let edge = min(radii.upperBound - distance, distance - radii.lowerBound)
                values[index] = Float(min(max(edge + 0.5, 0), 1))
                index += 1
            }
        }
    }

    /// A polygon, by the even-odd rule.
    init(polygon corners: [SIMD2<Double>], in picture: RGBImage) {
        let first = corners.first ?? .zero
        self.init(
            from: corners.reduce(first) { pointwiseMin($0, $1) }, to: corners.reduce(first) { pointwiseMax($0, $1) }, in: picture)
        guard !values.isEmpty else { return }
        let edges = Array(zip(corners, corners.dropFirst() + corners.prefix(1)))
        let heights = 4
        for row in y {
            for part in 0..<heights {
                let height = Double(row) + (Double(part) + 0.5) / Double(heights)
                let crossings = edges.compactMap { start, end -> Double? in
                    guard (start.y <= height) != (end.y <= height) else { return nil }
                    return start.x + (end.x - start.x) * (height - start.y) / (end.y - start.y)
                }.sorted()
                for pair in stride(from: 0, to: crossings.count - 1, by: 2) {
                    cover(row: row, from: crossings[pair], to: crossings[pair + 1], weight: 1 / Float(heights))
                }
            }
        }
    }

    private mutating func cover(row: Int, from left: Double, to right: Double, weight: Float) {
        let left = max(left, Double(x.lowerBound))
        let right = min(right, Double(x.upperBound))
        guard left < right else { return }
        let start = (row - y.lowerBound) * x.count - x.lowerBound
        for column in Int(left)..<min(Int(right.rounded(.up)), x.upperBound) {
            let covered = min(right, Double(column + 1)) - max(left, Double(column))
            values[start + column] = min(values[start + column] + weight * Float(covered), 1)
        }
    }
}
