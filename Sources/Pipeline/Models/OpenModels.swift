import CatalogSchema
import Synchronization

/// The models of one kind in use: each is opened once for all items.
final class OpenModels<Model: Sendable>: Sendable {
    private struct Key: Hashable {
        let record: ModelRecord
        let isStreamed: Bool
    }

    private let kind: ModelKind
    private let open: @Sendable (_ path: String, _ isStreamed: Bool) throws -> Model
    private let opened = Mutex<[Key: Model]>([:])

    /// - Parameter open: opens a model, with its weights streamed from the disk where memory is to be saved.
    init(_ kind: ModelKind, open: @escaping @Sendable (_ path: String, _ isStreamed: Bool) throws -> Model) {
        self.kind = kind
        self.open = open
    }

    /// Opens a model of the catalog.
    ///
    /// - Throws: ``PipelineError`` where its files are not those that were added; else where they cannot be read.
    /// - Complexity: reads all files once, for their digest.
    func model(_ record: ModelRecord, isStreamed: Bool = false) throws -> Model {
        let key = Key(record: record, isStreamed: isStreamed)
        return try opened.withLock { opened in
            if let model = opened[key] { return model }
            guard try ModelFiles(record.path, kind: kind).digest() == record.digest else {
                throw PipelineError(
                    "the files of the model \(record.name) in \(record.path) are not those that were added: put them back, or add "
                        + "it again with `cellar model add \(record.name) \(record.path) --kind \(kind.rawValue)`")
            }
            let model = try open(record.path, isStreamed)
            opened[key] = model
            return model
        }
    }
}
