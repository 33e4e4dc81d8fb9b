import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import ImageProcessing
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("Feature maps of several tiles") struct FeatureMapScaleTests {
    /// The middles of discs of 8 pixels' radius, all in the left half of a slice of 128².
    private static let discs = [(20, 18), (34, 45), (50, 20), (78, 44), (84, 16), (108, 30), (112, 52)]

    /// Noise, and dark discs in the left half: of four tiles the two on the right are empty.
    private static func collection(z: Int = 1, settings: [String: String] = [:]) throws -> (PipelineCollection, slab: Int64) {
        var generator = RandomStream(state: 3)
        let side = 128
        let shape = try #require(VolumeShape(z: z, y: side, x: side))
        let values = (0..<shape.count).map { index -> Float in
            let (y, x) = (index / side % side, index % side)
            let isInside = discs.contains { (y - $0.0) * (y - $0.0) + (x - $0.1) * (x - $0.1) < 64 }
            return (isInside ? -3 : 0) + Float.random(in: -1...1, using: &generator)
        }
        let collection = try PipelineCollection(
            #require(VoxelBuffer(shape: shape, values: values)),
            settings: [
                "prepare.tiles.size": "128", "prepare.clahe.grid": "2", "eigenvectors.count": "4", "feature-map.candidates": "1",
            ].merging(settings) { $1 })
        let slab = try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<z)
        return (collection, try #require(slab.id))
    }

    private static func map(_ collection: PipelineCollection, z: Int = 0) throws -> Image<Float> {
        let report = try collection.run()
        #expect(report?.isComplete ?? true, "\(report?.failures ?? [])")
        let map = try FeatureMap(collection.artifact("feature-map", "map", z: z)).image()
        #expect(map.values.allSatisfy { (0...1).contains($0) })
        return map
    }

    /// The mean jump between the columns 63 and 64, where tiles meet, relative to that between other columns.
    private static func seam(_ map: Image<Float>) -> Float {
        var jumps = [Float](repeating: 0, count: map.width - 1)
        for y in 0..<map.height {
            for x in jumps.indices { jumps[x] += abs(map[y: y, x: x + 1] - map[y: y, x: x]) }
        }
        return jumps[63] / (jumps.reduce(0, +) / Float(jumps.count))
    }

    private static func greatest(_ map: Image<Float>, columns: Range<Int>) -> Float {
        (0..<map.height).flatMap { y in columns.map { map[y: y, x: $0] } }.max() ?? 0
    }

    @Test("by default a map is what it was: each tile scaled and enlarged by itself")
    func unchanged() throws {
        let (collection, _) = try Self.collection(settings: ["feature-map.candidates": "20", "prepare.tiles.overlap": "9"])
        let map = try Self.map(collection)
        let slice = try PreparedSlice(collection.artifact("prepare", "slice", z: 0))
        let eigenvectors = try SliceEigenvectors(collection.artifact("eigenvectors", "eigenvectors", z: 0))
        let merge = try GreedyMerge(diversity: DiversityScore(patchSize: 8), scaling: MapScaling())
        let merged = try slice.tiles().enumerated().map { index, tile in
            let orientation = MapOrientation(density: tile.map { 255 - Float($0) })
            return try merge(eigenvectors.maps(tile: index).map { try orientation($0).map }, base: 0).map
        }
        let expected = try TileStitching(height: 128, width: 128, tiles: slice.geometry().regions)(merged)
        #expect(map.values == expected.values.map { Float(Float16($0)) })
        let artifact = try collection.artifact("feature-map", "map", z: 0)
        #expect(Set(artifact.attributes.keys) == ["minimum", "maximum"])
        // The new values, named as they are, are the same recipe.
        collection.settings.merge([
            "feature-map.scale.of": "tile", "feature-map.floor": "0", "feature-map.join": "separate",
            "feature-map.upsampling.method": "bilinear",
        ]) { $1 }
        #expect(try collection.run() == nil)
    }

    @Test("with one scale for the slice, a floor and a join across borders, an empty tile is dark, and no border shows")
    func emptyTile() throws {
        let (collection, _) = try Self.collection()
        // In a NumPy model of this scene the empty half reached .93 or more, and the jump was 5 or more times the mean.
        let before = try Self.map(collection)
        #expect(Self.greatest(before, columns: 68..<128) > 0.5 && Self.seam(before) > 2)
        collection.settings.merge([
            "feature-map.scale.of": "slice", "feature-map.floor": "0.15", "feature-map.join": "across",
        ]) { $1 }
        let after = try Self.map(collection)
        // There .06 at most and .5.
        #expect(Self.greatest(after, columns: 68..<128) < 0.3)
        #expect(Self.seam(after) < 1.5)
        let middles = Self.discs.map { after[y: $0.0, x: $0.1] }
        #expect(middles.reduce(0, +) / Float(middles.count) > 0.6)
    }

    @Test("each of the new values alone gives another map, of finite numbers in 0 … 1, and a mask")
    func each() throws {
        let (collection, _) = try Self.collection()
        let base = collection.settings
        var maps: Set<Image<Float>> = [try Self.map(collection)]
        let values = [
            "feature-map.scale.of=slice", "feature-map.scale.of=slab", "feature-map.floor=0.5", "feature-map.join=across",
            "feature-map.upsampling.method=guided",
        ]
        for value in values {
            let parts = value.split(separator: "=").map(String.init)
            collection.settings = base.merging([parts[0]: parts[1]]) { $1 }
            let isNew = try maps.insert(Self.map(collection)).inserted
            #expect(isNew, "\(value)")
            let mask: [UInt8] = try collection.artifact("mask", "mask", z: 0).read("mask")
            #expect(mask.contains(1) && mask.contains(0), "\(value)")
        }
    }

    @Test("the scale of a slab is applied by consistency: of one slice it is the slice's, of several it lies between theirs")
    func slab() throws {
        func consistent(_ collection: PipelineCollection, _ slab: Int64, slice: Int) throws -> Image<Float> {
            let digest = try collection.catalog.results.standingArtifact(step: "consistency", scopeID: slab, output: "maps")
            return try ConsistentMaps(collection.store.open(#require(digest))).map(slice: slice)
        }
        let (one, slab) = try Self.collection(settings: ["feature-map.scale.of": "slice"])
        let own = try Self.map(one)
        one.settings["feature-map.scale.of"] = "slab"
        _ = try Self.map(one)
        let shared = try consistent(one, slab, slice: 0)
        // Scaled before and after tokens are enlarged: where values are cut off, these differ a little.
        let differences = zip(own.values, shared.values).map { abs($0 - $1) }
        #expect(differences.reduce(0, +) / Float(differences.count) < 0.03)

        let (several, all) = try Self.collection(z: 3, settings: ["feature-map.scale.of": "slab", "consistency.weight": "1"])
        _ = try Self.map(several)
        let scales = try (0..<3).map { try #require(try FeatureMap(several.artifact("feature-map", "map", z: $0)).scale()) }
        let low = scales.reduce(0) { $0 + $1.lowerBound } / 3
        let high = scales.reduce(0) { $0 + $1.upperBound } / 3
        for z in 0..<3 {
            let densities = try Self.map(several, z: z)
            let result = try consistent(several, all, slice: z)
            let expected = MapScaling.scale(densities, from: low...high)
            #expect(zip(result.values, expected.values).allSatisfy { abs($0 - $1) < 2e-3 })
        }
    }

    @Test("constant slices and one tile have maps without NaN, whatever the recipe says", arguments: ["tile", "slice", "slab"])
    func corners(scale: String) throws {
        let settings = [
            "prepare.tiles.size": "128", "prepare.clahe.grid": "2", "eigenvectors.count": "4", "feature-map.scale.of": scale,
            "feature-map.floor": "0.1", "feature-map.join": "across", "feature-map.upsampling.method": "guided",
        ]
        let shape = try #require(VolumeShape(z: 2, y: 128, x: 128))
        let constant = try #require(VoxelBuffer(shape: shape, values: [Float](repeating: 3, count: shape.count)))
        for tiles in ["1", "2"] {
            let flat = try PipelineCollection(constant, settings: settings.merging(["prepare.tiles.count": tiles]) { $1 })
            try flat.catalog.collection.addSlab(tomogramID: flat.tomogramID, z: 0..<2)
            #expect(try Self.map(flat).values.allSatisfy { $0 == 0 })
        }
        let discs = try PipelineCollection(
            PipelineCollection.discs(z: 2, side: 128),
            settings: settings.merging(["prepare.tiles.count": "1", "feature-map.floor": "0"]) { $1 })
        try discs.catalog.collection.addSlab(tomogramID: discs.tomogramID, z: 0..<2)
        #expect(try Set(Self.map(discs).values).count > 10)
    }
}
