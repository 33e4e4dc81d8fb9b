import Foundation

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
