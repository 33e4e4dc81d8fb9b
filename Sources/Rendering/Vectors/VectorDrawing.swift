public import Basics
import Foundation
public import Volumes

/// A vector drawing: a list of shapes that can be rendered to pixels and written as SVG.
///
/// Lengths are in points; the origin is the upper left corner, x points right and y points down. Later shapes cover earlier
/// ones. Shapes are clipped to the drawing; shapes with a coordinate or length that is not finite are left out.
///
/// ```swift
/// var drawing = VectorDrawing(width: 200, height: 100)
/// drawing.addLine([SIMD2(10, 90), SIMD2(190, 10)], VectorDrawing.Stroke(.black, width: 1.5))
/// try DrawingFile.write(drawing, to: output)
/// ```
public struct VectorDrawing: Hashable, Sendable {
    /// A point (x, y), in points from the upper left corner.
    public typealias Point = SIMD2<Double>

    /// The colour, width and opacity of a line. Ends and corners are round.
    public struct Stroke: Hashable, Sendable {
        public var color: Color
        /// The width, in points.
        public var width: Double
        /// The opacity, 0 … 1.
        public var opacity: Double

        public init(_ color: Color, width: Double = 1, opacity: Double = 1) {
            self.color = color
            self.width = width
            self.opacity = opacity
        }
    }

    /// The part of a text that lies at its point (`text-anchor` of SVG).
    public enum Anchor: String, Hashable, Sendable {
        /// The text begins at the point, is centred on it, or ends at it.
        case start, middle, end
    }

    enum Mark: Hashable, Sendable {
        case line([Point], Stroke)
        case area([Point], Color, opacity: Double)
        case disc(center: Point, radius: Double, Color, opacity: Double)
        case circle(center: Point, radius: Double, Stroke)
        case text(String, at: Point, Color, size: Double, anchor: Anchor, isUpright: Bool)
    }

    /// The width, in points.
    public let width: Double
    /// The height, in points.
    public let height: Double
    private(set) var marks: [Mark] = []

    /// Creates an empty, transparent drawing; width and height are in points.
    public init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    /// Adds a polyline through the points; a single point becomes a dot as wide as the line.
    public mutating func addLine(_ points: [Point], _ stroke: Stroke) {
        guard !points.isEmpty, points.allSatisfy(\.isFinite), stroke.width > 0, stroke.width.isFinite else { return }
        marks.append(.line(points, stroke))
    }

    /// Adds a filled polygon by the even-odd rule: where it crosses itself, areas that are enclosed twice are left out.
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

    /// Adds a circle; the stroke is centred on the radius.
    public mutating func addCircle(center: Point, radius: Double, _ stroke: Stroke) {
        guard center.isFinite, radius > 0, radius.isFinite, stroke.width > 0, stroke.width.isFinite else { return }
        marks.append(.circle(center: center, radius: radius, stroke))
    }

    /// Adds a line of text.
    ///
    /// - Parameters:
    ///   - point: the point on the baseline at which the text begins, is centred, or ends, by `anchor`.
    ///   - size: the height of capital letters over 7 points.
    ///   - isUpright: whether the text runs from bottom to top, as the label of a vertical axis does.
    public mutating func addText(
        _ text: String, at point: Point, _ color: Color, size: Double = 1, anchor: Anchor = .start, isUpright: Bool = false
    ) {
        guard point.isFinite, size > 0, size.isFinite, !text.isEmpty else { return }
        marks.append(.text(text, at: point, color, size: size, anchor: anchor, isUpright: isUpright))
    }

    /// The width of a line of text, in points: exact for pixels, approximate for SVG, whose viewer chooses the font.
    public static func widthOfText(_ text: String, size: Double = 1) -> Double {
        Double(BitmapFont.standard.width(of: text)) * size
    }
}

extension SIMD2<Double> {
    var isFinite: Bool { x.isFinite && y.isFinite }
    /// The Euclidean norm.
    var length: Double { (x * x + y * y).squareRoot() }
}

/// Writes drawings as PNG or SVG files. The extension of the file's name chooses the format.
public enum DrawingFile {
    /// Whether the path ends in `.png` or `.svg`, in any case.
    public static func isSupported(_ path: String) -> Bool { format(of: path) != nil }

    /// Writes a drawing on a white background to a file. The file is complete or does not appear at all.
    ///
    /// - Parameter scale: pixels per point of a PNG; SVG ignores it.
    /// - Throws: ``RenderingError`` where the name ends in neither `.png` nor `.svg`, the picture would be too large, or
    ///   the file cannot be written.
    public static func write(_ drawing: VectorDrawing, to output: OutputFile, scale: Double = 2) throws(RenderingError) {
        switch format(of: output.path) {
        case .png: try PNGFile.write(drawing.picture(scale: scale), to: output)
        case .svg: try output.writePicture(Array(drawing.svg().utf8))
        case nil:
            throw RenderingError(
                .unwritable, "\(output.path): ends in neither .png nor .svg; give a name that ends in one of them")
        }
    }

    private enum Format { case png, svg }

    private static func format(of path: String) -> Format? {
        switch URL(fileURLWithPath: path).pathExtension.lowercased() {
        case "png": .png
        case "svg": .svg
        default: nil
        }
    }
}
