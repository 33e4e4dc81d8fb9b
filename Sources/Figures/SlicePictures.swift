import Basics
public import BlobStore
public import Catalog
public import CatalogSchema
import Engine
import Foundation
import ImageProcessing
import Pipeline
public import Rendering
import Volumes

/// A step whose results ``SlicePictures`` draws.
public enum SliceStep: CaseIterable, Sendable {
    case eigenvectors, featureMap, mask, split, link, sheets, modelLabels, blobs, pseudoLabels, secondLabels, thirdLabels

    /// The name of the step, as in a recipe.
    public var name: String {
        switch self {
        case .eigenvectors: EigenvectorsStep.name
        case .featureMap: FeatureMapStep.name
        case .mask: MaskStep.name
        case .split: SplitStep.name
        case .link: LinkStep.name
        case .sheets: SheetsStep.name
        case .modelLabels: ModelLabelsStep.name
        case .blobs: BlobsStep.name
        case .pseudoLabels: PseudoLabelsStep.name
        case .secondLabels: Relabel2Step.name
        case .thirdLabels: Relabel3Step.name
        }
    }

    /// nil where the results of the step are drawn by another type, or not at all.
    public init?(named name: String) {
        guard let step = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = step
    }
}

/// Pictures of one slice of a slab: the results of steps on slices and slabs.
///
/// ```swift
/// let pictures = try SlicePictures(catalog, store, tomogram: tomogram, z: 250)
/// try PNGFile.write(pictures.picture(of: .mask), to: output)
/// ```
public struct SlicePictures {
    /// The slice, from 0.
    public var z: Int { slice.z }
    private let slice: SlabSlice
    private let surfaces: SurfaceLines

    /// - Parameters:
    ///   - store: of the catalog. It is opened where a picture is drawn.
    ///   - z: the slice, from 0; nil for the first slice of any slab.
    /// - Throws: ``CatalogError`` where no slab has that slice.
    public init(
        _ catalog: Catalog, _ store: @autoclosure @escaping @Sendable () throws -> BlobStore, tomogram: TomogramRecord, z: Int?
    ) throws {
        slice = try SlabSlice(catalog, StandingResults(catalog, store: try store()), tomogram: tomogram, z: z)
        surfaces = try SurfaceLines(slice.results, of: tomogram, z: slice.z)
    }

    // MARK: Pictures

    /// The result of a step: a sheet of all eigenvectors, with a row for each tile; the feature map; or the prepared slice with
    /// the mask, the parts of `split`, or the pseudo-labels over it, or what one of their sources says, or the labels of a later
    /// round. All but the eigenvectors have the lines in which the surfaces of the sample cross the slice.
    ///
    /// - Throws: ``CatalogError`` where the step has no result for the slice, or its bytes were evicted; ``PipelineError`` or
    ///   ``BlobError`` where it is damaged; ``RenderingError`` where the picture would be too large.
    /// - Complexity: reads this slice of at most two artifacts; all eigenvectors of the slice.
    public func picture(of step: SliceStep) throws -> RGBImage {
        switch step {
        case .eigenvectors: try eigenvectors()
        case .featureMap: try featureMap()
        case .mask: try mask()
        case .split: try split()
        case .link: try labels(LinkStep.self, \.labels)
        case .sheets: try labels(SheetsStep.self, \.labels)
        case .modelLabels: try labels(ModelLabelsStep.self, \.labels)
        case .blobs: try labels(BlobsStep.self, \.labels)
        case .pseudoLabels: try labels(PseudoLabelsStep.self, \.labels)
        case .secondLabels: try labels(Relabel2Step.self, \.labels)
        case .thirdLabels: try labels(Relabel3Step.self, \.labels)
        }
    }

    /// The prepared slice, the feature map and the mask side by side, and the parts of `split` where it has a result.
    ///
    /// - Throws: as ``picture(of:)``.
    public func overview() throws -> RGBImage {
        let parts = (try? split()).map { [$0] } ?? []
        return try PictureSheet(columns: 4)([picture(prepared(), caption: caption("prepared")), featureMap(), mask()] + parts)
    }

    private func prepared() throws -> Image<Float> {
        try slice.content(PrepareStep.self, \.slice).image().map { Float($0) }
    }

    /// The eigenvectors of each tile, the leading one first; a row of pictures for each tile.
    private func eigenvectors() throws -> RGBImage {
        let eigenvectors = try slice.content(EigenvectorsStep.self, \.eigenvectors)
        guard !eigenvectors.isSkipped else {
            throw CatalogError(
                .invalid,
                "nobody looked at slice \(z) of \(slice.tomogram.name), as features.every in the recipe says; --z chooses one that was "
                    + "looked at")
        }
        let values = try eigenvectors.values()
        let pictures = try values.enumerated().flatMap { tile, values in
            try eigenvectors.maps(tile: tile).enumerated().map { index, map in
                let value = String(format: "%.4f", values[index])
                return try picture(
                    map, lines: [], minimumSide: 192, caption: SliceCaption(name: "tile \(tile) #\(index) \(value)"))
            }
        }
        return try PictureSheet(columns: min(values.first?.count ?? 1, 10))(pictures)
    }

    private func featureMap() throws -> RGBImage {
        let map = try slice.content(FeatureMapStep.self, \.map)
        return try picture(map.image(), caption: caption(map.isSkipped ? "not looked at" : "feature map"))
    }

    /// The mask over the prepared slice.
    private func mask() throws -> RGBImage {
        let mask = try slice.content(MaskStep.self, \.mask).mask
        let labels = LabelImage(height: mask.height, width: mask.width, labels: mask.values.map { $0 ? 1 : 0 })
        return try picture(prepared(), labels: labels, caption: caption(MaskStep.name))
    }

    /// The parts of `split` over the prepared slice: membrane, "neither", and each instance in a colour of its own.
    private func split() throws -> RGBImage {
        let instances = try slice.content(SplitStep.self, \.instances)
        return try parts(
            classes: instances.parts().values, objects: instances.instances().values, caption: caption(SplitStep.name))
    }

    /// This slice of the slab's pseudo-labels, or of one of their sources, over the prepared slice: classes, and each object in a colour of
    /// its own.
    private func labels<S: TypedStep>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<PseudoLabels>>
    ) throws -> RGBImage {
        let (row, labels) = try slice.slabContent(step, output)
        return try parts(classes: labels.classes(slice: row), objects: labels.objects(slice: row), caption: caption(S.name))
    }

    // MARK: Drawing

    private func caption(_ what: String) -> SliceCaption {
        SliceCaption(name: "\(slice.tomogram.name), \(what)", z: z, voxelSize: slice.voxelSize, legend: surfaces.legend)
    }

    private func picture(
        _ image: Image<Float>, labels: LabelImage? = nil, lines: [SliceLine]? = nil, minimumSide: Int = 512,
        caption: SliceCaption
    ) throws -> RGBImage {
        guard let shape = VolumeShape(z: 1, y: image.height, x: image.width),
            let voxels = VoxelBuffer(shape: shape, values: image.values)
        else { throw CatalogError(mistake: .invalid, "the picture would be empty") }
        var rendering = SliceRendering()
        rendering.minimumSide = minimumSide
        return try rendering(voxels, labels: labels, lines: lines ?? surfaces.lines, caption: caption)
    }

    /// - Parameters:
    ///   - classes: the raw values of ``SliceInstances/Part``, `[y][x]`.
    ///   - objects: numbers from 1, `[y][x]`.
    private func parts(classes: [UInt8], objects: [Int32], caption: SliceCaption) throws -> RGBImage {
        let prepared = try prepared()
        // Colours 1 to 3 are those of classes, the other 18 of objects.
        let values = zip(classes, objects).map { part, object in
            part == SliceInstances.Part.macromolecule.rawValue ? UInt32(max(object, 1) - 1) % 18 + 4 : UInt32(part)
        }
        guard let labels = LabelImage(height: prepared.height, width: prepared.width, labels: values) else {
            throw CatalogError(
                .invalid, "labels and slice of \(slice.tomogram.name) differ in size; `cellar run` renews them")
        }
        return try picture(prepared, labels: labels, caption: caption)
    }
}

/// One slice of a slab, and the results that stand for it.
struct SlabSlice {
    let results: StandingResults
    let tomogram: TomogramRecord
    let tomogramID: Int64
    let z: Int
    /// The scope of the results of steps on slices.
    let id: Int64
    let voxelSize: VoxelSize?

    /// - Parameter z: the slice, from 0; nil for the first slice of any slab.
    /// - Throws: ``CatalogError`` where no slab has that slice.
    init(_ catalog: Catalog, _ results: StandingResults, tomogram: TomogramRecord, z: Int?) throws {
        guard let tomogramID = tomogram.id, let z = try z ?? catalog.collection.firstSlice(ofTomogram: tomogramID),
            let id = try catalog.collection.sliceID(ofTomogram: tomogramID, z: z)
        else {
            throw CatalogError(
                .invalid,
                "no slab of \(tomogram.name) has that slice; `cellar slab list` shows which there are, and --z names one")
        }
        (self.results, self.tomogram, self.tomogramID, self.z, self.id) = (results, tomogram, tomogramID, z, id)
        voxelSize = try catalog.collection.effectiveVoxelSize(ofTomogram: tomogramID)
    }

    /// The content of the artifact that stands as an output of a step on the slice.
    ///
    /// - Throws: ``CatalogError`` where none stands, or its bytes were evicted; ``BlobError`` where it cannot be opened.
    func content<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>
    ) throws -> Content {
        guard let content = try results.content(step, output, scopeID: id) else { throw missing(S.name) }
        return content
    }

    /// The same for a step on slabs: the content for the first slab with the slice, and the index of the slice in the slab, from 0.
    func slabContent<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>
    ) throws -> (slice: Int, content: Content) {
        guard let found = try results.slabContent(step, output, ofTomogram: tomogramID, z: z) else { throw missing(S.name) }
        return found
    }

    private func missing(_ step: String) -> CatalogError {
        CatalogError(
            .invalid, "\(step) has no result for slice \(z) of \(tomogram.name) at hand; `cellar run --until \(step)` computes it"
        )
    }
}
