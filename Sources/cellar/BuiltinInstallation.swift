import BuiltinModels
import CellarKit

/// The small models that come with the program, as models of a catalog.
enum BuiltinInstallation {
    /// Writes their files into the catalog's folder, and adds them, or what is new in them.
    ///
    /// - Returns: their records, and whether each has other weights than it had.
    @discardableResult
    static func run(in catalog: Catalog) throws -> [(record: ModelRecord, isNew: Bool)] {
        try BuiltinModel.all.compactMap { model in
            guard let kind = ModelKind(rawValue: model.kind) else { return nil }
            let files = try ModelFiles(model.write(into: catalog.directory.models), kind: kind)
            let digest = try files.digest()
            let (record, earlier) = try catalog.collection.setModel(
                name: model.name, kind: model.kind, path: files.path, digest: digest, licence: model.licence,
                provenance: model.provenance)
            return (record, earlier != digest)
        }
    }
}
