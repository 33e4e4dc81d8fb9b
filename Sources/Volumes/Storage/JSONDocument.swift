import Basics
import Foundation

/// Decodes JSON as Python writes it: with `NaN` and `Infinity`, which JSON forbids and JSON5 allows.
enum JSONDocument {
    /// Decodes the bytes of a file.
    ///
    /// - Throws: ``VolumeError``, `.malformed`, where the bytes are not JSON or not of the expected form.
    static func decode<Document: Decodable>(
        _ type: Document.Type, from bytes: [UInt8], path: String
    ) throws(VolumeError) -> Document {
        // Foundation's JSON5 scanner crashes on a key that is not UTF-8.
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

extension VolumeError {
    /// The error for bytes that are not a JSON document of the expected form: says which key is wrong, and how.
    fileprivate static func malformedJSON(_ error: any Error, path: String) -> VolumeError {
        func name(_ keys: [any CodingKey]) -> String {
            keys.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined().trimmingPrefix(while: { $0 == "." })
                .description
        }
        let message =
            switch error {
            case DecodingError.keyNotFound(let key, let context): "lacks \(name(context.codingPath + [key]))"
            case DecodingError.valueNotFound(_, let context): "has no value for \(name(context.codingPath))"
            case DecodingError.typeMismatch(_, let context): "has a value of the wrong type for \(name(context.codingPath))"
            case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
                "has an impossible value for \(name(context.codingPath))"
            default: "is not JSON"
            }
        return VolumeError(.malformed, "\(message); write the file again", path: path)
    }
}
