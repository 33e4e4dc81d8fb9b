import Basics
import Catalog
import CatalogSchema
import CellarKit
import Engine
import ImageProcessing
import Pipeline
import Volumes

/// Finds the layers of a tomogram: results that stand and can be drawn, and annotations.
///
/// Finding them costs queries, and opens those small parts of artifacts that say how many classes there are. A layer whose result
/// is of another size than the tomogram's file is left out.
struct LayerFinder {
    let project: Project
    let tomogram: OpenTomogram
    let results: StandingResults

    /// The families of layers, by the first part of their ids: what follows it after a point is a number.
    enum Family: String, CaseIterable {
        case preparedSlice = "prepared-slice"
        case featureMap = "feature-map-of-slice"
        case consistentMap = "feature-map-of-slab"
        case eigenvector
        case foreground, parts
        case linkedLabels = "linked-labels"
        case sheetLabels = "sheet-labels"
        case modelLabels = "network-labels"
        case blobLabels = "blob-labels"
        case agreedLabels = "agreed-labels"
        case segmentation
        case probability, uncertainty
        case particles
        case agreedParticles = "agreed-particles"
        case annotation
    }

    /// The most eigenvectors of a slice that are layers.
    private static let eigenvectors = 8

    init(_ project: Project, _ tomogram: OpenTomogram) throws {
        (self.project, self.tomogram) = (project, tomogram)
        results = try project.results()
    }

    private var shape: VolumeShape { tomogram.volume.shape }
    private var all: [Range<Int>] { [0..<shape.z] }

    /// All layers of some families, what is drawn first before what is drawn over it. Where an artifact cannot be opened, its
    /// layers are left out.
    func layers(of families: [Family] = Family.allCases) throws -> [FoundLayer] {
        try families.flatMap { family -> [FoundLayer] in
            do {
                return try layers(of: family, wanted: nil)
            } catch is BlobError {
                return []
            } catch is PipelineError {
                return []
            }
        }
    }

    /// - Throws: ``CatalogError`` where there is no such layer; ``BlobError`` or ``PipelineError`` where its artifact cannot be
    ///   opened.
    func layer(_ id: String, among families: [Family] = Family.allCases) throws -> FoundLayer {
        let word = id.prefix { $0 != "." }
        guard let family = Family(rawValue: String(word)), families.contains(family),
            let layer = try layers(of: family, wanted: id).first(where: { $0.layer.id == id })
        else {
            throw CatalogError(
                .notFound, "\(tomogram.record.name) has no layer \(id); the list of its layers says which there are")
        }
        return layer
    }

    /// - Parameter wanted: the only layer that is looked for; nil for all of the family.
    private func layers(of family: Family, wanted: String?) throws -> [FoundLayer] {
        switch family {
        case .preparedSlice:
            try slices(PrepareStep.self, \.slice, family, "prepared slice", alpha: 1, isMap: true) { try $0.image() }
        case .featureMap:
            try slices(FeatureMapStep.self, \.map, family, "feature map", isMap: true, range: Self.range(of:)) { try $0.image() }
        case .consistentMap: try consistentMaps(family)
        case .eigenvector: try eigenvectors(family)
        case .foreground:
            try slices(MaskStep.self, \.mask, family, MaskStep.name, values: ["structure"]) { $0.mask.map { $0 ? UInt8(1) : 0 } }
        case .parts: try slices(SplitStep.self, \.instances, family, "parts of the mask", values: Self.parts) { try $0.parts() }
        case .linkedLabels: try slabs(LinkStep.self, \.labels, family, "linked sections")
        case .sheetLabels: try slabs(SheetsStep.self, \.labels, family, SheetsStep.name)
        case .modelLabels: try slabs(ModelLabelsStep.self, \.labels, family, "labels of a network")
        case .blobLabels: try slabs(BlobsStep.self, \.labels, family, BlobsStep.name)
        case .agreedLabels: try slabs(PseudoLabelsStep.self, \.labels, family, PseudoLabelsStep.name)
        case .segmentation: try segmentation(family)
        case .probability: try probabilities(family)
        case .uncertainty: try uncertainties(family)
        case .particles, .agreedParticles: try LayerPoints(project, tomogram).particles(family)
        case .annotation: try LayerPoints(project, tomogram).annotations(family, wanted: wanted)
        }
    }

    /// Maps are 0 to 1, unless they are densities whose slab is scaled together.
    @Sendable private static func range(of map: FeatureMap) -> ClosedRange<Float>? { map.isSkipped ? nil : map.scale() ?? 0...1 }

    /// The classes of `split` and of pseudo-labels.
    private static let parts = PseudoLabels.classes + ["neither"]

    static func values(_ names: [String]) -> [ViewerLayer.Value] {
        names.enumerated().map { ViewerLayer.Value(value: $0.offset + 1, name: $0.element) }
    }

    // MARK: Slices

    /// The layer of a step on slices: a map, or labels with names from 1.
    ///
    /// - Parameter range: the numbers of a map that become 0 and 255, by the first slice that says so; nil where it says nothing.
    private func slices<S: TypedStep, Content: ArtifactContent, Pixel: VoxelScalar>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<Content>>, _ family: Family, _ label: String,
        alpha: Double = 0.5, values: [String] = [], isMap: Bool = false,
        range: @escaping @Sendable (Content) -> ClosedRange<Float>? = { _ in SliceBytes.labelRange },
        image: @escaping @Sendable (Content) throws -> Image<Pixel>
    ) throws -> [FoundLayer] {
        let found = try artifacts(results.sliceArtifacts(step, output, ofTomogram: tomogram.id))
        guard !found.isEmpty else { return [] }
        let (results, shape, name) = (results, shape, "\(label) of \(tomogram.record.name)")
        let digests = Dictionary(found.map { ($0.z, $0.digest) }, uniquingKeysWith: { first, _ in first })
        let pixels = LayerVolume.Pixels.scaled {
            for slice in found {
                if let ends = range(try results.content(Content.self, slice.digest)) { return ends }
            }
            return 0...1
        }
        let volume = LayerVolume(
            family.rawValue, found.map(\.digest) + [Digest(of: "\(found.map(\.z))".utf8)], isMap ? pixels : .labels
        ) {
            SliceStack(digests.keys, of: Pixel.self, shape: shape, name: name) { z in
                guard let digest = digests[z] else { throw CatalogError(mistake: .notFound, "\(name) has no slice \(z)") }
                return try image(results.content(Content.self, digest))
            }
        }
        let layer = ViewerLayer(
            id: family.rawValue, label: label, kind: isMap ? .map : .labels, step: S.name, values: Self.values(values),
            slices: found.map { $0.z..<$0.z + 1 }.mergedPairs, alpha: alpha)
        return [FoundLayer(layer: layer, content: .volume(volume))]
    }

    /// Those within the tomogram: its file may have been replaced by a thinner one.
    private func artifacts(_ found: [Catalog.SliceArtifact]) -> [Catalog.SliceArtifact] {
        found.filter { (0..<shape.z).contains($0.z) }
    }

    /// The leading eigenvectors, a map each. They need the places of tiles, which the prepared slice has.
    private func eigenvectors(_ family: Family) throws -> [FoundLayer] {
        let prepared = try artifacts(results.sliceArtifacts(PrepareStep.self, \.slice, ofTomogram: tomogram.id))
        let places = Dictionary(prepared.map { ($0.z, $0.digest) }, uniquingKeysWith: { first, _ in first })
        let found = try artifacts(results.sliceArtifacts(EigenvectorsStep.self, \.eigenvectors, ofTomogram: tomogram.id)).filter {
            places[$0.z] != nil
        }
        // What nobody looked at has one empty eigenvector, so that it says nothing of the number.
        let typical = try found.first { try !self.results.content(SliceEigenvectors.self, $0.digest).isSkipped }
        guard let typical = typical ?? found.first else { return [] }
        let count = try results.content(SliceEigenvectors.self, typical.digest).values().map(\.count).max() ?? 0
        let (results, shape, name) = (results, shape, "eigenvectors of \(tomogram.record.name)")
        let digests = Dictionary(found.map { ($0.z, $0.digest) }, uniquingKeysWith: { first, _ in first })
        return (0..<min(count, Self.eigenvectors)).map { index in
            let id = "\(family.rawValue).\(index + 1)"
            let volume = LayerVolume(
                id, found.flatMap { [$0.digest, places[$0.z] ?? .zero] } + [Digest(of: "\(found.map(\.z))".utf8)],
                .numbers(0...1)
            ) {
                SliceStack(digests.keys, of: Float.self, shape: shape, name: name) { z in
                    guard let digest = digests[z], let place = places[z] else {
                        throw CatalogError(mistake: .notFound, "\(name) has no slice \(z)")
                    }
                    let (height, width, regions) = try results.content(PreparedSlice.self, place).geometry()
                    let vectors = try results.content(SliceEigenvectors.self, digest)
                    let maps = try regions.indices.map { tile -> Image<Float>? in
                        let maps = try vectors.maps(tile: tile)
                        return index < maps.count ? maps[index] : nil
                    }
                    guard let picture = EigenvectorMap.picture(height: height, width: width, regions: regions, maps: maps) else {
                        throw CatalogError(
                            .invalid, "\(name) has an empty slice \(z); `cellar verify --deep --repair` removes what is damaged")
                    }
                    return picture
                }
            }
            let layer = ViewerLayer(
                id: id, label: "eigenvector \(index + 1)", kind: .map, step: EigenvectorsStep.name,
                slices: found.map { $0.z..<$0.z + 1 }.mergedPairs, alpha: 0.7)
            return FoundLayer(layer: layer, content: .volume(volume))
        }
    }

    // MARK: Slabs

    private func slabs(of found: [Catalog.SlabArtifact]) -> [Catalog.SlabArtifact] {
        found.filter { $0.z.lowerBound >= 0 && $0.z.upperBound <= shape.z && !$0.z.isEmpty }
    }

    /// The labels of a step on slabs.
    private func slabs<S: TypedStep>(
        _ step: S.Type, _ output: KeyPath<S.Outputs, ArtifactOutput<PseudoLabels>>, _ family: Family, _ label: String
    ) throws -> [FoundLayer] {
        let found = try slabs(of: results.slabArtifacts(step, output, ofTomogram: tomogram.id))
        return assembled(found, family, label, step: S.name, values: Self.parts, isMap: false) {
            try PseudoLabels($0).classVolume()
        }
    }

    private func consistentMaps(_ family: Family) throws -> [FoundLayer] {
        let found = try slabs(of: results.slabArtifacts(ConsistencyStep.self, \.maps, ofTomogram: tomogram.id))
        return assembled(found, family, "feature map of slabs", step: ConsistencyStep.name, values: [], isMap: true) {
            try ConsistentMaps($0).volume()
        }
    }

    private func assembled(
        _ found: [Catalog.SlabArtifact], _ family: Family, _ label: String, step: String, values: [String], isMap: Bool,
        volume: @escaping @Sendable (Artifact) throws -> StoredVolume
    ) -> [FoundLayer] {
        guard !found.isEmpty else { return [] }
        let (project, shape, name) = (project, shape, "\(label) of \(tomogram.record.name)")
        let content = LayerVolume(
            family.rawValue, found.map(\.digest) + [Digest(of: "\(found.map(\.z))".utf8)], isMap ? .numbers(0...1) : .labels
        ) {
            let store = try project.store()
            let parts = try found.map { slab in (z: slab.z, volume: try volume(store.open(slab.digest))) }
            guard parts.allSatisfy({ $0.volume.lengths == [$0.z.count, shape.y, shape.x] }) else {
                throw CatalogError(.invalid, "the \(name) are of another size than the tomogram; `cellar run` renews them")
            }
            return AssembledVolume(parts, shape: shape, name: name)
        }
        let layer = ViewerLayer(
            id: family.rawValue, label: label, kind: isMap ? .map : .labels, step: step, values: Self.values(values),
            slices: found.map(\.z).mergedPairs, alpha: 0.5)
        return [FoundLayer(layer: layer, content: .volume(content))]
    }

    // MARK: Whole tomograms

    private func segmentation(_ family: Family) throws -> [FoundLayer] {
        guard let digest = try results.digest(SegmentStep.self, \.labels, scopeID: tomogram.id) else { return [] }
        let segmentation = try results.content(Segmentation.self, digest)
        guard segmentation.shape == shape else { return [] }
        let layer = ViewerLayer(
            id: family.rawValue, label: "segmentation", kind: .labels, step: SegmentStep.name,
            values: Self.values(segmentation.classes.names), slices: all.mergedPairs, alpha: 0.5)
        let volume = whole(family.rawValue, "segmentation", digest, range: nil) { try Segmentation($0).volume() }
        return [FoundLayer(layer: layer, content: .volume(volume))]
    }

    private func probabilities(_ family: Family) throws -> [FoundLayer] {
        try classMaps(family, "probability", alpha: 0.6, range: 0...1) { maps, label, _ in try maps.volume(ofLabel: label) }
    }

    private func uncertainties(_ family: Family) throws -> [FoundLayer] {
        try classMaps(family, "uncertainty", alpha: 0.6, range: 0...0.5) { maps, label, name in
            try maps.uncertainty(ofLabel: label, of: name)
        }
    }

    /// A map for each class of the segmentation that has one.
    private func classMaps(
        _ family: Family, _ noun: String, alpha: Double, range: ClosedRange<Float>,
        _ volume: @escaping @Sendable (ClassProbabilities, _ label: Int, _ tomogram: String) throws -> StoredVolume
    ) throws -> [FoundLayer] {
        guard let digest = try results.digest(SegmentStep.self, \.probability, scopeID: tomogram.id) else { return [] }
        let maps = try results.content(ClassProbabilities.self, digest)
        let name = tomogram.record.name
        return maps.classes.names.enumerated().compactMap { index, className in
            // Where one network looked once, there is no uncertainty, and what is of another size cannot be drawn.
            guard let stored = try? volume(maps, index + 1, name), stored.lengths == [shape.z, shape.y, shape.x] else {
                return nil
            }
            let id = "\(family.rawValue).\(index + 1)"
            let layer = ViewerLayer(
                id: id, label: "\(noun): \(className)", kind: .map, step: SegmentStep.name, class: className,
                slices: all.mergedPairs,
                alpha: alpha)
            let content = whole(id, "\(noun) of \(className)", digest, range: range) { artifact in
                try volume(ClassProbabilities(artifact), index + 1, name)
            }
            return FoundLayer(layer: layer, content: .volume(content))
        }
    }

    /// The volume of an artifact that covers the tomogram.
    private func whole(
        _ id: String, _ noun: String, _ digest: Digest, range: ClosedRange<Float>?,
        _ volume: @escaping @Sendable (Artifact) throws -> StoredVolume
    ) -> LayerVolume {
        let (project, shape, name) = (project, shape, "\(noun) of \(tomogram.record.name)")
        return LayerVolume(id, [digest], range.map { .numbers($0) } ?? .labels) {
            AssembledVolume([(0..<shape.z, try volume(project.store().open(digest)))], shape: shape, name: name)
        }
    }
}
