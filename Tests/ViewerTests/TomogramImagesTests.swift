import Basics
import BlobStore
import Catalog
import Foundation
import Pipeline
import TestSupport
import Testing
import Volumes

@testable import Viewer

/// Slices and thumbnails of a tomogram in a catalog.
@Suite struct TomogramImagesTests {
    /// The byte of a density over a range.
    private func byte(_ density: Float, _ range: ClosedRange<Float>) -> Double {
        min(max(Double(density - range.lowerBound) * 255 / Double(range.upperBound - range.lowerBound), 0), 255)
    }

    @Test("slices along x, y and z are the voxels of the file over one range for the whole tomogram")
    func slices() throws {
        let scene = try ImageCatalog()
        let images = TomogramImages(scene.project, bytes: 8 << 20)
        let range = try images.slice(of: scene.tomogramID, axis: .z, index: 0, level: 0).range
        // Densities are spread evenly over 0 to 1008.
        #expect(abs(range.lowerBound - 1) < 8 && abs(range.upperBound - 1007) < 8, "\(range)")
        for (axis, index, width, height) in [(SliceAxis.z, 19, 130, 70), (.y, 69, 130, 20), (.x, 129, 70, 20), (.x, 0, 70, 20)] {
            let slice = try images.slice(of: scene.tomogramID, axis: axis, index: index, level: 0)
            #expect(slice.width == width && slice.height == height && slice.range == range)
            let wrong = slice.bytes.indices.count { pixel in
                let (row, column) = (pixel / width, pixel % width)
                let density =
                    switch axis {
                    case .z: ImageCatalog.density(index, row, column)
                    case .y: ImageCatalog.density(row, index, column)
                    case .x: ImageCatalog.density(row, column, index)
                    }
                return abs(Double(slice.bytes[pixel]) - byte(density, range)) > 0.51
            }
            #expect(wrong == 0, "\(axis)")
        }
        let small = try images.slice(of: scene.tomogramID, axis: .z, index: 3, level: 2)
        #expect(small.width == 33 && small.height == 18)
        var sum: Float = 0
        for y in 68..<70 { for x in 128..<130 { sum += ImageCatalog.density(3, y, x) } }
        #expect(abs(Double(small.bytes.last ?? 0) - byte(sum / 4, range)) < 0.51)
    }

    @Test("where densities were counted, the range is that of all voxels")
    func counted() throws {
        let scene = try ImageCatalog()
        let shape = ImageCatalog.shape
        // Half of the voxels have the density 100, and half 300.
        let half = Int64(shape.z * shape.y * shape.x / 2)
        try scene.publish(
            DescribeStep.name,
            artifacts: [
                (
                    "histogram", TomogramHistogram.kind,
                    { artifact in
                        try artifact.setAttribute("binning", .string("integer"))
                        try artifact.write("keys", shape: [2], values: [100, 300] as [Int32])
                        try artifact.write("counts", shape: [2], values: [half, half])
                    }
                )
            ])
        let images = TomogramImages(scene.project, bytes: 1 << 20)
        #expect(try images.slice(of: scene.tomogramID, axis: .z, index: 0, level: 0).range == 100...300)
    }

    @Test("what is not there is an error with a code")
    func missing() throws {
        let scene = try ImageCatalog()
        let images = TomogramImages(scene.project, bytes: 1 << 20)
        func code(_ body: () throws -> Void) -> CatalogErrorCode? { #expect(throws: CatalogError.self, performing: body)?.code }
        #expect(code { _ = try images.slice(of: 99, axis: .z, index: 0, level: 0) } == .notFound)
        #expect(code { _ = try images.slice(of: scene.tomogramID, axis: .z, index: 20, level: 0) } == .invalid)
        #expect(code { _ = try images.slice(of: scene.tomogramID, axis: .z, index: 0, level: 9) } == .invalid)
        #expect(code { _ = try images.slice(of: "mist", tomogram: scene.tomogramID, axis: .z, index: 0, level: 0) } == .notFound)
        #expect(code { _ = try images.slice(of: "mist", tomogram: scene.tomogramID, axis: .z, index: -1, level: 0) } == .invalid)
        #expect(code { _ = try images.points(of: "particles", tomogram: scene.tomogramID) } == .notFound)
        #expect(code { _ = try images.layers(of: 99) } == .notFound)
        #expect(code { _ = try images.thumbnail(of: 99) } == .notFound)
        try FileManager.default.removeItem(atPath: scene.folder.file("t.mrc"))
        #expect(throws: VolumeError.self) { try images.thumbnail(of: scene.tomogramID) }
    }

    @Test("a file that is replaced is read anew")
    func replaced() throws {
        let scene = try ImageCatalog()
        let images = TomogramImages(scene.project, bytes: 8 << 20)
        let before = try images.slice(of: scene.tomogramID, axis: .y, index: 5, level: 0)
        let picture = try images.thumbnail(of: scene.tomogramID)
        try ImageCatalog.write(scene.folder.file("t.mrc")) { z, y, x in Float((z + y + x) % 50) }
        let after = try images.slice(of: scene.tomogramID, axis: .y, index: 5, level: 0)
        #expect(after != before && after.range.upperBound <= 49)
        #expect(try images.thumbnail(of: scene.tomogramID) != picture)
    }

    @Test("many clients get the same slices, and never more is kept than the bound")
    func bound() async throws {
        let scene = try ImageCatalog()
        let (id, bytes) = (scene.tomogramID, 64 << 10)
        let images = TomogramImages(scene.project, bytes: bytes)
        let reference = TomogramImages(scene.project, bytes: 16 << 20)
        let wanted = try SliceAxis.allCases.flatMap { axis in
            try [0, 7, 13, 19].map { index in
                (axis, index, try reference.slice(of: id, axis: axis, index: index, level: 0))
            }
        }
        let wrong = await withTaskGroup(of: Int.self) { group in
            for client in 0..<8 {
                group.addTask {
                    var wrong = 0
                    for turn in 0..<wanted.count {
                        let (axis, index, slice) = wanted[(turn * 5 + client) % wanted.count]
                        if (try? images.slice(of: id, axis: axis, index: index, level: 0)) != slice { wrong += 1 }
                        if images.keptBytes > bytes { wrong += 1 }
                    }
                    return wrong
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
        #expect(images.keptBytes > 0 && images.keptBytes <= bytes)
    }

    @Test("a thumbnail is a small picture of the middle, the same each time")
    func thumbnail() throws {
        // A bright square on the left, in all slices but the first and the last ones.
        let scene = try ImageCatalog { z, _, x -> Int16 in (4..<16).contains(z) && x < 65 ? 1000 : 0 }
        let images = TomogramImages(scene.project, bytes: 1 << 20)
        let png = try images.thumbnail(of: scene.tomogramID)
        #expect(png.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        // Width and height, big-endian, of IHDR: 130 × 70 fit.
        #expect(Array(png[16..<24]) == [0, 0, 0, 130, 0, 0, 0, 70])
        #expect(try images.thumbnail(of: scene.tomogramID) == png)
        let shape = try #require(VolumeShape(z: 2, y: 3, x: 1000))
        let wide = try Thumbnail.png(of: MemoryVolume(shape, chunk: (1, 1, 1000), [Float](repeating: .nan, count: shape.count)))
        #expect(Array(wide[16..<24]) == [0, 0, 0, 143, 0, 0, 0, 1])
    }
}
