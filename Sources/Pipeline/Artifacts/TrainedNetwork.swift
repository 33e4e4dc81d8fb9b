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
        try ClassList.write(description.classes, to: artifact)
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

/// What a network was trained on, and what for: the metadata of its checkpoint.
struct NetworkDescription: Codable, Hashable, Sendable {
    /// A slab or annotation that it learned from, in the version that it had.
    struct Member: Codable, Hashable, Sendable {
        var tomogram: String
        var label: String
        /// Of the labels; of an annotation nil, its content is in the trace.
        var digest: String?
    }

    /// The step that trained it.
    var step: String
    /// In the order of its outputs, the ground left out.
    var classes: [String]
    /// The side of a voxel: the geometric mean of the axes.
    var voxelSizeInAngstroms: Double
    /// Of the particles of each class; empty for networks that find none.
    var diametersInAngstroms: [Double] = []
    /// The side of the patches that it learned from, in voxels.
    var patchSize: Int
    var seed: Int
    /// The epoch whose weights these are.
    var epoch: Int
    var members: [Member]

    static let key = "cellar.training"

    var metadata: [String: String] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return [Self.key: String(decoding: try encoder.encode(self), as: UTF8.self)]
        }
    }

    /// - Throws: ``PipelineError`` where a checkpoint does not say.
    init(_ metadata: [String: String], path: String) throws {
        guard let text = metadata[Self.key],
            let description = try? JSONDecoder().decode(NetworkDescription.self, from: Data(text.utf8)),
            description.voxelSizeInAngstroms > 0, description.voxelSizeInAngstroms.isFinite, description.patchSize > 0
        else { throw PipelineError("the network \(path) does not say what it was trained on; train it again with `cellar run`") }
        self = description
    }

    init(
        step: String, classes: [String], voxelSizeInAngstroms: Double, diametersInAngstroms: [Double] = [], patchSize: Int,
        seed: Int,
        epoch: Int,
        members: [Member]
    ) {
        (self.step, self.classes, self.voxelSizeInAngstroms) = (step, classes, voxelSizeInAngstroms)
        (self.diametersInAngstroms, self.patchSize) = (diametersInAngstroms, patchSize)
        (self.seed, self.epoch, self.members) = (seed, epoch, members)
    }
}

/// The voxel size that a network was made for.
struct NetworkScale {
    let voxelSizeInAngstroms: Double
    /// The part by which another may differ.
    let tolerance: Double

    /// - Throws: ``PipelineError`` where a voxel size is another.
    func check(_ size: VoxelSize, of tomogram: String) throws {
        let lengths = [size.xInAngstroms, size.yInAngstroms, size.zInAngstroms]
        guard lengths.allSatisfy({ abs($0 - voxelSizeInAngstroms) <= tolerance * voxelSizeInAngstroms }) else {
            throw PipelineError(
                "\(tomogram) has a voxel size of \(size), and the training set of \(rounded(voxelSizeInAngstroms)) Å: rescale it, leave it "
                    + "out with --where, or raise voxel_size_tolerance")
        }
    }

    private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
