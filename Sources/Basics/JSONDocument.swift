import Foundation

/// What is wrong with a JSON text that comes from outside: a clause that names the key, and begins in lower case.
///
/// Targets add the file and what to do: `lacks 'datasets[0].path'` → `a.zarr/.zattrs: lacks 'datasets[0].path'; write the file again`.
package struct JSONFault: Error, Hashable, Sendable {
    package let message: String
}

/// Decodes JSON documents from outside: small files and texts, of which a tree in memory does no harm.
///
/// Headers and vocabularies, which may be large or hostile, are read by `JSONReader` of `Checkpoints`, which builds no tree.
package enum JSONDocument {
    /// Decodes a document.
    ///
    /// - Parameter allowsJSON5: whether what JSON5 adds is allowed. Python writes `NaN` and `Infinity`, which JSON forbids.
    /// - Throws: ``JSONFault`` where the bytes are not JSON, or a key is missing or has a value of another type.
    package static func decode<Document: Decodable>(
        _ type: Document.Type, from bytes: [UInt8], allowsJSON5: Bool = false
    ) throws(JSONFault) -> Document {
        // Foundation's scanners end the process at a key that is not UTF-8.
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw JSONFault(message: "is not JSON: its text is not UTF-8")
        }
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = allowsJSON5
        do {
            return try decoder.decode(type, from: Data(text.utf8))
        } catch {
            throw JSONFault(error)
        }
    }
}

extension JSONFault {
    fileprivate init(_ error: any Error) {
        func name(_ keys: [any CodingKey]) -> String {
            let name = keys.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
            return "'\(name.trimmingPrefix(while: { $0 == "." }))'"
        }
        message =
            switch error {
            case DecodingError.keyNotFound(let key, let context): "lacks \(name(context.codingPath + [key]))"
            case DecodingError.valueNotFound(_, let context) where !context.codingPath.isEmpty:
                "has no value for \(name(context.codingPath))"
            case DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty:
                "has a \(name(context.codingPath)) of another type than it should have"
            case DecodingError.valueNotFound, DecodingError.typeMismatch: "is JSON of another form than it should have"
            case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
                "has an impossible value for \(name(context.codingPath))"
            default: "is not JSON"
            }
    }
}
