import Basics

extension JSONDocument {
    /// Decodes the bytes of a file as Python writes JSON: with `NaN` and `Infinity`.
    ///
    /// - Throws: ``VolumeError``, `.malformed`, where the bytes are not JSON or not of the expected form.
    static func decode<Document: Decodable>(
        _ type: Document.Type, from bytes: [UInt8], path: String
    ) throws(VolumeError) -> Document {
        do throws(JSONFault) {
            return try decode(type, from: bytes, allowsJSON5: true)
        } catch {
            throw VolumeError(.malformed, "\(error.message); write the file again", path: path)
        }
    }
}
