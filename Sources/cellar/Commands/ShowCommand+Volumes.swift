import Basics
import BlobStore
import CellarKit
import Foundation
import Rendering

/// Pictures of what the steps on whole tomograms gave, over any slice of the tomogram.
struct VolumeResults {
    /// The steps that it draws.
    static let steps = ["segment", "pick"]

    let catalog: Catalog
    let store: BlobStore
    let tomogram: TomogramRecord
    let z: Int
    private let id: Int64
    private let volume: any Volume
    private let voxelSize: VoxelSize?
    private var rendering = SliceRendering()

    /// - Parameters:
    ///   - z: the slice; the middle one, where nil.
    ///   - maximumSide: of pictures, in pixels; nil for as many as the slice has.
    init(_ catalog: Catalog, store: BlobStore, tomogram: TomogramRecord, z: Int?, maximumSide: Int? = nil) throws {
        guard let id = tomogram.id else { throw CatalogError(.notFound, "there is no tomogram \(tomogram.name)") }
        (self.catalog, self.store, self.tomogram, self.id) = (catalog, store, tomogram, id)
        rendering.maximumSide = maximumSide
        rendering.minimumSide = min(rendering.minimumSide, maximumSide ?? rendering.minimumSide)
        volume = try tomogram.location.open()
        self.z = z ?? volume.shape.z / 2
        guard (0..<volume.shape.z).contains(self.z) else {
            throw CatalogError(
                .invalid, "\(tomogram.name) has the slices 0 to \(volume.shape.z - 1), and no slice \(self.z); --z names one")
        }
        voxelSize = try catalog.collection.effectiveVoxelSize(ofTomogram: id)
    }

    func picture(of step: String) throws -> RGBImage { try step == "pick" ? picks() : segmentation() }

    /// Whether a step on tomograms has a result that can be drawn.
    func has(_ step: String) throws -> Bool {
        try catalog.results.standingArtifact(step: step, scopeID: id, output: step == "pick" ? "particles" : "labels") != nil
    }

    /// The slice alone.
    func plain() throws -> RGBImage {
        try rendering(volume.readSlice(z: z), caption: SliceCaption(name: tomogram.name, z: z, voxelSize: voxelSize))
    }

    private func artifact(of step: String, _ output: String) throws -> Artifact {
        guard let digest = try catalog.results.standingArtifact(step: step, scopeID: id, output: output) else {
            throw CatalogError(
                .invalid,
                "\(step) has no result for \(tomogram.name) at hand; `cellar training add` says what to learn from, `cellar run "
                    + "--until \(step)` computes it")
        }
        return try store.open(digest)
    }

    private func caption(_ step: String, _ classes: ClassList) -> SliceCaption {
        SliceCaption(name: "\(tomogram.name), \(step)", z: z, voxelSize: voxelSize, legend: classes.legend)
    }

    /// The classes that the network gave the voxels of the slice.
    func segmentation() throws -> RGBImage {
        let artifact = try artifact(of: "segment", "labels")
        let shape = volume.shape
        guard try artifact.description(of: "labels").shape == [shape.z, shape.y, shape.x],
            let labels = LabelImage(
                height: shape.y, width: shape.x,
                labels: try artifact.readRows("labels", z..<z + 1, as: UInt8.self).map { UInt32($0) })
        else {
            throw CatalogError(
                .invalid, "the segmentation of \(tomogram.name) has another size than the tomogram; `cellar run` renews it")
        }
        return try rendering(
            volume.readSlice(z: z), labels: labels, caption: caption("segment", ClassList(artifact)))
    }

    /// Circles where the balls that were picked cut the slice.
    func picks() throws -> RGBImage {
        let artifact = try artifact(of: "pick", "particles")
        // Lengths of a result are in Å of the voxel size by which it was computed, be another said since then.
        guard let voxelSize = try catalog.results.provenance(step: "pick", scopeID: id)?.voxelSize ?? voxelSize else {
            throw CatalogError(
                .invalid, "\(tomogram.name) has no voxel size, which points need; add it again with --voxel-size")
        }
        let circles = try Self.particles(artifact).compactMap { $0.section(z: z, voxelSize: voxelSize) }
        return try rendering(
            volume.readSlice(z: z), circles: circles, caption: caption("pick", ClassList(artifact)))
    }

    /// A particle of an artifact of the kind `picks`, in Å from the centre of the first voxel.
    struct Particle: Hashable {
        let center: SIMD3<Double>
        let radius: Double
        /// From 1.
        let classNumber: Int

        /// The circle in which the ball cuts a slice, in voxels; nil where it does not reach it.
        func section(z: Int, voxelSize: VoxelSize) -> SliceCircle? {
            let distance = center.z - Double(z) * voxelSize.zInAngstroms
            guard abs(distance) < radius, let label = UInt32(exactly: classNumber) else { return nil }
            let pixel = (voxelSize.xInAngstroms * voxelSize.yInAngstroms).squareRoot()
            return SliceCircle(
                x: center.x / voxelSize.xInAngstroms, y: center.y / voxelSize.yInAngstroms,
                radius: (radius * radius - distance * distance).squareRoot() / pixel, label: label)
        }
    }

    /// The particles of an artifact, which has no dataset where there are none.
    static func particles(_ artifact: Artifact) throws -> [Particle] {
        guard artifact.datasets.contains(where: { $0.name == "particles" }) else { return [] }
        let shape = try artifact.description(of: "particles").shape
        guard shape.count == 2, shape[1] == 6 else {
            throw CatalogError(
                .invalid, "the table of particles has the shape \(shape), and not six columns; `cellar run` renews it")
        }
        let values = try artifact.read("particles", as: Double.self)
        return stride(from: 0, to: values.count, by: 6).map { first -> Particle in
            let row = values[first..<first + 6]
            let center = SIMD3<Double>(row[first], row[first + 1], row[first + 2])
            return Particle(center: center, radius: row[first + 3], classNumber: Int(exactly: row[first + 5]) ?? 0)
        }
    }
}

extension ClassList {
    /// Each class in the colour that its label has.
    var legend: [LegendEntry] {
        names.enumerated().compactMap { index, name in
            LabelPalette.standard.color(of: UInt32(index + 1)).map { LegendEntry(name: name, color: $0) }
        }
    }
}
