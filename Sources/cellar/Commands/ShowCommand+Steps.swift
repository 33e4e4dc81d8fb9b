import Basics
import BlobStore
import CellarKit
import Foundation
import ImageProcessing
import Rendering

/// Pictures of what the steps of the method gave for one slice.
struct SliceResults {
    let workspace: Workspace
    let tomogram: TomogramRecord
    let z: Int
    private let sliceID: Int64
    private let voxelSize: VoxelSize?

    init(_ workspace: Workspace, tomogram: TomogramRecord, z: Int?) throws {
        guard let id = tomogram.id, let z = try z ?? workspace.catalog.collection.firstSlice(ofTomogram: id),
            let sliceID = try workspace.catalog.collection.sliceID(ofTomogram: id, z: z)
        else {
            throw CatalogError(
                .invalid,
                "no slab of \(tomogram.name) has that slice; `cellar slab list` shows which there are, and --z names one")
        }
        self.workspace = workspace
        self.tomogram = tomogram
        self.z = z
        self.sliceID = sliceID
        voxelSize = try workspace.catalog.collection.effectiveVoxelSize(ofTomogram: id)
    }

    func artifact(of step: String, _ output: String) throws -> Artifact {
        guard let digest = try workspace.catalog.results.standingArtifact(step: step, scopeID: sliceID, output: output) else {
            throw CatalogError(
                .invalid,
                "\(step) has no result for slice \(z) of \(tomogram.name) at hand; `cellar run --until \(step)` computes it")
        }
        return try workspace.store().open(digest)
    }

    private func caption(_ what: String) -> SliceCaption {
        SliceCaption(name: "\(tomogram.name), \(what)", z: z, voxelSize: voxelSize)
    }

    private func picture(
        _ image: Image<Float>, contrast: SliceContrast = .standard, labels: LabelImage? = nil, minimumSide: Int = 512,
        caption: SliceCaption
    ) throws -> RGBImage {
        guard let shape = VolumeShape(z: 1, y: image.height, x: image.width),
            let slice = VoxelBuffer(shape: shape, values: image.values)
        else { throw CatalogError(.invalid, "the picture would be empty") }
        var rendering = SliceRendering()
        rendering.contrast = contrast
        rendering.minimumSide = minimumSide
        return try rendering(slice, labels: labels, caption: caption)
    }

    // MARK: Pictures

    func prepared() throws -> Image<Float> {
        let artifact = try artifact(of: "prepare", "slice")
        let shape = try artifact.description(of: "slice").shape
        guard shape.count == 2, let image = Image(height: shape[0], width: shape[1], values: try artifact.readFloats("slice"))
        else { throw CatalogError(.invalid, "the prepared slice has the shape \(shape)") }
        return image
    }

    /// Each tile's eigenvectors, the most important first; a row of pictures for each tile.
    func eigenvectors() throws -> RGBImage {
        let artifact = try artifact(of: "eigenvectors", "eigenvectors")
        let shape = try artifact.description(of: "vectors").shape
        let values = try artifact.read("values", as: Double.self)
        guard shape.count == 4, values.count == shape[0] * shape[1] else {
            throw CatalogError(.invalid, "the eigenvectors have the shape \(shape)")
        }
        let pictures = try (0..<shape[0]).flatMap { tile in
            try SliceEigenvectors(artifact).maps(tile: tile).enumerated().map { index, map in
                let value = String(format: "%.4f", values[tile * shape[1] + index])
                return try picture(map, minimumSide: 192, caption: SliceCaption(name: "tile \(tile) #\(index) \(value)"))
            }
        }
        return try PictureSheet(columns: min(shape[1], 10))(pictures)
    }

    func featureMap() throws -> RGBImage {
        try picture(FeatureMap(artifact(of: "feature-map", "map")).image(), caption: caption("feature map"))
    }

    /// The mask over the prepared slice.
    func mask() throws -> RGBImage {
        let artifact = try artifact(of: "mask", "mask")
        let shape = try artifact.description(of: "mask").shape
        let values: [UInt8] = try artifact.read("mask")
        guard shape.count == 2, let labels = LabelImage(height: shape[0], width: shape[1], labels: values.map { UInt32($0) })
        else {
            throw CatalogError(.invalid, "the mask has the shape \(shape)")
        }
        return try picture(prepared(), labels: labels, caption: caption("mask"))
    }

    /// What `split` told apart, over the prepared slice: membrane, what is neither, and each instance in a colour of its own.
    func split() throws -> RGBImage {
        let artifact = try artifact(of: "split", "instances")
        return try parts(
            classes: SliceInstances(artifact).parts().values, objects: SliceInstances(artifact).instances().values,
            caption: caption("split"))
    }

    /// The slice of the slab's pseudo-labels: classes, and each object in a colour of its own.
    func pseudoLabels() throws -> RGBImage {
        guard let id = tomogram.id,
            let slab = try workspace.catalog.results.slabArtifacts(ofTomogram: id, step: "pseudo-labels", output: "labels")
                .first(where: { $0.z.contains(z) })
        else {
            throw CatalogError(
                .invalid,
                "pseudo-labels has no result for slice \(z) of \(tomogram.name) at hand; `cellar run --until pseudo-labels` computes it"
            )
        }
        let artifact = try workspace.store().open(slab.digest)
        let row = z - slab.z.lowerBound..<z - slab.z.lowerBound + 1
        return try parts(
            classes: artifact.readRows("classes", row), objects: artifact.readRows("objects", row),
            caption: caption("pseudo-labels"))
    }

    private func parts(classes: [UInt8], objects: [Int32], caption: SliceCaption) throws -> RGBImage {
        let slice = try prepared()
        // Colours 1 to 3 are those of classes, the other 18 of objects.
        let values = zip(classes, objects).map { part, object in
            part == SliceInstances.Part.macromolecule.rawValue ? UInt32(max(object, 1) - 1) % 18 + 4 : UInt32(part)
        }
        guard let labels = LabelImage(height: slice.height, width: slice.width, labels: values) else {
            throw CatalogError(.invalid, "labels and slice of \(tomogram.name) differ in size; `cellar run` renews them")
        }
        return try picture(slice, labels: labels, caption: caption)
    }

    /// Slice, feature map and mask side by side, and what was told apart in it where that is known.
    func overview() throws -> RGBImage {
        let parts = (try? split()).map { [$0] } ?? []
        return try PictureSheet(columns: 4)([picture(prepared(), caption: caption("prepared")), featureMap(), mask()] + parts)
    }

    // MARK: Explanations

    /// What was decided about each eigenvector of each tile, and about the slice along z.
    func explanation() throws -> [String] {
        guard let log = try workspace.catalog.results.standingValue(step: "feature-map", scopeID: sliceID, output: "log") else {
            throw CatalogError(
                .invalid,
                "feature-map has no result for slice \(z) of \(tomogram.name); `cellar run --until feature-map` computes it")
        }
        let tiles = try JSONDecoder().decode([MergeLog?].self, from: Data(log.text.utf8))
        var lines: [String] = []
        for (index, log) in tiles.enumerated() {
            guard let log else {
                lines.append("tile \(index): its tokens are all alike, so that nothing stands out")
                continue
            }
            lines.append(
                "tile \(index): the base is eigenvector \(log.base), diversity \(text(log.baseDiversity)), \(log.baseContours) contours; "
                    + "the map has \(text(log.finalDiversity)) and \(log.finalContours)")
            lines += log.decisions.map { "  \($0.explanation)" }
        }
        return try lines + consistencyLines() + verdictLines()
    }

    /// What became of the slice beside its neighbours, in each slab that has it.
    private func consistencyLines() throws -> [String] {
        guard let id = tomogram.id else { return [] }
        return try workspace.catalog.collection.slabs(ofTomogram: id).filter { $0.zFirst <= z && z < $0.zEnd }.compactMap {
            slab in
            guard let slabID = slab.id,
                let value = try workspace.catalog.results.standingValue(step: "consistency", scopeID: slabID, output: "decisions")
            else { return nil }
            let decisions = try JSONDecoder().decode([SliceDecision].self, from: Data(value.text.utf8))
            return decisions.first { $0.index == z - slab.zFirst }.map { "slab \(slabID): \($0.explanation)" }
        }
    }

    /// What the gate said of the instances that `split` found.
    private func verdictLines() throws -> [String] {
        guard let value = try workspace.catalog.results.standingValue(step: "split", scopeID: sliceID, output: "verdicts") else {
            return []
        }
        let counts = try JSONDecoder().decode([String: Int].self, from: Data(value.text.utf8))
        let words = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        return ["split: " + (words.isEmpty ? "nothing round or long enough" : words.joined(separator: ", "))]
    }

    private func text(_ value: Double) -> String { String(format: "%.4f", value) }
}
