import Foundation
package import Rendering

/// An HTML page that needs no other file: it contains its style and its pictures, and has no script. Texts are escaped.
public struct HTMLPage: Sendable {
    private let title: String
    private var body: [String] = []

    package init(title: String) { self.title = title }

    // MARK: Parts

    /// - Parameters:
    ///   - level: 2 … 6.
    ///   - anchor: the target of links.
    package mutating func heading(_ text: String, level: Int = 2, anchor: String? = nil) {
        let id = anchor.map { " id=\"\(Self.escaped($0))\"" } ?? ""
        body.append("<h\(level)\(id)>\(Self.escaped(text))</h\(level)>")
    }

    package mutating func paragraph(_ text: String) { body.append("<p>\(Self.escaped(text))</p>") }

    /// A cell of a table.
    package struct Cell {
        let text: String
        let isNumber: Bool
        let source: String?
        let anchor: String?

        /// - Parameters:
        ///   - isNumber: whether the text is aligned on the right.
        ///   - source: the anchor to which the text links: where it comes from.
        ///   - anchor: the anchor of the cell itself.
        package init(text: String, isNumber: Bool = false, source: String? = nil, anchor: String? = nil) {
            self.text = text
            self.isNumber = isNumber
            self.source = source
            self.anchor = anchor
        }
    }

    package mutating func table(_ columns: [String], _ rows: [[Cell]]) {
        body.append("<div class=\"wide\"><table><thead><tr>")
        body.append(columns.map { "<th>\(Self.escaped($0))</th>" }.joined())
        body.append("</tr></thead><tbody>")
        for row in rows { body.append("<tr>" + row.map(Self.cell).joined() + "</tr>") }
        body.append("</tbody></table></div>")
    }

    private static func cell(_ cell: Cell) -> String {
        let text = escaped(cell.text)
        let content = cell.source.map { "<a href=\"#\(escaped($0))\">\(text)</a>" } ?? text
        let id = cell.anchor.map { " id=\"\(escaped($0))\"" } ?? ""
        return "<td\(id)\(cell.isNumber ? " class=\"number\"" : "")>\(content)</td>"
    }

    /// A picture and the text below it.
    ///
    /// - Parameter isWide: whether it may take the width of the page.
    package mutating func figure(png bytes: [UInt8], caption: String, isWide: Bool = false) {
        let source = "data:image/png;base64," + Data(bytes).base64EncodedString()
        body.append(
            "<figure\(isWide ? " class=\"wide\"" : "")><img alt=\"\(Self.escaped(caption))\" src=\"\(source)\"><figcaption>\(Self.escaped(caption))</figcaption></figure>"
        )
    }

    /// A drawing as SVG.
    package mutating func figure(_ drawing: VectorDrawing) {
        body.append("<figure>\(drawing.svg(background: nil))</figure>")
    }

    /// A row of the figures that the closure adds.
    package mutating func figures(_ add: (inout HTMLPage) throws -> Void) rethrows {
        body.append("<div class=\"figures\">")
        try add(&self)
        body.append("</div>")
    }

    /// A text with its line breaks.
    package mutating func listing(_ text: String) { body.append("<pre>\(Self.escaped(text))</pre>") }

    // MARK: The document

    /// The whole document.
    public var text: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
        <title>\(Self.escaped(title))</title>
        <style>\(Self.style)</style>
        </head>
        <body>
        <h1>\(Self.escaped(title))</h1>
        \(body.joined(separator: "\n"))
        </body>
        </html>

        """
    }

    private static let style = """
        body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1180px; margin: 2em auto; padding: 0 1em; }
        h1 { font-size: 1.7em; } h2 { font-size: 1.25em; margin-top: 2.2em; border-bottom: 1px solid #ddd; } h3 { font-size: 1.05em; }
        .wide { overflow-x: auto; } .wide + .wide { margin-top: 1.2em; }
        table { border-collapse: collapse; font-size: 0.92em; } th, td { padding: 0.25em 0.7em; text-align: left; vertical-align: top; }
        th { border-bottom: 2px solid #888; } td { border-bottom: 1px solid #eee; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
        td a { color: inherit; text-decoration: underline dotted #888; } tr:target, td:target { background: #fff3c4; }
        .figures { display: flex; flex-wrap: wrap; gap: 1em; } figure { margin: 0; } figure img { max-width: 360px; height: auto; display: block; }
        figcaption { font-size: 0.85em; color: #555; max-width: 360px; } figure.wide { margin-bottom: 1em; }
        figure.wide img, figure.wide figcaption { max-width: 100%; } pre { background: #f6f6f6; padding: 0.8em; overflow-x: auto; font-size: 0.85em; }
        """

    /// The text with the five characters that HTML reserves as entities, and control characters as U+FFFD.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
