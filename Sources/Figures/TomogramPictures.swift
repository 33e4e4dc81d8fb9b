import Basics
public import BlobStore
public import Catalog
public import CatalogSchema
import Engine
import ImageProcessing
import Metrics
import Pipeline
public import Rendering
public import Volumes

/// A step whose results ``TomogramPictures`` draws.
public enum TomogramStep: CaseIterable, Sendable {
    case segment, pick

    /// The name of the step, as in a recipe.
    public var name: String {
        switch self {
        case .segment: SegmentStep.name
        case .pick: PickStep.name
        }
    }

    /// nil where the results of the step are drawn by another type, or not at all.
    public init?(named name: String) {
        guard let step = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = step
    }
}

/// Pictures of any slice of a tomogram: the voxels, and over them the results of steps on whole tomograms, and the lines in which the
/// surfaces of the sample cross it.
///
/// ```swift
/// let pictures = try TomogramPictures(catalog, store, tomogram: tomogram, z: nil, maximumSide: 360)
/// try PNGFile.write(pictures.picture(of: .segment), to: output)
/// ```
public struct TomogramPictures {
    /// The slice, from 0.
    public let z: Int
    private let catalog: Catalog
    private let results: StandingResults
    private let tomogram: TomogramRecord
    private let id: Int64
    private let volume: any Volume
    private let voxelSize: VoxelSize?
    private let surfaces: SurfaceLines
    private var rendering = SliceRendering()

    /// Opens the file of the tomogram.
    ///
    /// - Parameters:
    ///   - store: of the catalog. It is opened only where a result is drawn.
    ///   - z: the slice, from 0; nil for the middle slice.
    ///   - maximumSide: the longest side of a picture in pixels, without its caption; nil for no limit.
    /// - Throws: ``VolumeError`` where the file cannot be opened.
    public init(
        _ catalog: Catalog, _ store: @autoclosure @escaping @Sendable () throws -> BlobStore, tomogram: TomogramRecord, z: Int?,
        maximumSide: Int? = nil
    ) throws {
        guard let id = tomogram.id else {
            throw CatalogError(.notFound, "there is no tomogram \(tomogram.name); `cellar list tomograms` shows what there is")
        }
        (self.catalog, self.tomogram, self.id) = (catalog, tomogram, id)
        results = StandingResults(catalog, store: try store())
        rendering.maximumSide = maximumSide
        rendering.minimumSide = min(rendering.minimumSide, maximumSide ?? rendering.minimumSide)
        volume = try tomogram.location.open()
        self.z = z ?? volume.shape.z / 2
        surfaces = try SurfaceLines(results, of: tomogram, z: self.z)
        voxelSize = try catalog.collection.effectiveVoxelSize(ofTomogram: id)
    }

    /// The slice, with labels in colour over it where they are given.
    ///
    /// - Parameter labels: the location of a volume of labels of the tomogram's size.
    /// - Throws: ``VolumeError`` where a file has no such slice, or cannot be read; ``RenderingError`` where the labels have
    ///   another size.
    /// - Complexity: reads one slice of the tomogram, and one of the labels.
    public func plain(labels: VolumeLocation? = nil) throws -> RGBImage {
        let overlay = try labels.flatMap { LabelImage(try $0.open().readSlice(z: z)) }
        return try rendering(
            volume.readSlice(z: z), labels: overlay, lines: surfaces.lines,
            caption: SliceCaption(name: tomogram.name, z: z, voxelSize: voxelSize, legend: surfaces.legend))
    }

    /// The slice with the classes of `segment` in colour, or with the circles in which the balls of `pick` cut it.
    ///
    /// - Throws: ``CatalogError`` where the tomogram has no such slice, or the step no result, where the bytes of the result were
    ///   evicted, or where its size is not that of the tomogram; ``PipelineError`` or ``BlobError`` where it is damaged.
    /// - Complexity: reads one slice of the tomogram and one of the segmentation, or the table of particles.
    public func picture(of step: TomogramStep) throws -> RGBImage {
        guard (0..<volume.shape.z).contains(z) else {
            throw CatalogError(
                .invalid, "\(tomogram.name) has the slices 0 to \(volume.shape.z - 1), and no slice \(z); --z names one")
        }
        return switch step {
        case .segment: try segmentation()
        case .pick: try picks()
        }
    }

    /// Whether a step has a result that can be drawn.
    public func hasResult(of step: TomogramStep) throws -> Bool {
        switch step {
        case .segment: try results.digest(SegmentStep.self, \.labels, scopeID: id) != nil
        case .pick: try results.digest(PickStep.self, \.particles, scopeID: id) != nil
        }
    }

    private func content<S: TypedStep, Content>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>
    ) throws -> Content {
        guard let content = try results.content(step, output, scopeID: id) else {
            throw CatalogError(
                .invalid,
                "\(S.name) has no result for \(tomogram.name) at hand; `cellar training add` says what to learn from, `cellar run "
                    + "--until \(S.name)` computes it")
        }
        return content
    }

    private func caption(_ step: TomogramStep, classes: [String]) -> SliceCaption {
        SliceCaption(
            name: "\(tomogram.name), \(step.name)", z: z, voxelSize: voxelSize,
            legend: LegendEntry.entries(ofClasses: classes) + surfaces.legend)
    }

    /// The labels of the voxels of the slice, in colour.
    private func segmentation() throws -> RGBImage {
        let segmentation = try content(SegmentStep.self, \.labels)
        guard segmentation.shape == volume.shape,
            let labels = LabelImage(
                height: volume.shape.y, width: volume.shape.x, labels: try segmentation.labels(z).values.map { UInt32($0) })
        else {
            throw CatalogError(
                .invalid, "the segmentation of \(tomogram.name) has another size than the tomogram; `cellar run` renews it")
        }
        return try rendering(
            volume.readSlice(z: z), labels: labels, lines: surfaces.lines,
            caption: caption(.segment, classes: segmentation.classes.names))
    }

    /// The circles in which the balls of particles cut the slice.
    private func picks() throws -> RGBImage {
        let picks = try content(PickStep.self, \.particles)
        // Lengths of a result are in Å of the voxel size by which it was computed, be another said since then.
        guard let voxelSize = try catalog.results.provenance(step: PickStep.name, scopeID: id)?.voxelSize ?? voxelSize else {
            throw CatalogError(
                .invalid, "\(tomogram.name) has no voxel size, which points need; add it again with --voxel-size")
        }
        let circles = picks.particles.compactMap { particle in
            picks.classes.firstIndex(of: particle.className).flatMap { index in
                SliceCircle(
                    ballAt: particle.pick.center, radius: particle.radiusInAngstroms, inSlice: z, voxelSize: voxelSize,
                    label: UInt32(index + 1))
            }
        }
        return try rendering(
            volume.readSlice(z: z), lines: surfaces.lines, circles: circles, caption: caption(.pick, classes: picks.classes))
    }
}

extension LegendEntry {
    /// The classes in the order of their labels from 1, each with the colour of its label.
    static func entries(ofClasses names: [String]) -> [LegendEntry] {
        names.enumerated().compactMap { index, name in
            LabelPalette.standard.color(of: UInt32(index + 1)).map { LegendEntry(name: name, color: $0) }
        }
    }
}
