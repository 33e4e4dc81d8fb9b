import Basics
import BlobStore
import Engine
import Foundation
import Training
import Volumes

/// A trained network as an artifact (Schema/blobs.md, `network`): the bytes of a safetensors file.
enum NetworkArtifact {
    static let kind = "network"
    static let dataset = "safetensors"

    /// - Parameter folder: where the file is written before it becomes an artifact.
    static func write(
        _ network: any Network, _ description: NetworkDescription, in folder: URL, to artifact: ArtifactWriter
    ) throws {
        let file = folder.appending(path: "network.safetensors")
        try NetworkCheckpoint.write(network, to: file.path, metadata: description.metadata)
        let bytes = try WholeFile(file.path).read(limit: .max) ?? []
        try artifact.setAttribute("classes", .string(description.classes.joined(separator: ",")))
        try artifact.setAttribute("voxel_size", .real(description.voxelSizeInAngstroms))
        try artifact.write(dataset, shape: [bytes.count], values: bytes, compression: 0)
    }

    /// The network that a step trained, and what for.
    ///
    /// - Throws: ``CheckpointError`` or ``TrainingError`` where it is none of this version's.
    static func read(of item: StepItem, step: String) throws -> (network: any Network, description: NetworkDescription) {
        let artifact = try item.artifact(of: step, named: "network")
        let file = try item.workspace().appending(path: "network.safetensors")
        let bytes: [UInt8] = try artifact.read(dataset)
        try WholeFile(file.path).replace(bytes)
        return (
            try NetworkCheckpoint.read(file.path),
            try NetworkDescription(NetworkCheckpoint.metadata(of: file.path), path: artifact.digest.abbreviated)
        )
    }
}
