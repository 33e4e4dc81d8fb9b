public import Basics

extension VectorDrawing {
    /// Renders the drawing to pixels on a background of one colour.
    ///
    /// - Parameter scale: pixels per point.
    /// - Throws: ``RenderingError`` where the picture would be empty or too large.
    /// - Complexity: the pixels of the bounding box of each shape.
    public func picture(scale: Double = 2, background: Color = .white) throws(RenderingError) -> RGBImage {
        let sides = [height, width].map { ($0 * scale).rounded(.up) }
        guard sides.allSatisfy({ $0 >= 1 && $0 <= Double(PixelCount.longestSide) }),
            var picture = RGBImage(height: Int(sides[0]), width: Int(sides[1]), filledWith: background)
        else {
            throw RenderingError(
                .tooLarge,
                "a drawing of \(width) × \(height) points at \(scale) pixels a point is no picture of 1 to \(PixelCount.longestSide) "
                    + "pixels along a side; choose another size or scale")
        }
        picture.draw(self, scale: scale)
        return picture
    }
}

extension RGBImage {
    /// Renders a drawing with antialiased edges; its upper left corner is at row `y` and column `x`.
    ///
    /// - Parameter scale: pixels per point of the drawing. A font pixel is rounded to 1 … 64 whole pixels.
    public mutating func draw(_ drawing: VectorDrawing, scale: Double, y: Int = 0, x: Int = 0) {
        guard scale > 0, scale.isFinite, abs(y) <= 1 << 20, abs(x) <= 1 << 20 else { return }
        let origin = VectorDrawing.Point(Double(x), Double(y))
        func place(_ point: VectorDrawing.Point) -> VectorDrawing.Point { origin + point * scale }
        for mark in drawing.marks {
            switch mark {
            case .line(let points, let stroke):
                blend(stroke.color, stroke.opacity, Coverage(line: points.map(place), width: stroke.width * scale, in: self))
            case .area(let corners, let color, let opacity):
                blend(color, opacity, Coverage(polygon: corners.map(place), in: self))
            case .disc(let center, let radius, let color, let opacity):
                blend(color, opacity, Coverage(ringAround: place(center), radii: -1...radius * scale, in: self))
            case .circle(let center, let radius, let stroke):
                let (middle, half) = (radius * scale, stroke.width * scale / 2)
                blend(
                    stroke.color, stroke.opacity,
                    Coverage(ringAround: place(center), radii: middle - half...middle + half, in: self))
            case .text(let text, let point, let color, let size, let anchor, let isUpright):
                let pixel = Int(min(max((size * scale).rounded(), 1), 64))
                drawText(text, at: place(point), color, pixel: pixel, anchor: anchor, isUpright: isUpright)
            }
        }
    }

    /// Blends a colour over the picture, weighted by opacity and coverage.
    private mutating func blend(_ color: Color, _ opacity: Double, _ coverage: Coverage) {
        var index = 0
        for row in coverage.y {
            for column in coverage.x {
                let fraction = Double(coverage.values[index]) * opacity
                index += 1
                guard fraction > 0 else { continue }
                let first = 3 * (row * width + column)
                setColor(self.color(at: first).mixed(with: color, fraction: fraction), at: first)
            }
        }
    }

    /// Draws a text with its baseline at `point`; upright text runs from bottom to top.
    private mutating func drawText(
        _ text: String, at point: VectorDrawing.Point, _ color: Color, pixel: Int, anchor: VectorDrawing.Anchor, isUpright: Bool
    ) {
        let reach = Double(1 << 24)
        guard abs(point.x) < reach, abs(point.y) < reach else { return }
        let font = BitmapFont.standard
        let length = font.width(of: text) * pixel
        var along: Int =
            switch anchor {
            case .start: 0
            case .middle: -length / 2
            case .end: -length
            }
        let (left, base) = (Int(point.x.rounded()), Int(point.y.rounded()))
        for character in text {
            let glyph = font.glyph(character)
            for (row, pixels) in glyph.rows.enumerated() {
                let across = (row - BitmapFont.ascent) * pixel
                for column in 0..<glyph.width where pixels >> column & 1 == 1 {
                    let forward = along + column * pixel
                    if isUpright {
                        let (bottom, start) = (base - forward, left + across)
                        fill(y: bottom - pixel..<bottom, x: start..<start + pixel, color)
                    } else {
                        fill(y: base + across..<base + across + pixel, x: left + forward..<left + forward + pixel, color)
                    }
                }
            }
            along += (glyph.width + 1) * pixel
        }
    }
}

/// The fraction 0 … 1 of each pixel that a shape covers, over the bounding box of the shape.
///
/// The coverage of lines and rings follows from the distance of the pixel's middle to the edge, which is exact for edges along
/// an axis and approximate elsewhere. The coverage of polygons is exact along x and averaged over four scan lines per row.
private struct Coverage {
    /// The rows of the box.
    private(set) var y: Range<Int>
    /// The columns of the box.
    private(set) var x: Range<Int>
    /// The coverage `[y][x]`, row after row.
    private(set) var values: [Float]

    /// Zero coverage over the bounding box of a shape, clipped to the picture.
    ///
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

    /// A polyline with round ends. Where its segments overlap, the larger coverage counts.
    init(line points: [SIMD2<Double>], width: Double, in picture: RGBImage) {
        // A line thinner than a pixel is drawn one pixel wide and paler in proportion.
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

    /// The ring between two distances from a point; a disc where the lower one is negative.
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

    /// A filled polygon by the even-odd rule.
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

    /// Adds the coverage of one scan line between two x coordinates.
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
