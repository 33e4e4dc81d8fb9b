import Basics
import Catalog
import Volumes

/// Texts and JSON documents that describe collections: read as a whole, within a limit.
enum SmallDocument {
    /// The largest JSON document that is read, in bytes. copick's configurations and the portal's metadata have a few kilobytes.
    private static let jsonLimit = 16 << 20

    /// The text of a file.
    ///
    /// - Throws: `CatalogError` where it cannot be read, is larger than the limit, or is no UTF-8.
    static func text(_ path: String, limit: Int) throws(CatalogError) -> String {
        let bytes: [UInt8]?
        do throws(VolumeError) { bytes = try SmallFile(path).read(limit: limit) } catch {
            throw CatalogError(error.code == .tooLarge ? .invalid : .notFound, error.sentence)
        }
        guard let bytes else { throw CatalogError(.notFound, "\(path): there is no such file; check the path") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CatalogError(.invalid, "\(path) is no text in UTF-8; write it again as such")
        }
        return text
    }

    /// A JSON document; comments are allowed, as copick's examples have them.
    ///
    /// - Throws: `CatalogError` where it cannot be read, or is not of the expected form.
    static func json<Document: Decodable>(_ type: Document.Type, path: String) throws(CatalogError) -> Document {
        try json(type, Array(text(path, limit: jsonLimit).utf8), path: path)
    }

    static func json<Document: Decodable>(
        _ type: Document.Type, _ bytes: [UInt8], path: String
    ) throws(CatalogError) -> Document {
        do throws(JSONFault) {
            return try JSONDocument.decode(type, from: bytes, allowsJSON5: true)
        } catch {
            throw CatalogError(.invalid, "\(path): \(error.message); correct the file")
        }
    }
}
