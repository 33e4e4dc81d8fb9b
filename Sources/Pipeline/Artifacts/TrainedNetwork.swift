import Basics
public import BlobStore
public import Engine
import Foundation
import Training
import Volumes

/// A trained network as an artifact (Schema/blobs.md, `network`): the bytes of a safetensors file.
public struct TrainedNetwork: ArtifactContent {
    public static let kind = "network"
    private static let dataset = "safetensors"

    private let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

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

    /// The network, and what it was trained for.
    ///
    /// - Parameter folder: where the file is unpacked.
    /// - Throws: ``CheckpointError`` or ``TrainingError`` where it is none of this version's.
    func open(in folder: URL) throws -> (network: any Network, description: NetworkDescription) {
        let file = folder.appending(path: "network.safetensors")
        let bytes: [UInt8] = try artifact.read(Self.dataset)
        try WholeFile(file.path).replace(bytes)
        return (
            try NetworkCheckpoint.read(file.path),
            try NetworkDescription(NetworkCheckpoint.metadata(of: file.path), path: artifact.digest.abbreviated)
        )
    }
}
