import Basics
public import BlobStore
public import Catalog
import CatalogSchema
public import Engine
import Pipeline
public import Rendering
import Volumes

/// A picture as data: of which tomogram or artifact, of which of its results, and of which slice.
///
/// ```swift
/// let request = PictureRequest("TS_0008", .step(MaskStep.name), z: 250)
/// let picture = try request.picture(from: catalog, graph: graph, store: store)
/// ```
public struct PictureRequest: Hashable, Sendable {
    /// What is drawn.
    public enum Content: Hashable, Sendable {
        /// The voxels of a tomogram, or the first dataset of an artifact that is an image or a volume.
        case plain
        /// The voxels of a tomogram, and its label annotation over them.
        case labels
        /// The prepared slice, its feature map, its mask, and the parts of `split`, side by side.
        case overview
        /// The result of a step, by the name of the step.
        case step(String)
    }

    /// A tomogram (its name, `dataset/name`, or `id:2`); for ``Content/plain`` also an artifact (at least six of the first digits
    /// of its digest, or `digest:` and these digits).
    public var target: String
    public var content: Content
    /// The slice, from 0. nil for the middle slice of a volume, and for the first slice of any slab where a step works on slices.
    public var z: Int?

    public init(_ target: String, _ content: Content = .plain, z: Int? = nil) {
        self.target = target
        self.content = content
        self.z = z
    }

    /// Draws the picture.
    ///
    /// - Parameters:
    ///   - graph: the steps, for the scope and the outputs of ``Content/step(_:)``.
    ///   - store: of the catalog. It is opened only where an artifact is read.
    /// - Throws: ``CatalogError`` where the target is unknown or ambiguous, or there is no result; ``EngineError`` where there is
    ///   no such step; ``VolumeError``, ``BlobError`` or ``PipelineError`` where a file cannot be read; ``RenderingError`` where
    ///   the picture would be too large.
    /// - Complexity: reads one slice of each file that is drawn.
    public func picture(
        from catalog: Catalog, graph: StepGraph, store: @autoclosure @escaping @Sendable () throws -> BlobStore
    ) throws -> RGBImage {
        switch try subject(in: catalog) {
        case .artifact(let digest):
            try store().open(digest).picture(z: z, caption: SliceCaption(name: "artifact \(digest.abbreviated)"))
        case .tomogram(let tomogram): try picture(of: tomogram, catalog, graph: graph, store: store)
        }
    }

    private func picture(
        of tomogram: TomogramRecord, _ catalog: Catalog, graph: StepGraph, store: @escaping @Sendable () throws -> BlobStore
    ) throws -> RGBImage {
        guard let id = tomogram.id else {
            throw CatalogError(.notFound, "there is no tomogram \(target); `cellar list tomograms` shows what there is")
        }
        switch content {
        case .plain: return try TomogramPictures(catalog, store(), tomogram: tomogram, z: z).plain()
        case .labels:
            guard let labels = try catalog.collection.labelLocation(ofTomogram: id) else {
                throw CatalogError(
                    .invalid, "\(target) has no label annotation; `cellar annotate \(target) --labels FILE` adds one")
            }
            return try TomogramPictures(catalog, store(), tomogram: tomogram, z: z).plain(labels: labels)
        case .overview: return try SlicePictures(catalog, store(), tomogram: tomogram, z: z).overview()
        case .step(let name):
            if let step = SliceStep(named: name) {
                return try SlicePictures(catalog, store(), tomogram: tomogram, z: z).picture(of: step)
            }
            if let step = TomogramStep(named: name) {
                return try TomogramPictures(catalog, store(), tomogram: tomogram, z: z).picture(of: step)
            }
            let voxelSize = try catalog.collection.effectiveVoxelSize(ofTomogram: id)
            let position = try z ?? catalog.collection.firstSlice(ofTomogram: id)
            let digest = try artifact(ofStep: name, tomogramID: id, z: position, catalog, graph)
            return try store().open(digest).picture(
                preferring: PreparedSlice.sliceDataset, z: z,
                caption: SliceCaption(name: "\(tomogram.name), \(name)", z: position, voxelSize: voxelSize))
        }
    }

    /// The first artifact that stands as an output of a step: for one slice, or for the whole tomogram, by the scope of the step.
    private func artifact(
        ofStep name: String, tomogramID: Int64, z: Int?, _ catalog: Catalog, _ graph: StepGraph
    ) throws -> Digest {
        let step = graph.steps[try graph.index(of: name)]
        guard
            let output = step.outputs.first(where: { output in
                if case .artifact = output.kind { true } else { false }
            })
        else { throw EngineError(.unknownStep, "the step \(name) gives numbers only; `cellar list tomograms` shows them") }
        let scopeID: Int64? =
            switch step.scope {
            case .tomogram: tomogramID
            case .slice: try z.flatMap { try catalog.collection.sliceID(ofTomogram: tomogramID, z: $0) }
            case .slab, .annotation, .trainingSet: nil
            }
        guard let scopeID,
            let digest = try catalog.results.standingArtifact(step: name, scopeID: scopeID, output: output.name)
        else {
            let slice = z.map { " for slice \($0)" } ?? ""
            throw CatalogError(
                .invalid,
                "\(name) of \(target) has no result\(slice) at hand; `cellar slab add` picks slices, `cellar run --until \(name)` computes it"
            )
        }
        return digest
    }

    // MARK: The target

    private enum Subject {
        case tomogram(TomogramRecord)
        case artifact(Digest)
    }

    /// The tomogram or the artifact that ``target`` names.
    ///
    /// - Throws: ``CatalogError`` where it could be both, or is neither.
    private func subject(in catalog: Catalog) throws -> Subject {
        // An artifact has no steps and no annotations.
        let digest = content == .plain ? try digest(in: catalog) : nil
        do {
            let tomogram = try catalog.collection.tomogram(named: target)
            guard let digest else { return .tomogram(tomogram) }
            throw CatalogError(
                .ambiguous,
                "\(target) can mean the tomogram \(tomogram.name) (\(CatalogReference.idPrefix)\(tomogram.id ?? 0)) or the artifact "
                    + "\(digest.abbreviated) (\(CatalogReference.digestPrefix)\(digest.abbreviated)); write what is in brackets")
        } catch let error as CatalogError where error.code == .notFound {
            if let digest { return .artifact(digest) }
            guard let set = try? catalog.collection.trainingSet(named: target) else { throw error }
            throw CatalogError(.notFound, "\(set.name) is a training set and no tomogram; --curves draws how its training went")
        }
    }

    /// The artifact whose digest begins with the digits of ``target``; nil where the target cannot be a digest, or there is none.
    private func digest(in catalog: Catalog) throws -> Digest? {
        let isNamed = target.hasPrefix(CatalogReference.digestPrefix)
        let prefix = (isNamed ? target.dropFirst(CatalogReference.digestPrefix.count) : target[...]).lowercased()
        guard prefix.count >= 6, prefix.allSatisfy(\.isHexDigit) else {
            guard isNamed else { return nil }
            throw CatalogError(.invalid, "\(target) is no digest: write at least six of its digits, 0 to 9 and a to f")
        }
        let matches = try catalog.results.artifacts().filter {
            $0.state == .present && $0.digest.hexadecimal.hasPrefix(prefix)
        }
        guard matches.count <= 1 else {
            throw CatalogError(.ambiguous, "\(matches.count) artifacts begin with \(target); give more digits")
        }
        return matches.first?.digest
    }
}

extension Artifact {
    /// Draws an image, or one slice of a volume: a dataset `[y][x]` or `[z][y][x]`.
    ///
    /// - Parameters:
    ///   - name: the dataset; where there is none of that name and form, the first image or volume.
    ///   - z: the slice of a volume, from 0; nil for the middle slice.
    /// - Throws: ``CatalogError`` where no dataset is an image or a volume, or there is no such slice.
    /// - Complexity: reads one slice.
    func picture(preferring name: String? = nil, z: Int?, caption: SliceCaption) throws -> RGBImage {
        let pictures = datasets.filter { $0.shape.count == 2 || $0.shape.count == 3 }
        guard let dataset = pictures.first(where: { $0.name == name }) ?? pictures.first else {
            throw CatalogError(
                .invalid,
                "the artifact \(digest.abbreviated) of kind \(kind) holds no picture; `cellar list artifacts` shows others")
        }
        let depth = dataset.shape.count == 3 ? dataset.shape[0] : 1
        let position = dataset.shape.count == 3 ? z ?? depth / 2 : 0
        guard (0..<depth).contains(position),
            let shape = VolumeShape(z: 1, y: dataset.shape[dataset.shape.count - 2], x: dataset.shape[dataset.shape.count - 1])
        else { throw CatalogError(.invalid, "the artifact has no slice \(position); give --z from 0 to \(depth - 1)") }
        let rows = dataset.shape.count == 3 ? position..<position + 1 : 0..<dataset.shape[0]
        let slice = try VoxelBuffer(shape: shape, scalarType: dataset.scalarType) {
            try readRows(dataset.name, rows, into: $0)
        }
        return try SliceRendering()(slice, caption: caption)
    }
}
