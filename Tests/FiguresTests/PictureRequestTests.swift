import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Figures
import Foundation
import ImageProcessing
import Pipeline
import Rendering
import TestSupport
import Testing
import Volumes

@Suite struct PictureRequestTests {
    private let results: FigureCatalog
    private let graph: StepGraph

    init() throws {
        results = try FigureCatalog()
        graph = try StepGraph(StandardSteps.all)
    }

    private func picture(_ request: PictureRequest) throws -> RGBImage {
        let store = results.store
        return try request.picture(from: results.catalog, graph: graph, store: store)
    }

    /// Labels by columns: 1 from x 10, 2 from x 20 on.
    private func publishSegmentation(depth: Int = 6) throws {
        let labels = (0..<depth * 32 * 40).map { index -> UInt8 in
            let x = index % 40
            return x < 10 ? 0 : x < 20 ? 1 : 2
        }
        try results.publish(
            SegmentStep.name, key: "\(depth)",
            artifacts: [
                (
                    "labels", Segmentation.kind,
                    { artifact in
                        try artifact.setAttribute("classes", "membrane,ribosome")
                        try artifact.write("labels", shape: [depth, 32, 40], values: labels)
                    }
                )
            ])
    }

    @Test("a slice is drawn without opening the store, and another slice is another picture")
    func plain() throws {
        struct NotNeeded: Error {}
        func plain(_ z: Int?) throws -> RGBImage {
            @Sendable func store() throws -> BlobStore { throw NotNeeded() }
            return try PictureRequest("t", z: z).picture(from: results.catalog, graph: graph, store: store())
        }
        #expect(try plain(nil) == plain(3))
        #expect(try plain(0) != plain(3))
        #expect(throws: (any Error).self) { try plain(6) }
    }

    @Test("the classes of a segmentation lie over the slice, and one of another size is refused")
    func segmentation() throws {
        #expect(throws: CatalogError.self) { try picture(PictureRequest("t", .step(SegmentStep.name))) }
        try publishSegmentation()
        let drawn = try picture(PictureRequest("d/t", .step(SegmentStep.name), z: 2))
        let plain = try picture(PictureRequest("t", z: 2))
        #expect(drawn.width == plain.width && drawn.height > plain.height)
        // Enlarged by 13: 40 × 13 = 520. Ground keeps its grey, and classes are blended with their colours.
        #expect(drawn[y: 100, x: 5 * 13] == plain[y: 100, x: 5 * 13])
        for (x, label) in [(15, 1), (30, 2)] as [(Int, UInt32)] {
            let color = try #require(LabelPalette.standard.color(of: label))
            #expect(drawn[y: 100, x: x * 13] == plain[y: 100, x: x * 13]?.mixed(with: color, fraction: 0.45))
        }
        let outside = #expect(throws: CatalogError.self) { try picture(PictureRequest("t", .step(SegmentStep.name), z: 6)) }
        #expect(outside?.message.contains("no slice 6") == true)
        try publishSegmentation(depth: 5)
        let refused = #expect(throws: CatalogError.self) { try picture(PictureRequest("t", .step(SegmentStep.name))) }
        #expect(refused?.message.contains("another size than the tomogram") == true)
    }

    @Test("a target is a tomogram, the digits of an artifact's digest, or an error that names it")
    func targets() throws {
        let store = results.store
        try publishSegmentation()
        let digest = try #require(
            try StandingResults(results.catalog, store: store).digest(
                SegmentStep.self, \.labels, scopeID: results.tomogramID))
        let named = try picture(PictureRequest("digest:\(digest.hexadecimal.prefix(12))"))
        #expect(try picture(PictureRequest(digest.hexadecimal, z: 3)) == named)
        for (target, words) in [
            ("nobody", "there is no tomogram nobody"), ("digest:xyz", "is no digest"),
            ("digest:00000000", "there is no tomogram"),
        ] {
            let error = #expect(throws: CatalogError.self) { try picture(PictureRequest(target)) }
            #expect(error?.message.contains(words) == true, "\(target): \(error?.message ?? "")")
        }
        let labels = #expect(throws: CatalogError.self) { try picture(PictureRequest("t", .labels)) }
        #expect(labels?.message.contains("t has no label annotation") == true)
        #expect(throws: EngineError.self) { try picture(PictureRequest("t", .step("nothing"))) }
        let numbers = #expect(throws: EngineError.self) { try picture(PictureRequest("t", .step(CalibrateStep.name))) }
        #expect(numbers?.message.contains("gives numbers only") == true)
    }

    @Test("a surface of the sample is a line where it crosses the slice, with its name in the caption")
    func surfaces() throws {
        let (before, level) = (try picture(PictureRequest("t", z: 2)), try picture(PictureRequest("t", z: 5)))
        // It rises by one slice in twenty voxels along x, and is at z 2 in the middle: it crosses the slices 1 to 3.
        let plane = SurfacePlane(middleX: 19.5, middleY: 15.5, z: 2, slopeX: 0.05, slopeY: 0, confidence: 1)
        let extent = try JSONEncoder().encode(SampleExtent(lower: plane, upper: nil))
        try results.publish(ExtentStep.name, values: ["extent": String(decoding: extent, as: UTF8.self)])
        let drawn = try picture(PictureRequest("t", z: 2))
        #expect(drawn.height > before.height && drawn.width == before.width)
        // Enlarged by 13, x 19.5 is the border of the pixels 259 and 260.
        for y in [5, 100, 300] {
            #expect(drawn[y: y, x: 259] != before[y: y, x: 259] || drawn[y: y, x: 260] != before[y: y, x: 260])
            #expect(drawn[y: y, x: 200] == before[y: y, x: 200])
        }
        #expect(try picture(PictureRequest("t", z: 5)) == level)
        // One of a file of another size says nothing.
        let other = SurfacePlane(middleX: 20, middleY: 15.5, z: 2, slopeX: 0.05, slopeY: 0, confidence: 1)
        let moved = try JSONEncoder().encode(SampleExtent(lower: other, upper: nil))
        try results.publish(ExtentStep.name, key: "other", values: ["extent": String(decoding: moved, as: UTF8.self)])
        #expect(try picture(PictureRequest("t", z: 2)) == before)
    }

    @Test("the mask lies over the prepared slice of a slab, and a slice without a result is named")
    func slices() throws {
        let slice = try #require(try results.catalog.collection.sliceID(ofTomogram: results.tomogramID, z: 1))
        let missing = #expect(throws: CatalogError.self) { try picture(PictureRequest("t", .step(MaskStep.name), z: 1)) }
        #expect(missing?.message.contains("mask has no result for slice 1 of t") == true)
        try results.publish(
            PrepareStep.name, .slice, of: slice,
            artifacts: [
                (
                    "slice", PreparedSlice.kind,
                    { try $0.write("slice", shape: [32, 40], values: [UInt8](repeating: 90, count: 1280)) }
                )
            ])
        try results.publish(
            MaskStep.name, .slice, of: slice,
            artifacts: [
                (
                    "mask", SliceMask.kind,
                    { try $0.write("mask", shape: [32, 40], values: (0..<1280).map { UInt8($0 % 40 < 20 ? 1 : 0) }) }
                )
            ])
        // Without z, the first slice of the slab is drawn.
        let mask = try picture(PictureRequest("t", .step(MaskStep.name)))
        #expect(try picture(PictureRequest("t", .step(MaskStep.name), z: 1)) == mask)
        #expect(mask[y: 100, x: 100] != mask[y: 100, x: 400])
        let outside = #expect(throws: CatalogError.self) { try picture(PictureRequest("t", .step(MaskStep.name), z: 4)) }
        #expect(outside?.message.contains("no slab of t has that slice") == true)
    }

    @Test("the report of a catalog names its tomograms, states what is stale, and links each score to its trace")
    func report() throws {
        let store = results.store
        try results.publish(MeasureStep.name, metrics: [("membrane/objects", 3)], objects: FigureCatalog.objects)
        try results.publish(SampleStep.name, metrics: [("sample_thickness_nm", 123), ("sample_tilt_degrees", 4.5)])
        let report = try Report(results.catalog, store, selection: nil, dataset: "d", pictures: 1)
        #expect(report.tomogramIDs == [results.tomogramID])
        let plan = try Planner(results.catalog, graph: graph, recipe: Recipe(steps: graph.steps)).plan(
            selection: report.tomogramIDs)
        let text = try report.page(plan: plan).text
        #expect(text.contains("d/t") && text.contains("Not everything in it was fresh") && text.contains("20 × ribosome"))
        #expect(text.contains("thickness, nm") && text.contains(">123</") && text.contains("tilt, °") && text.contains(">4.5</"))
        let link = try #require(text.firstMatch(of: /href="#(trace-\d+)">3</))
        #expect(text.contains("id=\"\(link.1)\""))
        #expect(text.contains("data:image/png;base64,") && text.contains("<svg"))
        let error = #expect(throws: CatalogError.self) {
            try Report(results.catalog, store, selection: [], dataset: nil, pictures: 0)
        }
        #expect(error?.code == .notFound)
    }
}
