import Basics
import Catalog
import CatalogSchema
import CellarKit
import Foundation
import Pipeline
import TestSupport
import Testing
import Volumes

@testable import Viewer

/// Tomograms as OME-Zarr that is computed while it is read.
@Suite struct ServedZarrTests {
    private func served(_ scene: ImageCatalog, bytes: Int = 64 << 20) -> ServedZarr {
        ServedZarr(scene.project, images: TomogramImages(scene.project, bytes: 1 << 20), bytes: bytes)
    }

    private func json(_ file: (bytes: [UInt8], contentType: String)?) throws -> [String: Any] {
        let file = try #require(file)
        #expect(file.contentType == "application/json")
        return try #require(JSONSerialization.jsonObject(with: Data(file.bytes)) as? [String: Any])
    }

    /// Copies a store as it is served into a folder, chunk by chunk, until there are no more.
    private func copy(_ zarr: ServedZarr, _ store: [String], to folder: String) throws {
        func save(_ key: [String]) throws -> Bool {
            guard let file = try zarr.file(store + key) else { return false }
            let url = URL(fileURLWithPath: ([folder] + key).joined(separator: "/"))
            try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file.bytes).write(to: url)
            return true
        }
        for key in [".zgroup", ".zattrs"] { #expect(try save([key]), "\(key)") }
        var level = 0
        while try save(["\(level)", ".zarray"]) {
            for z in 0... {
                guard try save(["\(level)", "\(z)", "0", "0"]) else { break }
                for y in 0... {
                    guard try save(["\(level)", "\(z)", "\(y)", "0"]) else { break }
                    for x in 1... { guard try save(["\(level)", "\(z)", "\(y)", "\(x)"]) else { break } }
                }
            }
            level += 1
        }
    }

    @Test("the highest resolution equals the file, voxel by voxel, and the others are means of it")
    func voxels() throws {
        let scene = try ImageCatalog()
        let folder = scene.folder.file("copy.zarr")
        try copy(served(scene), ["d", "t.zarr"], to: folder)
        var levels = [ImageCatalog.volume(ImageCatalog.density)]
        var shape = try #require(VolumeShape(z: 20, y: 70, x: 130))
        // 130 voxels are halved twice until 64 are enough.
        for level in 0..<3 {
            let volume = try VolumeLocation(path: folder, member: "\(level)").open()
            #expect(volume.shape == shape && volume.scalarType == .float32, "level \(level)")
            #expect(try volume.read(shape.box).floats() == levels[level], "level \(level)")
            let factor = Double(1 << level)
            #expect(volume.header.voxelSize == VoxelSize(cubicInAngstroms: 10 * factor), "level \(level)")
            let next = try #require(VolumeShape(z: (shape.z + 1) / 2, y: (shape.y + 1) / 2, x: (shape.x + 1) / 2))
            levels.append(
                (0..<next.count).map { index in
                    let (z, y, x) = (index / next.voxelsPerSlice, index / next.x % next.y, index % next.x)
                    func voxel(_ dz: Int, _ dy: Int, _ dx: Int) -> Float {
                        let (z, y, x) = (min(2 * z + dz, shape.z - 1), min(2 * y + dy, shape.y - 1), min(2 * x + dx, shape.x - 1))
                        return levels[level][(z * shape.y + y) * shape.x + x]
                    }
                    let upper = (voxel(0, 0, 0) + voxel(0, 0, 1)) + (voxel(0, 1, 0) + voxel(0, 1, 1))
                    let lower = (voxel(1, 0, 0) + voxel(1, 0, 1)) + (voxel(1, 1, 0) + voxel(1, 1, 1))
                    return (upper + lower) / 8
                })
            shape = next
        }
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/3"))
    }

    @Test("metadata are those of OME-Zarr 0.4, with whole chunks that are not compressed")
    func metadata() throws {
        let scene = try ImageCatalog { z, y, x -> Int16 in Int16(z + y - x) }
        let zarr = served(scene)
        #expect(try json(zarr.file(["d", "t.zarr", ".zgroup"]))["zarr_format"] as? Int == 2)
        let array = try json(zarr.file(["d", "t.zarr", "0", ".zarray"]))
        #expect(array["shape"] as? [Int] == [20, 70, 130] && array["chunks"] as? [Int] == [64, 64, 64])
        #expect(array["dtype"] as? String == "<i2" && array["order"] as? String == "C" && array["fill_value"] as? Int == 0)
        #expect(array["compressor"] is NSNull && array["filters"] is NSNull && array["dimension_separator"] as? String == "/")
        #expect(try json(zarr.file(["d", "t.zarr", "2", ".zarray"]))["shape"] as? [Int] == [5, 18, 33])
        let image = try #require((json(zarr.file(["d", "t.zarr", ".zattrs"]))["multiscales"] as? [[String: Any]])?.first)
        #expect(image["version"] as? String == "0.4" && image["name"] as? String == "t")
        #expect((image["axes"] as? [[String: String]])?.map { $0["name"] } == ["z", "y", "x"])
        #expect((image["axes"] as? [[String: String]])?.map { $0["unit"] } == ["angstrom", "angstrom", "angstrom"])
        let datasets = try #require(image["datasets"] as? [[String: Any]])
        #expect(datasets.map { $0["path"] as? String } == ["0", "1", "2"])
        #expect(((datasets[1]["coordinateTransformations"] as? [[String: Any]])?.first?["scale"] as? [Double]) == [20, 20, 20])
        // Integers are served as they are.
        let chunk = try #require(try zarr.file(["d", "t.zarr", "0", "0", "1", "2"]))
        #expect(chunk.bytes.count == 64 * 64 * 64 * 2 && chunk.contentType == "application/octet-stream")
        let values = chunk.bytes.withUnsafeBytes { [Int16]($0.bindMemory(to: Int16.self)) }
        let wrong = values.indices.count { index in
            let (z, y, x) = (index / 4096, index / 64 % 64 + 64, index % 64 + 128)
            return values[index] != (z < 20 && y < 70 && x < 130 ? Int16(z + y - x) : 0)
        }
        #expect(wrong == 0)
    }

    @Test("what does not exist is no file: other names, chunks out of bounds, numbers that are none")
    func missing() throws {
        let scene = try ImageCatalog()
        try scene.publishSegmentation()
        let zarr = served(scene)
        for path in [
            [], ["d"], ["d", "t.zarr"], ["d", "t", ".zgroup"], ["d", "u.zarr", ".zgroup"], ["e", "t.zarr", ".zgroup"],
            ["d", ".zarr", ".zgroup"], ["", "t.zarr", ".zgroup"], ["d/t", "t.zarr", ".zgroup"], ["d", "../t.zarr", ".zgroup"],
            ["d", "t.zarr", "zarr.json"], ["d", "t.zarr", ".zmetadata"], ["d", "t.zarr", ""], ["d", "t.zarr", "3", ".zarray"],
            ["d", "t.zarr", "0", ".zattrs"], ["d", "t.zarr", "0", "0", "0"], ["d", "t.zarr", "0", "0", "0", "0", "0"],
            ["d", "t.zarr", "labels"], ["d", "t.zarr", "labels", "zarr.json"], ["d", "t.zarr", "labels", "mask", ".zgroup"],
            ["d", "t.zarr", "labels", "probability.1", ".zgroup"], ["d", "t.zarr", "labels", "segmentation"],
            ["d", "t.zarr", "labels", "segmentation", "0", "1", "0", "0"], ["id:1", "t.zarr", ".zgroup"],
        ] { #expect(try zarr.file(path) == nil, "\(path)") }
        for number in [
            "1", "-1", "+0", "00", "0x0", " 0", "0 ", "", "999999999", "9223372036854775807", "99999999999999999999", "０", "0.0",
            "a",
        ] {
            #expect(try zarr.file(["d", "t.zarr", "0", number, "0", "0"]) == nil, "\(number)")
            if number != "1" { #expect(try zarr.file(["d", "t.zarr", "0", "0", number, "0"]) == nil, "\(number)") }
        }
        #expect(try zarr.file(["d", "t.zarr", "0", "0", "1", "2"]) != nil)
        #expect(
            try zarr.file(["d", "t.zarr", "0", "0", "2", "0"]) == nil && zarr.file(["d", "t.zarr", "0", "0", "0", "3"]) == nil)
        #expect(try zarr.file(["d", "t.zarr", "3", "0", "0", "0"]) == nil)
    }

    @Test("segmentation, pseudo-labels and label annotations are labels, and lower resolutions their greatest")
    func labels() throws {
        let scene = try ImageCatalog()
        #expect(try json(served(scene).file(["d", "t.zarr", "labels", ".zattrs"]))["labels"] as? [String] == [])
        try scene.publishSegmentation()
        try scene.publishSlab(PseudoLabelsStep.name)
        let path = scene.folder.file("labels.mrc")
        try ImageCatalog.write(path) { z, _, _ -> UInt8 in UInt8(z) }
        let annotation = try scene.catalog.collection.annotate(
            tomogramID: scene.tomogramID,
            with: NewAnnotation(
                kind: .labels, location: VolumeLocation(path: path), classes: [.init(name: "membrane", value: 1)],
                contentDigest: Digest(of: "labels".utf8)))
        let zarr = served(scene)
        let names = ["segmentation", "agreed-labels", "annotation.\(annotation)"]
        #expect(try json(zarr.file(["d", "t.zarr", "labels", ".zattrs"]))["labels"] as? [String] == names)
        #expect(try json(zarr.file(["d", "t.zarr", "labels", ".zgroup"]))["zarr_format"] as? Int == 2)
        let attributes = try json(zarr.file(["d", "t.zarr", "labels", "segmentation", ".zattrs"]))
        let label = try #require(attributes["image-label"] as? [String: Any])
        #expect((label["properties"] as? [[String: Any]])?.map { $0["class"] as? String } == ["membrane", "ribosome"])

        #expect((label["source"] as? [String: String])?["image"] == "../../")
        let segmentation = ImageCatalog.volume(ImageCatalog.label)
        let slab = ImageCatalog.volume { z, _, x -> UInt8 in (4..<8).contains(z) && x == z - 4 ? 1 : 0 }
        let annotated = ImageCatalog.volume { z, _, _ -> UInt8 in UInt8(z) }
        for (name, values) in zip(names, [segmentation, slab, annotated]) {
            let folder = scene.folder.file("\(name).zarr")
            try copy(zarr, ["d", "t.zarr", "labels", name], to: folder)
            let volume = try VolumeLocation(path: folder, member: "0").open()
            #expect(volume.scalarType == .uint8, "\(name)")
            #expect(try volume.read(volume.shape.box).bytes == values, "\(name)")
            let half = try VolumeLocation(path: folder, member: "1").open()
            let bytes = try half.read(half.shape.box).bytes
            let wrong = bytes.indices.count { index in
                let (z, y, x) = (index / (35 * 65) * 2, index / 65 % 35 * 2, index % 65 * 2)
                var greatest: UInt8 = 0
                for dz in z..<z + 2 {
                    for dy in y..<y + 2 { for dx in x..<x + 2 { greatest = max(greatest, values[(dz * 70 + dy) * 130 + dx]) } }
                }
                return bytes[index] != greatest
            }
            #expect(half.shape.x == 65 && wrong == 0, "\(name)")
        }
    }

    @Test("chunks that are kept stay within the bound, and what was dropped is made again")
    func bound() throws {
        let scene = try ImageCatalog()
        // One chunk of float32 is 1 MiB.
        let zarr = served(scene, bytes: 3 << 20)
        let paths = (0..<6).map { ["d", "t.zarr", "0", "0", "\($0 / 3)", "\($0 % 3)"] } + [["d", "t.zarr", "2", "0", "0", "0"]]
        let first = try paths.map { try #require(try zarr.file($0)).bytes }
        for _ in 0..<2 {
            for (path, bytes) in zip(paths, first) {
                #expect(try zarr.file(path)?.bytes == bytes)
                #expect(zarr.keptBytes <= 3 << 20)
            }
        }
        #expect(zarr.keptBytes > 0)
    }

    @Test("a pass in bands of rows makes the same chunks as one over all rows", arguments: [0, 1, 2])
    func bands(level: Int) throws {
        let shape = try #require(VolumeShape(z: 70, y: 200, x: 300))
        let values = (0..<shape.count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
        // Whole slices, so that level 1 comes from a pass, too.
        let image = ServedImage(
            try MemoryVolume(shape, chunk: (1, 200, 300), values), key: "a", name: "a", voxelSize: nil, halving: .mean)
        func chunks(limit: Int) throws -> [ChunkPlace: [UInt8]] {
            var found: [ChunkPlace: [UInt8]] = [:]
            let size = image.levels[level]
            for z in 0..<(size.z + 63) / 64 {
                for y in 0..<(size.y + 63) / 64 where found[ChunkPlace(level: level, z: z, y: y, x: 0)] == nil {
                    var pass = ChunkPass(image, for: ChunkPlace(level: level, z: z, y: y, x: 0), highest: level, limit: limit) {
                        #expect(found[$0] == nil)
                        found[$0] = $1
                    }
                    try pass.run()
                }
            }
            return found
        }
        let all = try chunks(limit: 1 << 30)
        #expect(
            all.count == ((image.levels[level].z + 63) / 64) * ((image.levels[level].y + 63) / 64)
                * ((image.levels[level].x + 63) / 64))
        #expect(try chunks(limit: 1) == all)
        #expect(try chunks(limit: 2 << 20) == all)
    }
}
