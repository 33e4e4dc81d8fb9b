import Basics
import Catalog
import CatalogSchema
import Foundation
import TestSupport
import Testing
import Volumes

extension PipelineCollection {
    /// Networks so small that they learn in seconds, from patches as they are: variety would take longer to learn from.
    static let small = [
        "train-membrane.patch.augmentation": "none", "train-membrane.optimizer.averaging": "0",
        "train-particles.patch.augmentation": "none", "train-particles.optimizer.averaging": "0",
        "train-membrane.network.width": "8", "train-membrane.network.levels": "3", "train-membrane.patch.size": "64",
        "train-membrane.epoch.count": "6", "train-membrane.epoch.steps": "8", "train-membrane.batch": "4",
        "train-membrane.optimizer.learning_rate": "0.01", "train-membrane.validation.batches": "2",
        "train-particles.network.width": "8", "train-particles.patch.size": "32", "train-particles.batch": "2",
        "train-particles.epoch.count": "4", "train-particles.epoch.steps": "10", "train-particles.patch.jitter": "8",
        "train-particles.optimizer.learning_rate": "0.02", "train-particles.validation.batches": "1",
        "train-particles.radius": "100", "pick.margin": "4",
        // Noise has the same power everywhere in these scenes, so that balls would pass for the sample.
        "mask.outside": "keep", "pseudo-labels.outside": "keep", "segment.outside": "keep", "pick.outside": "keep",
    ]

    /// A collection whose labels and points are annotations: no slab needs to be computed.
    ///
    /// - Parameters:
    ///   - isTrainingSet: whether networks are trained on them.
    ///   - isNamed: whether the annotation names the balls, which have labels.
    ///   - membrane: the value of membranes in the annotation; 7 in the labels.
    static func annotated(
        _ scene: BallsAndSheet, settings: [String: String] = [:], isTrainingSet: Bool = true, isNamed: Bool = true,
        membrane: Int64 = 7
    ) throws -> PipelineCollection {
        let collection = try PipelineCollection(scene.voxels(), settings: small.merging(settings) { $1 })
        let path = collection.directory.file("labels.mrc")
        let writer = try MRCWriter(
            path: path, shape: scene.shape, scalarType: .uint8, voxelSize: VoxelSize(cubicInAngstroms: 10))
        let labels = (0..<scene.shape.count).map { UInt8(scene.isMembrane($0) ? 7 : scene.isBall($0) ? 2 : 0) }
        try writer.append(#require(VoxelBuffer(shape: scene.shape, values: labels)))
        try writer.finish()
        let labelled = try collection.catalog.collection.annotate(
            tomogramID: collection.tomogramID,
            with: NewAnnotation(
                kind: .labels, location: VolumeLocation(path: path),
                classes: [.init(name: "membrane", value: membrane)] + (isNamed ? [.init(name: "ball", value: 2)] : []),
                contentDigest: Digest(of: labels)))
        let pointed = try collection.catalog.collection.annotate(
            tomogramID: collection.tomogramID,
            with: NewAnnotation(
                kind: .points, location: VolumeLocation(path: collection.directory.file("points.csv")), convention: "angstrom",
                classes: [.init(name: "macromolecule", radiusInAngstroms: 100)],
                points: scene.balls.map { .init(x: 10 * $0.x, y: 10 * $0.y, z: 10 * $0.z, className: "macromolecule") },
                contentDigest: Digest(of: "three balls".utf8)))
        if isTrainingSet {
            _ = try collection.catalog.collection.addTrainingSet(named: "all", slabs: [], annotations: [labelled, pointed])
        }
        return collection
    }
}
