import Basics
import Catalog
import Foundation

/// The configuration of a copick project on disk (JSON): its objects, and the two folders that its files are in.
///
/// Source: copick's data model, `CopickConfig` and `CopickConfigFSSpec`. A file of the overlay hides that of the static root which has its name.
struct CopickConfiguration: Sendable {
    /// An object that points and segmentations are of.
    struct Object: Sendable, Hashable {
        /// As names of files have it.
        let name: String
        let isParticle: Bool
        /// Its value in multilabel segmentations; nil where it has none.
        let label: Int?
        let radiusInAngstroms: Double?
        /// The class of the catalog: the name before it was made safe for names of files, where an export noted that.
        let className: String
    }

    /// The key under `metadata` of an object, with the name of the catalog's class. copick keeps what it does not know.
    static let classKey = "cellar_class"

    let path: String
    let objects: [Object]
    /// Where files are written; the folder may not exist yet.
    let overlayRoot: String
    let staticRoot: String?

    /// The folders in which files are looked for, in this order.
    var roots: [String] { [overlayRoot] + (staticRoot.map { $0 == overlayRoot ? [] : [$0] } ?? []) }

    func object(named name: String) -> Object? { objects.first { $0.name == name } }

    /// Reads a configuration.
    ///
    /// - Throws: `CatalogError` where it cannot be read, is none, or its files are not on a local disk.
    init(path: String) throws(CatalogError) { try self.init(SmallDocument.json(Document.self, path: path), path: path) }

    /// - Parameter bytes: of the file.
    init(_ bytes: [UInt8], path: String) throws(CatalogError) {
        try self.init(SmallDocument.json(Document.self, bytes, path: path), path: path)
    }

    private init(_ document: Document, path: String) throws(CatalogError) {
        self.path = path
        let kind = document.kind ?? "filesystem"
        guard kind == "filesystem" else {
            throw CatalogError(
                .invalid,
                "\(path) is a copick project of the type \(kind), whose files are elsewhere; download them, and add their folder with "
                    + "--portal, or name a configuration of the type filesystem")
        }
        guard let overlay = document.overlay else {
            throw CatalogError(.invalid, "\(path): there is no overlay_root, the folder of the project; correct the file")
        }
        overlayRoot = try Self.localFolder(overlay, key: "overlay_root", path: path)
        if let root = document.fixed {
            staticRoot = try Self.localFolder(root, key: "static_root", path: path)
        } else {
            staticRoot = nil
        }
        objects = document.objects.map { object in
            Object(
                name: object.name, isParticle: object.isParticle, label: object.label,
                radiusInAngstroms: object.radius.flatMap { $0 > 0 && $0.isFinite ? $0 : nil },
                className: object.className.flatMap { $0.isEmpty ? nil : $0 } ?? object.name)
        }
        for object in objects {
            guard !object.name.isEmpty, object.label != 0 else {
                throw CatalogError(
                    .invalid,
                    "\(path): the object \"\(object.name)\" has no name, or the label 0, which is that of the background; correct it"
                )
            }
            guard objects.count(where: { $0.name == object.name }) == 1 else {
                throw CatalogError(.invalid, "\(path): there are two objects \(object.name); each needs a name of its own")
            }
        }
    }

    /// The folder that a root means, absolute. Relative ones are so to the working folder, as in copick.
    private static func localFolder(_ root: String, key: String, path: String) throws(CatalogError) -> String {
        var folder = root
        if let separator = root.range(of: "://") {
            let scheme = root[..<separator.lowerBound]
            guard ["local", "file"].contains(scheme) else {
                throw CatalogError(
                    .invalid,
                    "\(path): its \(key) \(root) is no local folder (\(scheme)); copy or mount the files, and write local:// and the "
                        + "path of their folder")
            }
            folder = String(root[separator.upperBound...])
        }
        guard !folder.isEmpty else {
            throw CatalogError(.invalid, "\(path): its \(key) is empty; write local:// and the path of a folder")
        }
        return URL(fileURLWithPath: NSString(string: folder).expandingTildeInPath).standardizedFileURL.path
    }

    // MARK: The file

    private struct Document: Decodable {
        let kind: String?
        let overlay: String?
        let fixed: String?
        let objects: [ObjectDocument]

        private enum CodingKeys: String, CodingKey {
            case kind = "config_type"
            case overlay = "overlay_root"
            case fixed = "static_root"
            case objects = "pickable_objects"
        }
    }

    private struct ObjectDocument: Decodable {
        let name: String
        let isParticle: Bool
        let label: Int?
        let radius: Double?
        let className: String?

        private enum CodingKeys: String, CodingKey {
            case name, label, radius, metadata
            case isParticle = "is_particle"
        }

        private struct ClassKey: CodingKey {
            let stringValue = CopickConfiguration.classKey
            let intValue: Int? = nil
            init() {}
            init?(stringValue: String) {}
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            name = try container.decode(String.self, forKey: .name)
            isParticle = try container.decode(Bool.self, forKey: .isParticle)
            // An object that says nothing of a label has copick's default.
            label = container.contains(.label) ? try container.decodeIfPresent(Int.self, forKey: .label) : 1
            radius = try container.decodeIfPresent(Double.self, forKey: .radius)
            // Other programs write what they like here.
            className = (try? container.nestedContainer(keyedBy: ClassKey.self, forKey: .metadata))
                .flatMap { try? $0.decode(String.self, forKey: ClassKey()) }
        }
    }
}
