import Basics
import BlobStore
import CellarKit
import Checkpoints
import Volumes

/// Writes a trained network as the safetensors file that its artifact holds.
enum NetworkExport {
    /// How much is copied at a time, in bytes.
    private static let blockByteCount = 16 << 20

    /// The artifact of the network that stands as the result of a step on a training set.
    ///
    /// - Throws: ``CatalogError`` where nothing was trained on it.
    static func artifact(of set: TrainingSetRecord, step: String, _ catalog: Catalog, _ store: BlobStore) throws -> Artifact {
        guard let id = set.id, let digest = try catalog.results.standingArtifact(step: step, scopeID: id, output: "network")
        else {
            throw CatalogError(
                .invalid,
                "\(step) has no network for the training set \(set.name) at hand; `cellar training use \(set.name)` and `cellar run "
                    + "--until \(step)` train one")
        }
        return try store.open(digest)
    }

    /// Which training the network is of, and whether it is fresh; nil where no tomogram is left to see it with.
    static func results(of set: TrainingSetRecord, step: String, _ workspace: Workspace) throws -> ExportedResults? {
        guard let id = set.id, let tomogram = try QueryConnection(workspace.catalog).ids(in: "v_tomogram", where: "1").first
        else { return nil }
        return try ExportedResults(
            workspace, step: step, items: [.init(scopeID: id, label: set.name)], owner: "the training set \(set.name)",
            tomogramID: tomogram)
    }

    /// Copies the file out of an artifact of the kind `network`, opens the copy, and lets it appear under its name when it is
    /// sound.
    ///
    /// - Returns: what the file holds.
    /// - Throws: ``CatalogError`` where the artifact holds no safetensors file, ``VolumeError`` where the copy cannot be written.
    static func write(_ artifact: Artifact, to output: OutputFile) throws -> [TensorEntry] {
        let description = try artifact.description(of: "safetensors")
        guard description.shape.count == 1, description.scalarType == .uint8 else {
            throw CatalogError(
                .invalid,
                "the artifact \(artifact.digest.abbreviated) of kind \(artifact.kind) holds no file but \(description.scalarType) of "
                    + "the shape \(description.shape); `cellar run` renews it")
        }
        let file = try AtomicFile(output)
        for start in stride(from: 0, to: description.shape[0], by: blockByteCount) {
            let rows = start..<min(start + blockByteCount, description.shape[0])
            let bytes = try artifact.readRows("safetensors", rows, as: UInt8.self)
            try file.write(bytes.span.bytes)
        }
        let tensors: [TensorEntry]
        do {
            tensors = try SafetensorsFile(path: file.temporaryPath).tensors
        } catch {
            throw CatalogError(
                .invalid,
                "the network in the artifact \(artifact.digest.abbreviated) is no sound safetensors file, and was not written "
                    + "(\(error.message)); `cellar verify --deep --repair` has it trained again where it is damaged")
        }
        try file.commit()
        return tensors
    }
}
