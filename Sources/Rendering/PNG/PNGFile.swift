import Foundation

/// Writes pictures as PNG files.
public enum PNGFile {
    /// Writes a picture under a temporary name and renames it, so that the file is the old one or the new one, whole.
    ///
    /// - Throws: ``RenderingError`` where the file cannot be written.
    public static func write(_ picture: RGBImage, to path: String, encoder: PNGEncoder = PNGEncoder()) throws(RenderingError) {
        try write(encoder.encode(picture), to: path)
    }

    /// Writes a grey picture; see ``write(_:to:encoder:)-(RGBImage,_,_)``.
    ///
    /// - Throws: ``RenderingError`` where the file cannot be written.
    public static func write(_ picture: GreyImage, to path: String, encoder: PNGEncoder = PNGEncoder()) throws(RenderingError) {
        try write(encoder.encode(picture), to: path)
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(RenderingError) {
        do {
            try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw .unwritable(path, error.localizedDescription)
        }
    }
}
