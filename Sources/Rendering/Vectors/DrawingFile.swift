public import Basics
import Foundation
public import Volumes

/// Writes drawings as PNG or SVG files, by the extension of their name.
public enum DrawingFile {
    /// Whether the name of a file says which of the two it is.
    public static func isPossible(_ path: String) -> Bool { format(of: path) != nil }

    /// Writes a drawing on white to a file that appears whole or not at all.
    ///
    /// - Parameter scale: pixels for each point, of a PNG.
    /// - Throws: ``RenderingError`` where the name ends in neither `.png` nor `.svg`, the picture would be too large, or
    ///   the file cannot be written.
    public static func write(_ drawing: VectorDrawing, to output: OutputFile, scale: Double = 2) throws(RenderingError) {
        switch format(of: output.path) {
        case .png: try PNGFile.write(drawing.picture(scale: scale), to: output)
        case .svg: try output.writePicture(Array(drawing.svg().utf8))
        case nil:
            throw RenderingError(.unwritable, "\(output.path): the picture cannot be written: it ends in neither .png nor .svg")
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
