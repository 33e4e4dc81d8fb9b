import Basics
public import BlobStore
public import Engine
import Foundation
import Training
import Volumes

/// A trained network as an artifact (Schema/blobs.md, `network`): the bytes of a safetensors file, or no network and the reason for it.
public struct TrainedNetwork: ArtifactContent {
    public static let kind = "network"
    private static let dataset = "safetensors"
    private static let reason = "nothing_to_learn"

    private let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// The digest of the artifact.
    var digest: Digest { artifact.digest }

    /// The classes of the network.
    ///
    /// - Throws: ``PipelineError`` where the artifact names none.
    package func classes() throws -> ClassList { try ClassList(artifact) }

    /// Why there is no network: what the labels lack, and what can be done about it. nil where there is a network.
    package var absence: String? {
        guard case .string(let reason)? = artifact.attributes[Self.reason] else { return nil }
        return reason
    }

    /// - Throws: ``PipelineError`` where there is no network (``PipelineErrorCode/nothingToLearn``).
    private func checkPresence() throws(PipelineError) {
        if let absence { throw PipelineError(.nothingToLearn, absence) }
    }

    /// Calls a closure with the bytes of the safetensors file, 16 MiB at a time.
    ///
    /// - Throws: ``PipelineError`` where there is no network, or the artifact holds no file; ``BlobError`` where it cannot be read.
    package func forEachPart(_ body: ([UInt8]) throws -> Void) throws {
        try checkPresence()
        let description = try artifact.description(of: Self.dataset)
        guard description.shape.count == 1, description.scalarType == .uint8 else {
            throw PipelineError(
                "the artifact \(artifact.digest.abbreviated) of kind \(artifact.kind) holds no file but \(description.scalarType) of "
                    + "the shape \(description.shape); `cellar run` renews it")
        }
        let count = description.shape[0]
        for start in stride(from: 0, to: count, by: 16 << 20) {
            try body(artifact.readRows(Self.dataset, start..<min(start + 16 << 20, count)))
        }
    }

    /// Writes the network and its description.
    ///
    /// - Parameter folder: where the safetensors file is written before its bytes go into the artifact.
    static func write(
        _ network: any Network, _ description: NetworkDescription, in folder: URL, to artifact: ArtifactWriter
    ) throws {
        let file = folder.appending(path: "network.safetensors")
        try NetworkCheckpoint.write(network, to: file.path, metadata: description.metadata)
        try write(SmallFile(file.path).read(limit: .max) ?? [], description, to: artifact)
    }

    /// Writes that there is no network.
    ///
    /// - Parameters:
    ///   - absence: the reason, as ``absence``.
    ///   - classes: that were to be learned.
    static func write(absence: String, classes: [String], to artifact: ArtifactWriter) throws {
        try ClassList.write(classes, to: artifact)
        try artifact.setAttribute(reason, .string(absence))
    }

    /// Writes the same file to another artifact, which has the same digest.
    ///
    /// - Parameter description: the one in the file.
    func copy(_ description: NetworkDescription, to other: ArtifactWriter) throws {
        try Self.write(artifact.read(Self.dataset), description, to: other)
    }

    private static func write(_ bytes: [UInt8], _ description: NetworkDescription, to artifact: ArtifactWriter) throws {
        try ClassList.write(description.classes, to: artifact)
        try artifact.setAttribute("voxel_size", .real(description.voxelSizeInAngstroms))
        try artifact.write(dataset, shape: [bytes.count], values: bytes, compression: 0)
    }

    /// Reads the network, and the description of its training.
    ///
    /// - Parameter folder: where the safetensors file is unpacked.
    /// - Throws: ``CheckpointError`` or ``TrainingError`` where this version cannot read the file, ``PipelineError`` where there is no
    ///   network, or it has no description.
    func open(in folder: URL) throws -> (network: any Network, description: NetworkDescription) {
        try checkPresence()
        let file = folder.appending(path: "network.safetensors")
        let bytes: [UInt8] = try artifact.read(Self.dataset)
        try SmallFile(file.path).replace(bytes)
        return (
            try NetworkCheckpoint.read(file.path),
            try NetworkDescription(NetworkCheckpoint.metadata(of: file.path), path: artifact.digest.abbreviated)
        )
    }
}

/// The description of a trained network: its classes, voxel size and training members. It is JSON in the metadata of the checkpoint.
struct NetworkDescription: Codable, Hashable, Sendable {
    /// A slab or annotation of the training set, as it was at the time of the training.
    struct Member: Codable, Hashable, Sendable {
        var tomogram: String
        var label: String
        /// The digest of the pseudo-labels; nil for an annotation, whose content the trace records.
        var digest: String?

        /// Whether nobody made these labels by hand.
        var isSlab: Bool { digest != nil }
    }

    /// The step that trained the network.
    var step: String
    /// The classes in the order of the network's outputs, without the ground.
    var classes: [String]
    /// The side of a voxel: the geometric mean of the three sides.
    var voxelSizeInAngstroms: Double
    /// The diameter of the particles of each class; empty for networks that segment.
    var diametersInAngstroms: [Double] = []
    /// The side of the patches of training, in voxels.
    var patchSize: Int
    var seed: Int
    /// The epoch from which the weights are.
    var epoch: Int
    /// For each class the threshold of its probability that served best on what was held out; nil if nothing was, or an earlier version
    /// trained the network.
    var thresholds: [Double]?
    var members: [Member]
    /// The round of training that the weights are of; nil for the first one. A step that hands on the network of an earlier round
    /// leaves it as it is.
    var round: Int?

    /// What the outputs of the network are, where they are not the ground and then the classes: for each output the class that it is a part
    /// of, or nil for ground. So a network may tell the middle of a particle from the rest of it, or the outside of the sample from its inside.
    var outputs: [String?]?
    /// Of a network that segments: the outputs whose peaks are particles.
    var particles: [ParticleOutput]?

    /// An output whose peaks are particles.
    struct ParticleOutput: Codable, Hashable, Sendable {
        /// The class of the particles.
        var name: String
        /// The number of the output.
        var output: Int
        var diameterInAngstroms: Double
        /// The least score of a particle; nil for the recipe's.
        var leastScore: Double?
    }

    /// What a network says about one class.
    struct Answer: Hashable, Sendable {
        var name: String
        /// The outputs whose probabilities add up to that of the class.
        var outputs: [Int]
        /// The least probability of the class.
        var threshold: Double
        /// Of particles.
        var diameterInAngstroms: Double?
        /// Of particles: the least score that the network itself says; nil for the recipe's.
        var leastScore: Double?
    }

    /// Checks that a network is the one that is described.
    ///
    /// - Throws: ``PipelineError`` where it can serve no purpose.
    func check(_ architecture: NetworkArchitecture, path: String) throws(PipelineError) {
        guard answers(architecture, .labels).isEmpty, answers(architecture, .particles).isEmpty else { return }
        throw PipelineError(
            "the network \(path) has \(architecture.outputs) outputs, which do not fit its classes (\(classes.joined(separator: ", "))): "
                + "export it again with `cellar export network`")
    }

    /// What the network can say for a purpose; empty where it cannot serve it.
    func answers(_ architecture: NetworkArchitecture, _ purpose: NetworkApplication.Purpose) -> [Answer] {
        switch (architecture, purpose) {
        case (.picker, .labels): return []
        case (.picker, .particles):
            guard diametersInAngstroms.count == classes.count, architecture.outputs == classes.count else { return [] }
            return classes.indices.map {
                Answer(name: classes[$0], outputs: [$0], threshold: 0.5, diameterInAngstroms: diametersInAngstroms[$0])
            }
        case (.unet, .labels):
            let names = outputs ?? [nil] + classes
            guard names.count == architecture.outputs else { return [] }
            return classes.enumerated().map { index, name in
                Answer(name: name, outputs: names.indices.filter { names[$0] == name }, threshold: thresholds?[index] ?? 0.5)
            }.filter { !$0.outputs.isEmpty }
        case (.unet, .particles):
            return (particles ?? []).filter { (0..<architecture.outputs).contains($0.output) && $0.diameterInAngstroms > 0 }.map {
                Answer(
                    name: $0.name, outputs: [$0.output], threshold: 0.5, diameterInAngstroms: $0.diameterInAngstroms,
                    leastScore: $0.leastScore)
            }
        }
    }

    /// The key of the metadata of the safetensors file.
    static let key = "cellar.training"

    var metadata: [String: String] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return [Self.key: String(decoding: try encoder.encode(self), as: UTF8.self)]
        }
    }

    /// - Parameter path: of the network, for the message.
    /// - Throws: ``PipelineError`` where the metadata has no valid description.
    init(_ metadata: [String: String], path: String) throws {
        guard let text = metadata[Self.key],
            let description = try? JSONDecoder().decode(NetworkDescription.self, from: Data(text.utf8)),
            description.voxelSizeInAngstroms > 0, description.voxelSizeInAngstroms.isFinite, description.patchSize > 0,
            description.thresholds?.count ?? description.classes.count == description.classes.count, description.isSound
        else { throw PipelineError("the network \(path) does not say what it was trained on; train it again with `cellar run`") }
        self = description
    }

    /// Whether numbers are in their ranges, and no class is named twice.
    private var isSound: Bool {
        let particles = particles ?? []
        func isOnce(_ names: [String]) -> Bool { Set(names).count == names.count && !names.contains("") }
        return isOnce(classes) && isOnce(particles.map(\.name))
            && (thresholds ?? []).allSatisfy { (0...1).contains($0) }
            && particles.allSatisfy { (0...1).contains($0.leastScore ?? 0) }
            && (diametersInAngstroms + particles.map(\.diameterInAngstroms)).allSatisfy { $0 > 0 && $0.isFinite }
    }

    init(
        step: String, classes: [String], voxelSizeInAngstroms: Double, diametersInAngstroms: [Double] = [], patchSize: Int,
        seed: Int, epoch: Int, thresholds: [Double]? = nil, members: [Member], round: Int? = nil
    ) {
        (self.step, self.classes, self.voxelSizeInAngstroms) = (step, classes, voxelSizeInAngstroms)
        (self.diametersInAngstroms, self.patchSize) = (diametersInAngstroms, patchSize)
        (self.seed, self.epoch, self.thresholds, self.members) = (seed, epoch, thresholds, members)
        self.round = round
    }
}
