import Foundation

extension VectorDrawing {
    /// The drawing as an SVG document; one user unit is one point.
    ///
    /// - Parameter background: the colour of the background; nil for a transparent one.
    public func svg(background: Color? = .white) -> String {
        let size = "width=\"\(Self.text(width))\" height=\"\(Self.text(height))\""
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) viewBox=\"0 0 \(Self.text(width)) \(Self.text(height))\" "
                + "font-family=\"Helvetica, Arial, sans-serif\">"
        ]
        if let background { lines.append("<rect \(size) fill=\"\(background.hexadecimal)\"/>") }
        lines += marks.map(Self.element)
        lines.append("</svg>")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func element(_ mark: Mark) -> String {
        switch mark {
        case .line(let points, let stroke):
            // A polyline of one point is not drawn by SVG; doubled, it is a line of length zero with round ends: a dot.
            let points = points.count == 1 ? points + points : points
            return "<polyline points=\"\(list(points))\" fill=\"none\" \(attributes(stroke)) "
                + "stroke-linecap=\"round\" stroke-linejoin=\"round\"/>"
        case .area(let corners, let color, let opacity):
            return "<polygon points=\"\(list(corners))\" fill-rule=\"evenodd\" \(fill(color, opacity))/>"
        case .disc(let center, let radius, let color, let opacity):
            return "<circle \(circle(center, radius)) \(fill(color, opacity))/>"
        case .circle(let center, let radius, let stroke):
            return "<circle \(circle(center, radius)) fill=\"none\" \(attributes(stroke))/>"
        case .text(let content, let point, let color, let size, let anchor, let isUpright):
            let (x, y) = (text(point.x), text(point.y))
            // Capital letters are 0.7 of the font size high, so capitals of 7 points need a font size of 10.
            return "<text x=\"\(x)\" y=\"\(y)\" font-size=\"\(text(10 * size))\" text-anchor=\"\(anchor.rawValue)\" "
                + "\(fill(color, 1))\(isUpright ? " transform=\"rotate(-90 \(x) \(y))\"" : "")>\(escaped(content))</text>"
        }
    }

    private static func list(_ points: [Point]) -> String {
        points.map { "\(text($0.x)),\(text($0.y))" }.joined(separator: " ")
    }

    private static func circle(_ center: Point, _ radius: Double) -> String {
        "cx=\"\(text(center.x))\" cy=\"\(text(center.y))\" r=\"\(text(radius))\""
    }

    private static func attributes(_ stroke: Stroke) -> String {
        "stroke=\"\(stroke.color.hexadecimal)\" stroke-width=\"\(text(stroke.width))\""
            + (stroke.opacity < 1 ? " stroke-opacity=\"\(text(max(stroke.opacity, 0)))\"" : "")
    }

    private static func fill(_ color: Color, _ opacity: Double) -> String {
        "fill=\"\(color.hexadecimal)\"" + (opacity < 1 ? " fill-opacity=\"\(text(max(opacity, 0)))\"" : "")
    }

    /// A number with at most two decimals, without trailing zeros.
    private static func text(_ number: Double) -> String {
        let hundredths = String(format: "%.2f", number)
        let digits = hundredths.reversed().drop { $0 == "0" }.drop { $0 == "." }
        let text = String(digits.reversed())
        return text == "-0" ? "0" : text
    }

    /// Escapes a text for XML: `& < > "` become entities, control characters that XML does not allow become U+FFFD.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Color {
    /// The colour in the notation of CSS: `#0072b2`.
    fileprivate var hexadecimal: String { String(format: "#%02x%02x%02x", Int(red), Int(green), Int(blue)) }
}
