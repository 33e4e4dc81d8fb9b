import Basics
import ImageProcessing
import TestSupport
import Testing
import Volumes

@testable import Metrics

@Suite struct SurfaceTests {
    /// Areas are sums of a few square roots; surface-distance sums them in another order.
    @Test("areas of neighbourhoods are surface-distance's to 1e-12") func areas() throws {
        var tables: [SIMD3<Double>: [Double]] = [:]
        let rows = try GoldenFile("areas.csv", in: .module).rows()
        #expect(rows.count == 4 * 256)
        for row in rows {
            let edges = SIMD3(try row.double("vx"), try row.double("vy"), try row.double("vz"))
            let table = tables[edges] ?? MarchingCubesAreas(edges).values
            tables[edges] = table
            let (code, area) = (try row.int("code"), try row.double("area"))
            #expect(agrees(table[code], area, 1e-12), "code \(code), \(edges)")
        }
    }

    /// MONAI computes in float32, so that its numbers are known to 1e-6 only.
    @Test("distances, percentiles and surface Dice are surface-distance's and MONAI's to 1e-6") func golden() throws {
        let rows = try GoldenFile("surfaces.csv", in: .module).rows()
        #expect(rows.count == 12)
        for row in rows {
            let (prediction, truth) = try row.masks()
            let volume = try SampleVolume(prediction)
            let convention = try #require(SurfaceComparison.Convention(rawValue: try row.text("convention")))
            let size = try voxelSize(row.double("vx"), row.double("vy"), row.double("vz"))
            var comparison = try SurfaceComparison(shape: volume.shape, voxelSize: size, convention: convention)
            for (prediction, truth) in zip(prediction, truth) { try comparison.add(prediction: prediction, truth: truth) }
            let distances = try comparison.finish()
            let name = Comment(rawValue: "\(try row.text("name")), \(convention)")
            let expected = (
                try row.double("to_truth"), try row.double("to_prediction"), try row.double("hausdorff95"),
                try row.double("dice1"),
                try row.double("dice10"), try row.double("dice25")
            )
            #expect(agrees(distances.predictionToTruth.mean, expected.0, 1e-6), name)
            #expect(agrees(distances.truthToPrediction.mean, expected.1, 1e-6), name)
            #expect(agrees(distances.hausdorff(percentile: 95), expected.2, 1e-6), name)
            #expect(agrees(distances.dice(toleranceInAngstroms: 1), expected.3, 1e-6), name)
            #expect(agrees(distances.dice(toleranceInAngstroms: 10), expected.4, 1e-6), name)
            #expect(agrees(distances.dice(toleranceInAngstroms: 25), expected.5, 1e-6), name)
        }
    }

    @Test("distances found in the tree are those of every pair", arguments: [1.0, 2.7]) func tree(stretch: Double) throws {
        var random = RandomStream(state: 11)
        let shape = try #require(VolumeShape(z: 40, y: 70, x: 130))
        let size = try voxelSize(1, stretch, 1 / stretch)
        var tree = VoxelTree(shape: shape, voxelSize: size)
        #expect(tree.distance(from: .zero) == nil)
        var voxels: [SIMD3<Double>] = []
        var slices = [[Bool]](repeating: [Bool](repeating: false, count: shape.voxelsPerSlice), count: shape.z)
        for _ in 0..<60 {
            let place = (
                Int.random(in: 0..<130, using: &random), Int.random(in: 0..<70, using: &random),
                Int.random(in: 0..<40, using: &random)
            )
            slices[place.2][place.1 * 130 + place.0] = true
            voxels.append(SIMD3(Double(place.0), Double(place.1), Double(place.2)))
        }
        for (z, slice) in slices.enumerated() { try tree.insert(try #require(Mask(height: 70, width: 130, values: slice)), z: z) }
        for _ in 0..<500 {
            let place = SIMD3(
                Double.random(in: -50..<180, using: &random), Double.random(in: -50..<120, using: &random),
                Double.random(in: -50..<90, using: &random))
            let nearest =
                voxels.map { voxel in
                    let offset = (voxel - place) * SIMD3(1, stretch, 1 / stretch)
                    return (offset * offset).sum().squareRoot()
                }.min() ?? 0
            #expect(agrees(tree.distance(from: place), nearest, 1e-12))
            #expect(tree.distance(from: place, below: nearest * (1 - 1e-9)) == nil)
            #expect(tree.distance(from: place, below: nearest * (1 + 1e-9)) != nil)
        }
    }

    @Test("of empty masks there are no distances; Dice is 0 against an empty one, nil between two") func empty() throws {
        let ball = try SampleVolume(z: 9, y: 9, x: 9) { x, y, z in (x - 4) * (x - 4) + (y - 4) * (y - 4) + (z - 4) * (z - 4) < 9 }
        let nothing = try SampleVolume(z: 9, y: 9, x: 9) { _, _, _ in false }
        for convention in SurfaceComparison.Convention.allCases {
            func distances(_ a: SampleVolume, _ b: SampleVolume) throws -> SurfaceDistances {
                var comparison = try SurfaceComparison(shape: a.shape, voxelSize: voxelSize(10, 10, 10), convention: convention)
                for (a, b) in zip(a.slices, b.slices) { try comparison.add(prediction: a, truth: b) }
                return try comparison.finish()
            }
            let missed = try distances(nothing, ball)
            #expect(missed.mean == nil && missed.hausdorff() == nil && missed.dice(toleranceInAngstroms: 1e9) == 0)
            #expect(missed.truthToPrediction.elements > 0 && missed.truthToPrediction.fraction(within: 100) == 0)
            let neither = try distances(nothing, nothing)
            #expect(neither.mean == nil && neither.dice(toleranceInAngstroms: 1) == nil)
            let same = try distances(ball, ball)
            #expect(same.mean == 0 && same.hausdorff(percentile: 100) == 0 && same.dice(toleranceInAngstroms: 0) == 1)
        }
    }

    @Test("only elements within the range of slices count") func ranges() throws {
        let prediction = try SampleVolume(z: 20, y: 12, x: 12) { x, _, z in x < (z < 10 ? 5 : 8) }
        let truth = try SampleVolume(z: 20, y: 12, x: 12) { x, _, _ in x < 5 }
        var comparison = try SurfaceComparison(
            shape: truth.shape, voxelSize: voxelSize(10, 10, 10), convention: .voxels, slices: 2..<6)
        for (a, b) in zip(prediction.slices, truth.slices) { try comparison.add(prediction: a, truth: b) }
        let distances = try comparison.finish()
        #expect(distances.mean == 0)
        #expect(distances.predictionToTruth.elements == distances.truthToPrediction.elements)
        #expect(throws: MetricsError.self) {
            try SurfaceComparison(shape: truth.shape, voxelSize: voxelSize(1, 1, 1), slices: 5..<21)
        }
    }

    @Test("slices that are missing, too many, or of another size are refused") func refusals() throws {
        let shape = try #require(VolumeShape(z: 2, y: 4, x: 4))
        var comparison = try SurfaceComparison(shape: shape, voxelSize: voxelSize(1, 1, 1))
        let (mask, other) = (
            try #require(Mask(height: 4, width: 4, repeating: true)), try #require(Mask(height: 4, width: 5, repeating: true))
        )
        #expect(throws: MetricsError.self) { try comparison.add(prediction: mask, truth: other) }
        try comparison.add(prediction: mask, truth: mask)
        #expect(throws: MetricsError.self) { try comparison.finish() }
        try comparison.add(prediction: mask, truth: mask)
        #expect(throws: MetricsError.self) { try comparison.add(prediction: mask, truth: mask) }
        #expect(try comparison.finish().mean == 0)
    }
}
