import ImageProcessing
import Metrics
import TestSupport
import Testing
import Volumes

@Suite struct SkeletonTests {
    @Test("centre lines are scikit-image's in every voxel") func golden() throws {
        for row in try GoldenFile("skeletons.csv", in: .module).rows() {
            let (mask, skeleton) = try row.masks("skeleton_")
            let ours = try SampleVolume(mask).bits.thinned(to: .curve)
            let theirs = try SampleVolume(skeleton).bits
            let differing = ours.foregroundCount + theirs.foregroundCount - 2 * ours.commonCount(with: theirs)
            let name = try row.text("name")
            #expect(differing == 0, "\(name): \(differing) of \(theirs.foregroundCount)")
        }
    }

    @Test("clDice is that of scikit-image's skeletons") func clDice() throws {
        for row in try GoldenFile("overlaps.csv", in: .module).rows() {
            let (prediction, truth) = try row.masks()
            var comparison = try SkeletonComparison(shape: try SampleVolume(prediction).shape, skeleton: .curve)
            for (prediction, truth) in zip(prediction, truth) { try comparison.add(prediction: prediction, truth: truth) }
            let expected = try row.double("cldice")
            let found = try comparison.finish().dice
            let name = try row.text("name")
            #expect(agrees(found, expected, 1e-12), "\(name): \(String(describing: found)), \(expected)")
        }
    }

    @Test(
        "thinning keeps the Euler number and the components, and lines cannot be thinned again", arguments: SkeletonKind.allCases)
    func topology(kind: SkeletonKind) throws {
        for row in try GoldenFile("skeletons.csv", in: .module).rows() {
            let mask = try SampleVolume(try row.masks("skeleton_").first)
            let skeleton = try mask.bits.thinned(to: kind)
            let name = Comment(rawValue: "\(try row.text("name")), \(kind)")
            let (bits, euler) = (try mask.bits, try row.int("euler"))
            #expect(EulerNumber.of(bits) == euler, name)
            #expect(EulerNumber.of(skeleton) == euler, name)
            #expect(try components(of: skeleton) == row.int("components"), name)
            #expect(skeleton.commonCount(with: bits) == skeleton.foregroundCount, name)
            // Voxels of surfaces stay that parted the background once, even if they do not any more.
            if kind == .curve {
                let isSame = skeleton.thinned(to: kind) == skeleton
                #expect(isSame, name)
            }
        }
    }

    @Test("a sheet is thinned to its middle, one voxel thick", arguments: [3, 4, 7]) func sheet(thickness: Int) throws {
        let sheet = try SampleVolume(z: 24, y: 40, x: 80) { _, _, z in z >= 6 && z < 6 + thickness }
        let surface = try sheet.bits.thinned(to: .surface)
        for y in 8..<32 {
            for x in 8..<72 {
                let places = (0..<24).filter { surface[z: $0, y: y, x: x] }
                #expect(places.count == 1)
                #expect(abs(Double(places.first ?? -1) - (6 + Double(thickness - 1) / 2)) <= 0.5)
            }
        }
        #expect(try sheet.bits.thinned(to: .curve).foregroundCount < 200)
    }

    @Test("bodies that scikit-image removes altogether keep a voxel") func small() throws {
        let cube = try SampleVolume(z: 5, y: 5, x: 5) { x, y, z in
            (1...2).contains(x) && (1...2).contains(y) && (1...2).contains(z)
        }
        #expect(try cube.bits.thinned(to: .curve).foregroundCount == 1)
        #expect(try cube.bits.thinned(to: .surface).foregroundCount >= 1)
        let nothing = try SampleVolume(z: 3, y: 3, x: 3) { _, _, _ in false }
        #expect(try nothing.bits.thinned(to: .curve).foregroundCount == 0)
    }

    @Test("of empty masks precision or recall is nil, and Dice 0 or nil") func empty() throws {
        let rod = try SampleVolume(z: 5, y: 5, x: 70) { _, y, z in (1...3).contains(y) && (1...3).contains(z) }
        let nothing = try SampleVolume(z: 5, y: 5, x: 70) { _, _, _ in false }
        func overlap(_ a: SampleVolume, _ b: SampleVolume) throws -> SkeletonOverlap {
            var comparison = try SkeletonComparison(shape: a.shape)
            for (a, b) in zip(a.slices, b.slices) { try comparison.add(prediction: a, truth: b) }
            return try comparison.finish()
        }
        #expect(try overlap(rod, rod).dice == 1)
        let missed = try overlap(nothing, rod)
        #expect(missed.precision == nil && missed.recall == 0 && missed.dice == 0)
        #expect(try overlap(nothing, nothing).dice == nil)
    }

    private func components(of volume: BitVolume) throws -> Int {
        let shape = volume.shape
        var measurement = try ObjectMeasurement(
            shape: shape, voxelSize: voxelSize(1, 1, 1), classes: [1: "skeleton"], measuresSurface: false)
        for z in 0..<shape.z {
            try measurement.add(
                try #require(
                    Image<UInt8>(
                        height: shape.y, width: shape.x,
                        values: (0..<shape.voxelsPerSlice).map { volume[z: z, y: $0 / shape.x, x: $0 % shape.x] ? 1 : 0 })))
        }
        return try measurement.finish().count
    }
}

/// Vertices − edges + faces − cubes of the union of closed voxels, counted one by one.
private enum EulerNumber {
    static func of(_ volume: BitVolume) -> Int {
        let shape = volume.shape
        func isSet(_ x: Int, _ y: Int, _ z: Int) -> Bool {
            x >= 0 && y >= 0 && z >= 0 && x < shape.x && y < shape.y && z < shape.z && volume[z: z, y: y, x: x]
        }
        var sum = 0
        // A cell of the doubled grid: odd along each axis in which it extends.
        for z in 0...2 * shape.z {
            for y in 0...2 * shape.y {
                for x in 0...2 * shape.x {
                    func voxels(_ cell: Int) -> [Int] { cell % 2 == 1 ? [cell / 2] : [cell / 2 - 1, cell / 2] }
                    let isPart = voxels(z).contains { z in voxels(y).contains { y in voxels(x).contains { isSet($0, y, z) } } }
                    if isPart { sum += (x % 2 + y % 2 + z % 2) % 2 == 0 ? 1 : -1 }
                }
            }
        }
        return sum
    }
}
