/// A picture as a list of shapes, of which pixels and SVG are made alike.
///
/// Lengths are in points, from the upper left corner, x to the right and y downwards. Later shapes cover earlier ones.
/// Shapes that lie outside are cut off, and those with a number that is not finite are left out.
///
/// ```swift
/// var drawing = VectorDrawing(width: 200, height: 100)
/// drawing.addLine([SIMD2(10, 90), SIMD2(190, 10)], VectorDrawing.Stroke(.black, width: 1.5))
/// try DrawingFile.write(drawing, to: output)
/// ```
public struct VectorDrawing: Hashable, Sendable {
    /// x and y in points.
    public typealias Point = SIMD2<Double>

    /// How a line is drawn: its ends and corners are round.
    public struct Stroke: Hashable, Sendable {
        public var color: Color
        /// In points.
        public var width: Double
        /// 0 … 1.
        public var opacity: Double

        public init(_ color: Color, width: Double = 1, opacity: Double = 1) {
            self.color = color
            self.width = width
            self.opacity = opacity
        }
    }

    /// Where a text stands, seen from the point that it is given.
    public enum Anchor: String, Hashable, Sendable {
        /// The text begins, is centred, or ends there.
        case start, middle, end
    }

    enum Mark: Hashable, Sendable {
        case line([Point], Stroke)
        case area([Point], Color, opacity: Double)
        case disc(center: Point, radius: Double, Color, opacity: Double)
        case circle(center: Point, radius: Double, Stroke)
        case text(String, at: Point, Color, size: Double, anchor: Anchor, isUpright: Bool)
    }

    public let width: Double
    public let height: Double
    private(set) var marks: [Mark] = []

    /// An empty drawing, which is transparent.
    public init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    /// Adds straight lines from point to point; a single one becomes a dot as wide as the line.
    public mutating func addLine(_ points: [Point], _ stroke: Stroke) {
        guard !points.isEmpty, points.allSatisfy(\.isFinite), stroke.width > 0, stroke.width.isFinite else { return }
        marks.append(.line(points, stroke))
    }

    /// Adds a filled polygon; where it crosses itself, what is enclosed twice is left out.
    public mutating func addArea(_ corners: [Point], _ color: Color, opacity: Double = 1) {
        guard corners.count >= 3, corners.allSatisfy(\.isFinite) else { return }
        marks.append(.area(corners, color, opacity: opacity))
    }

    /// Adds a filled rectangle.
    public mutating func addRectangle(x: ClosedRange<Double>, y: ClosedRange<Double>, _ color: Color, opacity: Double = 1) {
        addArea(
            [
                Point(x.lowerBound, y.lowerBound), Point(x.upperBound, y.lowerBound), Point(x.upperBound, y.upperBound),
                Point(x.lowerBound, y.upperBound),
            ], color, opacity: opacity)
    }

    /// Adds a filled disc.
    public mutating func addDisc(center: Point, radius: Double, _ color: Color, opacity: Double = 1) {
        guard center.isFinite, radius > 0, radius.isFinite else { return }
        marks.append(.disc(center: center, radius: radius, color, opacity: opacity))
    }

    /// Adds the outline of a disc.
    public mutating func addCircle(center: Point, radius: Double, _ stroke: Stroke) {
        guard center.isFinite, radius > 0, radius.isFinite, stroke.width > 0, stroke.width.isFinite else { return }
        marks.append(.circle(center: center, radius: radius, stroke))
    }

    /// Adds a line of text.
    ///
    /// - Parameters:
    ///   - point: where the text begins, has its middle, or ends, on the line that letters stand on.
    ///   - size: 1 for capitals of 7 points.
    ///   - isUpright: whether it runs from bottom to top, as the label of a vertical axis.
    public mutating func addText(
        _ text: String, at point: Point, _ color: Color, size: Double = 1, anchor: Anchor = .start, isUpright: Bool = false
    ) {
        guard point.isFinite, size > 0, size.isFinite, !text.isEmpty else { return }
        marks.append(.text(text, at: point, color, size: size, anchor: anchor, isUpright: isUpright))
    }

    /// How wide a line of text is, in points: exactly so in pixels, and about so in SVG, whose reader chooses the font.
    public static func widthOfText(_ text: String, size: Double = 1) -> Double {
        Double(BitmapFont.standard.width(of: text)) * size
    }
}

extension SIMD2<Double> {
    var isFinite: Bool { x.isFinite && y.isFinite }
    /// How far it is from the origin.
    var length: Double { (x * x + y * y).squareRoot() }
}
