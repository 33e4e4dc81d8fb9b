public import Basics

extension VectorDrawing {
    /// The drawing as pixels, on a ground of one colour.
    ///
    /// - Parameter scale: pixels for each point.
    /// - Throws: ``RenderingError`` where the picture would be empty or too large.
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
    /// Draws shapes with smooth edges, their upper left corner at row `y` and column `x`.
    ///
    /// - Parameter scale: pixels for each point of the drawing. Pixels of the font are whole, at least one.
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
