import BlobStore
import CellarKit
import Checkpoints
import Foundation

/// Writes a trained network as the safetensors file that its artifact holds.
enum NetworkExport {
    /// How much is copied at a time, in bytes.
    private static let blockByteCount = 16 << 20

    /// The artifact of the network that stands as the result of a step on a training set.
    ///
    /// - Throws: ``CatalogError`` where there is no such training set, or nothing was trained on it.
    static func artifact(ofTrainingSet name: String, step: String, _ catalog: Catalog, _ store: BlobStore) throws -> Artifact {
        guard let set = try catalog.trainingSets().first(where: { $0.name == name }), let id = set.id else {
            throw CatalogError(.notFound, "there is no training set \(name); `cellar training list` shows what there is")
        }
        guard let digest = try catalog.standingArtifact(step: step, scopeID: id, output: "network") else {
            throw CatalogError(
                .invalid,
                "\(step) has no network for the training set \(name) at hand; `cellar training use \(name)` and `cellar run --until "
                    + "\(step)` train one")
        }
        return try store.open(digest)
    }

    /// Copies the file out of an artifact of the kind `network`, opens the copy, and lets it appear under its name when it is
    /// sound.
    ///
    /// - Returns: what the file holds.
    /// - Throws: ``CatalogError`` where the artifact holds no safetensors file, or the copy cannot be written.
    static func write(_ artifact: Artifact, to path: String) throws -> [TensorEntry] {
        let description = try artifact.dataset("safetensors")
        guard description.shape.count == 1, description.scalarType == .uint8 else {
            throw CatalogError(
                .invalid,
                "the artifact \(artifact.digest.abbreviated) of kind \(artifact.kind) holds no file but \(description.scalarType) of "
                    + "the shape \(description.shape); `cellar run` renews it")
        }
        let target = URL(fileURLWithPath: path)
        let temporary = target.deletingLastPathComponent().appending(path: ".cellar-\(UInt64.random(in: .min ... .max)).tmp")
        defer { try? FileManager.default.removeItem(at: temporary) }
        do {
            try Data().write(to: temporary, options: .withoutOverwriting)
            let file = try FileHandle(forWritingTo: temporary)
            defer { try? file.close() }
            for start in stride(from: 0, to: description.shape[0], by: blockByteCount) {
                let rows = start..<min(start + blockByteCount, description.shape[0])
                try file.write(contentsOf: Data(artifact.readRows("safetensors", rows, as: UInt8.self)))
            }
            try file.synchronize()
        } catch let error as BlobError {
            throw error
        } catch {
            throw CatalogError(.storage, "\(path): the network could not be written: \(error.localizedDescription)")
        }
        let tensors: [TensorEntry]
        do {
            tensors = try SafetensorsFile(path: temporary.path).tensors
        } catch {
            throw CatalogError(
                .invalid,
                "the network in the artifact \(artifact.digest.abbreviated) is no sound safetensors file, and was not written "
                    + "(\(error.message)); `cellar verify --deep --repair` has it trained again where it is damaged")
        }
        guard rename(temporary.path, target.path) == 0 else {
            let reason = String(cString: strerror(errno))
            throw CatalogError(.storage, "\(path): the network could not be written: \(reason)")
        }
        return tensors
    }
}
