import Basics
import Foundation

/// JSON as Python writes it: with `NaN` and `Infinity`, which JSON forbids and JSON5 allows.
enum JSONDocument {
    /// Decodes the bytes of a file.
    ///
    /// - Throws: ``VolumeError``, `.malformed`, where they are no JSON, or not of the expected form.
    static func decode<Document: Decodable>(
        _ type: Document.Type, from bytes: [UInt8], path: String
    ) throws(VolumeError) -> Document {
        // Foundation's JSON5 scanner ends the process at a key that is not UTF-8.
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw VolumeError(.malformed, "is not JSON: its text is not UTF-8; write the file again", path: path)
        }
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        do {
            return try decoder.decode(type, from: Data(text.utf8))
        } catch {
            throw .malformedJSON(error, path: path)
        }
    }
}
