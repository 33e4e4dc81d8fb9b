import Foundation

/// Writes drawings as PNG or SVG files, by the extension of their name.
public enum DrawingFile {
    /// Whether the name of a file says which of the two it is.
    public static func isPossible(_ path: String) -> Bool { format(of: path) != nil }

    /// Writes a drawing on white under a temporary name and renames it, so that the file is the old one or the new one, whole.
    ///
    /// - Parameter scale: pixels for each point, of a PNG.
    /// - Throws: ``RenderingError`` where the name ends in neither `.png` nor `.svg`, the picture would be too large, or
    ///   the file cannot be written.
    public static func write(_ drawing: VectorDrawing, to path: String, scale: Double = 2) throws(RenderingError) {
        switch format(of: path) {
        case .png: try PNGFile.write(drawing.picture(scale: scale), to: path)
        case .svg:
            do {
                try Data(drawing.svg().utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            } catch {
                throw .unwritable(path, error.localizedDescription)
            }
        case nil: throw .unwritable(path, "its name ends in neither .png nor .svg")
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
