import Basics
import BlobStore
import Catalog
import CatalogSchema
import CellarKit
import Pipeline
import TestSupport
import Testing
import Volumes

@testable import Viewer

/// The layers of a tomogram with results and annotations.
@Suite struct LayerTests {
    private let scene: ImageCatalog
    private let images: TomogramImages

    init() throws {
        scene = try ImageCatalog()
        images = TomogramImages(scene.project, bytes: 8 << 20)
    }

    private func layer(_ id: String) throws -> ViewerLayer {
        try #require(try images.layers(of: scene.tomogramID).first { $0.id == id }, "\(id)")
    }

    private func slice(_ layer: String, _ axis: SliceAxis, _ index: Int, level: Int = 0) throws -> SliceBytes {
        try images.slice(of: layer, tomogram: scene.tomogramID, axis: axis, index: index, level: level)
    }

    @Test("a tomogram without results has no layers")
    func none() throws { #expect(try images.layers(of: scene.tomogramID).isEmpty) }

    @Test("results on slices say which slices they cover, and are nothing elsewhere")
    func slices() throws {
        let count = ImageCatalog.shape.y * ImageCatalog.shape.x
        for z in [4, 5, 8] {
            try scene.publishSlice(
                PrepareStep.name, "slice", PreparedSlice.kind, "slice", z: z, values: (0..<count).map { UInt8(($0 + z) % 256) })
        }
        try scene.publishSlice(
            MaskStep.name, "mask", SliceMask.kind, "mask", z: 5,
            values: (0..<count).map { $0 % ImageCatalog.shape.x == 7 ? 1 : 0 })
        #expect(try images.layers(of: scene.tomogramID).map(\.id) == ["prepared-slice", "foreground"])
        let prepared = try layer("prepared-slice")
        #expect(prepared.kind == .map && prepared.step == PrepareStep.name && prepared.slices == [[4, 6], [8, 9]])
        #expect(prepared.values.isEmpty)
        let mask = try layer("foreground")
        #expect(mask.kind == .labels && mask.slices == [[5, 6]] && mask.values == [.init(value: 1, name: "structure")])

        // A prepared slice is bytes already.
        #expect(try slice("prepared-slice", .z, 5).bytes == (0..<count).map { UInt8(($0 + 5) % 256) })
        #expect(try slice("prepared-slice", .z, 6).bytes == [UInt8](repeating: 0, count: count))
        let plane = try slice("foreground", .x, 7)
        #expect(plane.width == 70 && plane.height == 20)
        #expect(plane.bytes.indices.allSatisfy { plane.bytes[$0] == ($0 / 70 == 5 ? 1 : 0) })
        let along = try slice("foreground", .y, 3, level: 1)
        #expect(along.width == 65 && along.height == 10)
        #expect(along.bytes.indices.allSatisfy { along.bytes[$0] == ($0 / 65 == 2 && $0 % 65 == 3 ? 1 : 0) })
    }

    @Test("labels of slabs stand in their place, and what is of another size is refused")
    func slabs() throws {
        for step in [LinkStep.name, PseudoLabelsStep.name] { try scene.publishSlab(step) }
        #expect(try images.layers(of: scene.tomogramID).map(\.id) == ["linked-labels", "agreed-labels"])
        let layer = try layer("agreed-labels")
        #expect(layer.slices == [[4, 8]] && layer.step == PseudoLabelsStep.name)
        #expect(layer.values.map(\.name) == ["membrane", "macromolecule", "neither"] && layer.values.map(\.value) == [1, 2, 3])
        for z in [3, 4, 7, 8] {
            let bytes = try slice("agreed-labels", .z, z).bytes
            let isCovered = (4..<8).contains(z)
            #expect(bytes.indices.allSatisfy { bytes[$0] == (isCovered && $0 % 130 == z - 4 ? 1 : 0) }, "slice \(z)")
        }
        let across = try slice("linked-labels", .y, 69)
        #expect(
            across.bytes.indices.allSatisfy {
                across.bytes[$0] == ((4..<8).contains($0 / 130) && $0 % 130 == $0 / 130 - 4 ? 1 : 0)
            })

        try scene.publish(
            PseudoLabelsStep.name, .slab, of: scene.slabID,
            artifacts: [
                (
                    "labels", PseudoLabels.kind,
                    { try $0.write("classes", shape: [4, 2, 2], values: [UInt8](repeating: 1, count: 16)) }
                )
            ])
        let error = #expect(throws: CatalogError.self) { try slice("agreed-labels", .z, 5) }
        #expect(error?.message.contains("another size") == true)
    }

    @Test("a segmentation has its classes, and each class its probability")
    func segmentation() throws {
        try scene.publishSegmentation()
        #expect(try images.layers(of: scene.tomogramID).map(\.id) == ["segmentation", "probability.1", "probability.2"])
        let labels = try layer("segmentation")
        #expect(labels.kind == .labels && labels.slices == [[0, 20]] && labels.class == nil)
        #expect(labels.values == [.init(value: 1, name: "membrane"), .init(value: 2, name: "ribosome")])
        let map = try layer("probability.2")
        #expect(map.kind == .map && map.class == "ribosome" && map.label == "probability: ribosome")

        let plane = try slice("segmentation", .z, 11)
        #expect(plane.range == 0...255)
        #expect(plane.bytes.indices.allSatisfy { plane.bytes[$0] == ImageCatalog.label(11, $0 / 130, $0 % 130) })
        // A pixel has the greatest label of its voxels.
        let small = try slice("segmentation", .z, 11, level: 1)
        #expect(small.bytes.indices.allSatisfy { small.bytes[$0] == ($0 < 65 ? 2 : $0 % 65 == 64 ? 1 : 0) })
        #expect(try slice("segmentation", .x, 129).bytes.prefix(70) == [2] + [UInt8](repeating: 1, count: 69))
        let probability = try slice("probability.1", .y, 0)
        #expect(probability.range == 0...1)
        #expect(probability.bytes.indices.allSatisfy { probability.bytes[$0] == UInt8(12 * ($0 / 130)) })
        // Results that come anew are drawn anew.
        try scene.publishSegmentation(depth: 5)
        #expect(try images.layers(of: scene.tomogramID).isEmpty)
        #expect(throws: CatalogError.self) { try slice("segmentation", .z, 0) }
    }

    @Test("particles are points in voxels, with what people say of them")
    func particles() throws {
        #expect(try images.layers(of: scene.tomogramID).isEmpty)
        let objects = [(1, 300.0, 0.5), (2, 650.0, 1.0)].map { number, x, score in
            FoundObject(
                number: number, class: number == 1 ? "ribosome" : "proteasome", centroidInAngstroms: SIMD3(x, 200, 100),
                radiusInAngstroms: 120, voxels: 1, volumeInCubicNanometers: 1, confidence: score,
                boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one)
        }
        try scene.publish(PickStep.name, objects: objects)
        let found = try layer("particles")
        #expect(found.kind == .points && found.values.map(\.name) == ["proteasome", "ribosome"] && found.slices == [[0, 20]])
        let points = try images.points(of: "particles", tomogram: scene.tomogramID)
        #expect(points.map(\.id) == [1, 2] && points.map(\.class) == ["ribosome", "proteasome"])
        #expect(points[0].x == 30 && points[0].y == 20 && points[0].z == 10 && points[0].radius == 12 && points[0].score == 0.5)
        #expect(points[1].x == 65 && points.allSatisfy { $0.state == nil })
        let error = #expect(throws: CatalogError.self) { try slice("particles", .z, 0) }
        #expect(error?.code == .invalid)

        try scene.project.curate("t", .rejected, class: "ribosome", at: .voxels(SIMD3(31, 20, 10)))
        try scene.project.curate("t", .added, class: "ribosome", at: .voxels(SIMD3(90, 50, 5)))
        let judged = try images.points(of: "particles", tomogram: scene.tomogramID)
        #expect(judged.map(\.state) == ["rejected", nil, "added"] && Set(judged.map(\.id)).count == 3)
        #expect(judged.count == 3 && judged[2].x == 90 && judged[2].y == 50 && judged[2].z == 5 && judged[2].radius == 12)
    }

    @Test("annotations are labels and points, as they are compared with results")
    func annotations() throws {
        let path = scene.folder.file("labels.mrc")
        try ImageCatalog.write(path) { z, _, x -> Int16 in x == 5 ? 300 : x == 6 ? -4 : z == 2 ? 3 : 0 }
        let collection = scene.catalog.collection
        let labels = try collection.annotate(
            tomogramID: scene.tomogramID,
            with: NewAnnotation(
                kind: .labels, location: VolumeLocation(path: path), classes: [.init(name: "membrane", value: 3)],
                contentDigest: Digest(of: "labels".utf8)))
        let points = try collection.annotate(
            tomogramID: scene.tomogramID,
            with: NewAnnotation(
                kind: .points, location: VolumeLocation(path: scene.folder.file("points.csv")),
                convention: CoordinateConvention.angstrom.rawValue,
                classes: [.init(name: "ribosome", radiusInAngstroms: 150), .init(name: "unknown")],
                points: [
                    .init(x: 100, y: 200, z: 50, className: "ribosome", score: 0.25),
                    .init(x: 0, y: 0, z: 0, className: "unknown"),
                ], contentDigest: Digest(of: "points".utf8)))
        let ids = ["annotation.\(labels)", "annotation.\(points)"]
        #expect(try images.layers(of: scene.tomogramID).map(\.id) == ids)
        let first = try layer(ids[0])
        #expect(first.kind == .labels && first.step == nil && first.values == [.init(value: 3, name: "membrane")])
        #expect(first.label == "labels: membrane")
        let plane = try slice(ids[0], .z, 2)
        #expect(plane.bytes.indices.allSatisfy { plane.bytes[$0] == ($0 % 130 == 5 ? 255 : $0 % 130 == 6 ? 0 : 3) })
        let found = try images.points(of: ids[1], tomogram: scene.tomogramID)
        #expect(
            found.map(\.x) == [10, 0] && found.map(\.z) == [5, 0] && found.map(\.radius) == [15, LayerPoints.unknownRadius])
        #expect(found.map(\.score) == [0.25, nil] && found.map(\.id) == [1, 2])
        #expect(try layer(ids[1]).values.map(\.name) == ["ribosome", "unknown"])
        #expect(throws: CatalogError.self) { try images.points(of: ids[0], tomogram: scene.tomogramID) }

        // A label volume of another size cannot lie over the tomogram.
        let other = try #require(VolumeShape(z: 1, y: 2, x: 2))
        let writer = try MRCWriter(
            OutputFile(path, replacing: true, protecting: .none), shape: other, scalarType: .int16,
            voxelSize: VoxelSize(cubicInAngstroms: 10))
        try writer.append(#require(VoxelBuffer(shape: other, values: [Int16](repeating: 3, count: 4))))
        try writer.finish()
        let error = #expect(throws: CatalogError.self) { try slice(ids[0], .z, 2) }
        #expect(error?.code == .invalid)
    }

    @Test("eigenvectors stand in the places of their tiles, each over its own range")
    func eigenvectors() throws {
        let (height, width) = (ImageCatalog.shape.y, ImageCatalog.shape.x)
        let slice = try #require(try scene.catalog.collection.sliceID(ofTomogram: scene.tomogramID, z: 4))
        // Two tiles side by side.
        try scene.publish(
            PrepareStep.name, .slice, of: slice,
            artifacts: [
                (
                    "slice", PreparedSlice.kind,
                    { artifact in
                        try artifact.write("slice", shape: [height, width], values: [UInt8](repeating: 0, count: height * width))
                        try artifact.write("regions", shape: [2, 4], values: [0, 0, 70, 65, 0, 65, 70, 65] as [Int32])
                    }
                )
            ])
        try scene.publish(
            EigenvectorsStep.name, .slice, of: slice,
            artifacts: [
                (
                    "eigenvectors", SliceEigenvectors.kind,
                    { artifact in
                        // Of two tiles one vector each, of 1 × 2 tokens.
                        try artifact.write("vectors", shape: [2, 1, 1, 2], values: [-1, 1, 5, 3] as [Float])
                        try artifact.write("values", shape: [2, 1], values: [0.5, 0.5] as [Double])
                        try artifact.write("residuals", shape: [2, 1], values: [0, 0] as [Double])
                    }
                )
            ])
        #expect(try images.layers(of: scene.tomogramID).map(\.id) == ["prepared-slice", "eigenvector.1"])
        let plane = try self.slice("eigenvector.1", .z, 4)
        let row = (0..<130).map { x in (33..<98).contains(x) ? UInt8(255) : 0 }
        #expect(plane.bytes == Array((0..<70).map { _ in row }.joined()))
    }

    @Test("ranges of slices are joined where they touch")
    func ranges() {
        #expect([4..<6, 8..<9, 5..<8, 20..<20, 12..<14].mergedPairs == [[4, 9], [12, 14]])
        #expect([Range<Int>]().mergedPairs.isEmpty)
    }
}
