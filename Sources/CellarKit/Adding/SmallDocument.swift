import Basics
import Catalog
import Foundation
import Glibc

/// Texts and JSON documents that describe collections: read as a whole, within a limit.
enum SmallDocument {
    /// The largest JSON document that is read, in bytes. copick's configurations and the portal's metadata have a few kilobytes.
    private static let jsonLimit = 16 << 20

    /// The text of a file.
    ///
    /// - Throws: ``CatalogError`` where it cannot be read, is larger than the limit, or is no UTF-8.
    static func text(_ path: String, limit: Int) throws(CatalogError) -> String {
        let status: FileStatus
        do throws(SystemError) { status = try FileStatus(of: path) } catch {
            throw CatalogError(.notFound, "\(path) cannot be read: \(error.reason)")
        }
        guard status.isFile else { throw CatalogError(.invalid, "\(path) is no file; name the file itself") }
        guard status.byteCount <= limit else {
            throw CatalogError(.invalid, "\(path) has more than \(limit >> 20) MiB, and cannot be what it should be")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CatalogError(.notFound, "\(path) cannot be read; check its permissions")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw CatalogError(.invalid, "\(path) is no text in UTF-8; write it again as such")
        }
        return text
    }

    /// A JSON document; comments are allowed, as copick's examples have them.
    ///
    /// - Throws: ``CatalogError`` where it cannot be read, or is not of the expected form.
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
