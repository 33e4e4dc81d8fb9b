import CatalogSchema
import Diffusion
import Synchronization

/// The diffusion models in use: each is opened once for all items.
final class DiffusionModels: Sendable {
    static let kind = ModelKind.diffusion.rawValue

    private struct Key: Hashable {
        let record: ModelRecord
        let residency: Residency
    }

    private let opened = Mutex<[Key: DiffusionModel]>([:])

    /// Opens a model of the catalog.
    ///
    /// - Throws: ``PipelineError`` where its files are not those that were added; ``DiffusionError`` where they cannot be read.
    /// - Complexity: reads all files once, for their digest.
    func model(_ record: ModelRecord, residency: Residency) throws -> DiffusionModel {
        let key = Key(record: record, residency: residency)
        return try opened.withLock { opened in
            if let model = opened[key] { return model }
            guard try ModelFiles(record.path, kind: .diffusion).digest() == record.digest else {
                throw PipelineError(
                    "the files of the model \(record.name) in \(record.path) are not those that were added: put them back, or add "
                        + "it again with `cellar model add \(record.name) \(record.path) --kind diffusion`")
            }
            let model = try DiffusionModel(folder: record.path, residency: residency)
            opened[key] = model
            return model
        }
    }
}
