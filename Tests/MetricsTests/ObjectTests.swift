import Basics
import ImageProcessing
import Metrics
import TestSupport
import Testing
import Volumes

@Suite struct ObjectTests {
    private func measure(
        _ slices: [Image<UInt8>], _ size: VoxelSize, classes: [UInt8: String] = [1: "a", 2: "b"],
        leastVoxels: Int = 1, measuresSurface: Bool = false,
        density: [Image<Float>]? = nil, uncertainty: [Image<Float>]? = nil
    ) throws -> [MeasuredObject] {
        let first = try #require(slices.first)
        let shape = try #require(VolumeShape(z: slices.count, y: first.height, x: first.width))
        var measurement = try ObjectMeasurement(
            shape: shape, voxelSize: size, classes: classes, ignoring: [255], leastVoxels: leastVoxels,
            measuresSurface: measuresSurface)
        for (z, slice) in slices.enumerated() { try measurement.add(slice, density: density?[z], uncertainty: uncertainty?[z]) }
        return try measurement.finish()
    }

    /// Flood fill, voxel by voxel.
    private func flooded(_ slices: [Image<UInt8>]) -> [Int] {
        let (depth, height, width) = (slices.count, slices[0].height, slices[0].width)
        var isSeen = [Bool](repeating: false, count: depth * height * width)
        var sizes: [Int] = []
        for start in isSeen.indices where !isSeen[start] && slices[start / (height * width)].values[start % (height * width)] > 0
        {
            let label = slices[start / (height * width)].values[start % (height * width)]
            var (stack, size) = ([start], 0)
            isSeen[start] = true
            while let voxel = stack.popLast() {
                size += 1
                let (z, y, x) = (voxel / (height * width), voxel / width % height, voxel % width)
                for dz in -1...1 {
                    for dy in -1...1 {
                        for dx in -1...1 {
                            let (a, b, c) = (z + dz, y + dy, x + dx)
                            guard a >= 0, b >= 0, c >= 0, a < depth, b < height, c < width else { continue }
                            let other = (a * height + b) * width + c
                            guard !isSeen[other], slices[a].values[b * width + c] == label else { continue }
                            isSeen[other] = true
                            stack.append(other)
                        }
                    }
                }
            }
            sizes.append(size)
        }
        return sizes
    }

    @Test(
        "objects are those of a flood fill, in order of their first voxels, and the components of a volume",
        arguments: [0.02, 0.05, 0.3])
    func floods(part: Double) throws {
        var random = RandomStream(state: 4)
        let slices = try (0..<9).map { _ in
            try #require(
                Image<UInt8>(
                    height: 23, width: 71,
                    values: (0..<23 * 71).map { _ in
                        let value = Double.random(in: 0..<1, using: &random)
                        return value < part ? 1 : value < 2 * part ? 2 : 0
                    }))
        }
        let objects = try measure(slices, voxelSize(1, 1, 1))
        #expect(objects.map(\.voxels) == flooded(slices))
        // What segment and pseudo-labels call a piece is what measure does.
        for (label, name) in [(UInt8(1), "a"), (2, "b")] {
            var pieces = VolumeComponents()
            for slice in slices { try pieces.add(slice.map { $0 == label }) }
            #expect(pieces.finished().components.map(\.voxels) == objects.filter { $0.className == name }.map(\.voxels))
        }
    }

    @Test("volume, place, box and axes of a block") func block() throws {
        let block = try SampleVolume(z: 12, y: 20, x: 30) { x, y, z in
            (5..<25).contains(x) && (4..<10).contains(y) && (3..<6).contains(z)
        }
        let object = try #require(try measure(block.labels(), voxelSize(10, 20, 30)).first)
        #expect(object.voxels == 360 && object.className == "a" && !object.touchesBorder)
        #expect(agrees(object.volumeInCubicNanometers, 360 * 6, 1e-12))
        #expect(object.centroidInAngstroms == SIMD3(145, 130, 120))
        #expect(object.lowerInAngstroms == SIMD3(45, 70, 75) && object.upperInAngstroms == SIMD3(245, 190, 165))
        // A block of length L has a variance of L² / 12.
        let factor = 2 * (5.0 / 12).squareRoot()
        #expect(agrees(object.axisLengthsInAngstroms.x, 200 * factor, 1e-9))
        #expect(agrees(object.axisLengthsInAngstroms.y, 120 * factor, 1e-9))
        #expect(agrees(object.axisLengthsInAngstroms.z, 90 * factor, 1e-9))
        #expect(abs(object.principalAxis.x - 1) < 1e-9)
        #expect(agrees(object.elongation, 200.0 / 120, 1e-9) && agrees(object.flatness, 120.0 / 90, 1e-9))
        #expect(object.meanDensity == nil && object.surfaceAreaInSquareNanometers == nil)
    }

    @Test("a tilted rod's axis is found, and a ball's axes are its diameter") func axes() throws {
        let direction = SIMD3(2.0, 1.0, 0.5) / (5.25).squareRoot()
        let rod = try SampleVolume(z: 40, y: 50, x: 80) { x, y, z in
            let place = SIMD3(Double(x) - 40, Double(y) - 25, Double(z) - 20)
            let along = (place * direction).sum()
            let across = place - along * direction
            return abs(along) < 30 && (across * across).sum() < 16
        }
        let object = try #require(try measure(rod.labels(), voxelSize(10, 10, 10)).first)
        #expect(abs((object.principalAxis * direction).sum()) > 0.9999)
        #expect(object.elongation > 5 && abs(object.flatness - 1) < 0.03)
        let ball = try SampleVolume(z: 41, y: 41, x: 41) { x, y, z in
            (x - 20) * (x - 20) + (y - 20) * (y - 20) + (z - 20) * (z - 20) <= 225
        }
        let round = try #require(try measure(ball.labels(), voxelSize(10, 10, 10)).first)
        #expect(agrees(round.axisLengthsInAngstroms.x, 300, 0.01) && agrees(round.equivalentDiameterInNanometers, 30, 0.01))
    }

    @Test("densities and uncertainties are averaged over an object, and must be numbers within it") func densities() throws {
        let labels = try #require(Image<UInt8>(height: 1, width: 6, values: [1, 1, 0, 2, 0, 255]))
        func density(_ values: [Float]) throws -> [Image<Float>] {
            [try #require(Image<Float>(height: 1, width: 6, values: values))]
        }
        let objects = try measure([labels], voxelSize(1, 1, 1), density: try density([1, 4, .nan, -3, 0, .nan]))
        #expect(objects.map(\.meanDensity) == [2.5, -3] && objects.allSatisfy { $0.meanUncertainty == nil })
        let unsure = try measure([labels], voxelSize(1, 1, 1), uncertainty: try density([0.5, 0, .nan, 0.125, 0, .nan]))
        #expect(unsure.map(\.meanUncertainty) == [0.25, 0.125] && unsure.allSatisfy { $0.meanDensity == nil })
        #expect(throws: MetricsError.self) {
            try measure([labels], voxelSize(1, 1, 1), density: try density([1, .infinity, 0, 0, 0, 0]))
        }
        #expect(throws: MetricsError.self) {
            try measure([labels], voxelSize(1, 1, 1), uncertainty: try density([1, .infinity, 0, 0, 0, 0]))
        }
    }

    @Test("small objects are left out, unknown labels and missing slices refused") func refusals() throws {
        let labels = try #require(Image<UInt8>(height: 1, width: 6, values: [1, 1, 0, 2, 0, 255]))
        #expect(try measure([labels], voxelSize(1, 1, 1), leastVoxels: 2).map(\.className) == ["a"])
        let error = #expect(throws: MetricsError.self) { try measure([labels], voxelSize(1, 1, 1), classes: [1: "a"]) }
        #expect(error?.code == .unknownLabel)
        let shape = try #require(VolumeShape(z: 2, y: 1, x: 6))
        var measurement = try ObjectMeasurement(
            shape: shape, voxelSize: voxelSize(1, 1, 1), classes: [1: "a", 2: "b"], ignoring: [255])
        try measurement.add(labels)
        #expect(throws: MetricsError.self) { try measurement.finish() }
        #expect(throws: MetricsError.self) {
            try measurement.add(labels, density: Image<Float>(height: 1, width: 6, repeating: 0))
        }
        try measurement.add(labels)
        #expect(try measurement.finish().count == 2)
        #expect(try measurement.finish().count == 2)
        #expect(throws: MetricsError.self) { try measurement.add(labels) }
    }

    @Test("distances to a class are those to its nearest voxel") func distances() throws {
        let sheet = try SampleVolume(z: 10, y: 10, x: 100) { x, _, _ in x == 70 }
        var membrane = try ClassDistances(shape: sheet.shape, voxelSize: voxelSize(10, 10, 10))
        #expect(throws: MetricsError.self) { try membrane.distanceInAngstroms(from: .zero) }
        for slice in sheet.slices { try membrane.add(slice) }
        #expect(
            try membrane.distancesInAngstroms(from: [SIMD3(0, 50, 50), SIMD3(705, 0, 0), SIMD3(700, -30, 130)]) == [700, 5, 50])
        #expect(throws: MetricsError.self) { try membrane.distanceInAngstroms(from: SIMD3(.nan, 0, 0)) }
        var nothing = try ClassDistances(shape: sheet.shape, voxelSize: voxelSize(10, 10, 10))
        for slice in sheet.slices { try nothing.add(slice.map { _ in false }) }
        #expect(try nothing.distanceInAngstroms(from: .zero) == nil)
    }

    @Test("nearest neighbours are those of every pair") func neighbors() throws {
        var random = RandomStream(state: 6)
        for count in [0, 1, 2, 3, 50, 400] {
            // In a plane, so that cells are not cubes of one point each.
            let points = (0..<count).map { _ in
                SIMD3(Double.random(in: 0..<1000, using: &random), Double.random(in: 0..<10, using: &random), 3)
            }
            let expected = points.indices.map { index -> Double? in
                points.indices.filter { $0 != index }.map { other in
                    let offset = points[other] - points[index]
                    return (offset * offset).sum().squareRoot()
                }.min()
            }
            let found = try NearestNeighbors.nearest(among: points).map { $0?.distance }
            #expect(zip(found, expected).allSatisfy { $0 == $1 || agrees($0, $1 ?? -1, 1e-12) })
        }
        #expect(
            try NearestNeighbors.nearest(from: [.zero, SIMD3(5e6, 0, 0)], to: [SIMD3(3, 4, 0)]).map { $0?.distance } == [
                5, (4_999_997.0 * 4_999_997 + 16).squareRoot(),
            ])
        #expect(
            try NearestNeighbors.nearest(among: [.zero, .zero]).map { $0?.index } == [1, 0])
        #expect(throws: MetricsError.self) { try NearestNeighbors.nearest(among: [SIMD3(0, .nan, 0)]) }
    }
}

@Suite("Parts of objects") struct ObjectPartTests {
    @Test("parts that a later slice joins are one object, and what is too small is none") func joined() throws {
        let shape = try #require(VolumeShape(z: 2, y: 3, x: 7))
        let voxelSize = try #require(VoxelSize(cubicInAngstroms: 10))
        var measurement = try ObjectMeasurement(
            shape: shape, voxelSize: voxelSize, classes: [1: "membrane"], leastVoxels: 2, measuresSurface: false)
        // Two columns and a speck; the next slice joins the columns.
        let first: [UInt8] = [1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0]
        let second: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        try measurement.add(#require(Image(height: 3, width: 7, values: first)))
        let parts = measurement.partsOfLastSlice
        #expect(parts.map { $0 > 0 } == first.map { $0 == 1 })
        #expect(Set(parts).count == 4)
        #expect(measurement.position(ofPart: parts[0]) == nil)
        try measurement.add(#require(Image(height: 3, width: 7, values: second)))
        #expect(try measurement.finish().map(\.voxels) == [10])
        #expect(measurement.position(ofPart: parts[0]) == 0 && measurement.position(ofPart: parts[3]) == 0)
        #expect(measurement.position(ofPart: parts[6]) == nil && measurement.position(ofPart: 0) == nil)
    }
}
