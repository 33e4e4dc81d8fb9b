public import Volumes

/// Writes pictures as PNG files.
public enum PNGFile {
    /// Writes a picture to a file that appears whole or not at all.
    ///
    /// - Throws: ``RenderingError`` where the file cannot be written.
    public static func write(
        _ picture: RGBImage, to output: OutputFile, encoder: PNGEncoder = PNGEncoder()
    ) throws(RenderingError) {
        try output.writePicture(encoder.encode(picture))
    }

    /// Writes a grey picture; see ``write(_:to:encoder:)-(RGBImage,_,_)``.
    ///
    /// - Throws: ``RenderingError`` where the file cannot be written.
    public static func write(
        _ picture: GreyImage, to output: OutputFile, encoder: PNGEncoder = PNGEncoder()
    ) throws(RenderingError) {
        try output.writePicture(encoder.encode(picture))
    }
}

extension OutputFile {
    /// Writes the bytes of a picture.
    func writePicture(_ bytes: [UInt8]) throws(RenderingError) {
        do throws(VolumeError) {
            try write(bytes)
        } catch {
            throw .unwritable(error)
        }
    }
}
