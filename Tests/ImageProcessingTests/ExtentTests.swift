import Basics
import Foundation
import Testing
import Volumes

@testable import ImageProcessing

/// White noise, stronger between two planes: a sample, for whoever looks at the power of densities alone.
private struct NoisySample {
    /// The height of a surface at the middle of the slices, in voxels, and how much it rises with each voxel.
    struct Surface: Equatable {
        var z: Double
        var slopeX = 0.0
        var slopeY = 0.0
    }

    let shape: VolumeShape
    /// nil where the sample goes on beyond the volume.
    var lower: Surface? = Surface(z: 17, slopeX: 0.06, slopeY: -0.04)
    var upper: Surface? = Surface(z: 46, slopeX: 0.05, slopeY: -0.03)
    /// The power inside, as a multiple of that outside.
    var ratio = 2.0
    /// The centres of beads of gold, 20 times as dark as the noise is strong.
    var beads: [SIMD3<Double>] = []
    var seed: UInt64 = 1

    init(z: Int = 64, side: Int = 128) throws { shape = try #require(VolumeShape(z: z, y: side, x: side)) }

    func height(_ surface: Surface, _ y: Int, _ x: Int) -> Double {
        let (right, down) = (Double(x) - Double(shape.x - 1) / 2, Double(y) - Double(shape.y - 1) / 2)
        return surface.z + surface.slopeX * right + surface.slopeY * down
    }

    func slices() throws -> [Image<Float>] {
        var random = RandomStream(seed: seed)
        let strength = ratio.squareRoot()
        return try (0..<shape.z).map { z in
            let values = (0..<shape.voxelsPerSlice).map { index -> Float in
                let (y, x) = (index / shape.x, index % shape.x)
                let isBelow = lower.map { Double(z) < height($0, y, x) } ?? false
                let isAbove = upper.map { Double(z) > height($0, y, x) } ?? false
                let gold = beads.reduce(0) { sum, bead in
                    let offset = SIMD3(Double(x), Double(y), Double(z)) - bead
                    return sum + 20 * exp(-(offset * offset).sum() / 18)
                }
                return Float(random.normal() * (isBelow || isAbove ? 1 : strength) - gold)
            }
            return try #require(Image(height: shape.y, width: shape.x, values: values))
        }
    }

    func extent() throws -> SampleExtent { try SampleExtent(of: slices(), shape: shape) }

    /// Expects a plane near a surface: to some voxels at the middle, and at the corners by slopes.
    func expect(_ plane: SurfacePlane?, near surface: Surface?, within tolerance: Double) {
        guard let surface else {
            #expect(plane == nil)
            return
        }
        guard let plane else {
            Issue.record("no surface was found, seed \(seed)")
            return
        }
        for (y, x) in [(shape.y / 2, shape.x / 2), (0, 0), (0, shape.x - 1), (shape.y - 1, 0), (shape.y - 1, shape.x - 1)] {
            let distance = abs(plane.height(x: Double(x), y: Double(y)) - height(surface, y, x))
            #expect(distance < (y == shape.y / 2 ? tolerance : 3 * tolerance), "\(plane), seed \(seed)")
        }
        #expect((0.5...1).contains(plane.confidence))
    }
}

extension SampleExtent {
    fileprivate init(of slices: [Image<Float>], shape: VolumeShape, column: Int = 32) throws {
        var finder = try SampleExtentFinder(shape: shape, column: column)
        for slice in slices { try finder.add(slice) }
        self = finder.extent()
    }
}

@Suite("Where a sample begins and ends") struct ExtentTests {
    @Test(
        "both tilted surfaces are found to a slice, and to two where the power inside is 1.3 times that outside",
        arguments: [4, 2, 1.5, 1.3])
    func tilted(ratio: Double) throws {
        for seed in UInt64(1)...3 {
            var sample = try NoisySample()
            (sample.ratio, sample.seed) = (ratio, seed)
            let extent = try sample.extent()
            let tolerance = ratio < 1.5 ? 2.0 : 1
            sample.expect(extent.lower, near: sample.lower, within: tolerance)
            sample.expect(extent.upper, near: sample.upper, within: tolerance)
            #expect(abs(try #require(extent.thickness) - 29) < 2 * tolerance)
        }
    }

    @Test("where few columns of 32 voxels show the difference, blocks of columns do")
    func faint() throws {
        var sample = try NoisySample(z: 48, side: 256)
        (sample.lower, sample.upper) = (.init(z: 12, slopeX: 0.01, slopeY: -0.02), .init(z: 35, slopeX: 0.01, slopeY: -0.02))
        sample.ratio = 1.15
        let extent = try sample.extent()
        sample.expect(extent.lower, near: sample.lower, within: 3)
        sample.expect(extent.upper, near: sample.upper, within: 3)
    }

    @Test("a surface beyond the volume is not found, and the other one is", arguments: [true, false])
    func oneSide(isLower: Bool) throws {
        for seed in UInt64(1)...3 {
            var sample = try NoisySample()
            if isLower { sample.upper = nil } else { sample.lower = nil }
            sample.seed = seed
            let extent = try sample.extent()
            sample.expect(extent.lower, near: sample.lower, within: 2)
            sample.expect(extent.upper, near: sample.upper, within: 2)
            #expect(extent.thickness == nil && extent.confidence >= 0.5)
        }
    }

    @Test("in noise alone nothing is found", arguments: UInt64(1)...10)
    func nothing(seed: UInt64) throws {
        for side in [64, 128] {
            var noise = try NoisySample(side: side)
            (noise.ratio, noise.seed) = (1, seed)
            let extent = try noise.extent()
            #expect(extent == SampleExtent(lower: nil, upper: nil), "\(extent)")
            #expect(extent.confidence == 0)
        }
    }

    @Test("gold beads on and beyond the surfaces move them little")
    func gold() throws {
        var sample = try NoisySample(side: 256)
        sample.beads = [SIMD3(16, 16, 46), SIMD3(80, 48, 55), SIMD3(48, 80, 14), SIMD3(112, 112, 47), SIMD3(48, 112, 8)]
        let extent = try sample.extent()
        sample.expect(extent.lower, near: sample.lower, within: 2)
        sample.expect(extent.upper, near: sample.upper, within: 2)
    }

    @Test("scale and offset of the densities change nothing, and a sample upside down has its surfaces changed over")
    func invariance() throws {
        let sample = try NoisySample()
        let slices = try sample.slices()
        let extent = try SampleExtent(of: slices, shape: sample.shape)
        let (lower, upper) = (try #require(extent.lower), try #require(extent.upper))
        let scaled = try SampleExtent(of: slices.map { $0.map { 500 - 40 * $0 } }, shape: sample.shape)
        let turned = try SampleExtent(of: slices.reversed(), shape: sample.shape)
        for (x, y) in [(0.0, 0.0), (127, 0), (20, 90)] {
            let (low, high) = (lower.height(x: x, y: y), upper.height(x: x, y: y))
            #expect(abs(try #require(scaled.lower).height(x: x, y: y) - low) < 0.01)
            #expect(abs(try #require(scaled.upper).height(x: x, y: y) - high) < 0.01)
            #expect(abs(63 - (try #require(turned.upper).height(x: x, y: y)) - low) < 0.01)
            #expect(abs(63 - (try #require(turned.lower).height(x: x, y: y)) - high) < 0.01)
        }
    }

    @Test("padding at the ends is neither inside nor outside, and densities that are no numbers are passed over")
    func padding() throws {
        let sample = try NoisySample()
        var slices = try sample.slices()
        for z in [0, 1, 2, 61, 62, 63] { slices[z] = slices[z].map { _ in 3 } }
        slices[20][y: 5, x: 9] = .nan
        slices[40][y: 70, x: 33] = .infinity
        let extent = try SampleExtent(of: slices, shape: sample.shape)
        sample.expect(extent.lower, near: sample.lower, within: 2)
        sample.expect(extent.upper, near: sample.upper, within: 2)
    }

    @Test("what has no power, no number, few slices or less than two columns has no surfaces; other sizes are refused")
    func degenerate() throws {
        let none = SampleExtent(lower: nil, upper: nil)
        for value in [Float(7), .nan] {
            let shape = try #require(VolumeShape(z: 20, y: 64, x: 64))
            let slice = try #require(Image<Float>(height: 64, width: 64, repeating: value))
            #expect(try SampleExtent(of: Array(repeating: slice, count: 20), shape: shape) == none)
        }
        #expect(try NoisySample(z: 11).extent() == none)
        #expect(try NoisySample(side: 63).extent() == none)
        #expect(try NoisySample(z: 1, side: 1).extent() == none)
        let shape = try #require(VolumeShape(z: 1, y: 8, x: 8))
        #expect(SampleExtentFinder.isRefused(shape, column: 7) && SampleExtentFinder.isRefused(shape, column: 1025))
        var finder = try SampleExtentFinder(shape: shape)
        let wide = try #require(Image<Float>(height: 8, width: 9, repeating: 0))
        #expect(throws: ImageError.self) { try finder.add(wide) }
        let slice = try #require(Image<Float>(height: 8, width: 8, repeating: 0))
        try finder.add(slice)
        #expect(throws: ImageError.self) { try finder.add(slice) }
    }

    @Test("thickness is along the normal, tilt is that of the mean plane, and what is not known excludes nothing")
    func geometry() throws {
        func plane(_ z: Double, _ slopeX: Double) -> SurfacePlane {
            SurfacePlane(middleX: 9.5, middleY: 19.5, z: z, slopeX: slopeX, slopeY: 0, confidence: z / 100)
        }
        let cubic = try #require(VoxelSize(cubicInAngstroms: 10))
        let slope = tan(Double.pi / 6)
        let extent = SampleExtent(lower: plane(20, slope), upper: plane(50, slope))
        #expect(extent.thickness == 30 && extent.confidence == 0.2)
        #expect(abs(try #require(extent.tiltInDegrees(cubic)) - 30) < 1e-9)
        #expect(abs(try #require(extent.thicknessInAngstroms(cubic)) - 300 * cos(Double.pi / 6)) < 1e-9)
        // Voxels that are half as high make the tilt less: tan t = ½ tan 30°.
        let flat = try #require(VoxelSize(xInAngstroms: 10, yInAngstroms: 10, zInAngstroms: 5))
        #expect(abs(tan(try #require(extent.tiltInDegrees(flat)) * .pi / 180) - slope / 2) < 1e-9)
        #expect(extent.contains(SIMD3(9.5, 0, 20)) && !extent.contains(SIMD3(9.5, 0, 19.9)))
        #expect(extent.contains(SIMD3(19.5, 0, 55.7)) && !extent.contains(SIMD3(19.5, 0, 55.8)))
        let open = SampleExtent(lower: nil, upper: plane(50, 0))
        #expect(open.contains(SIMD3(0, 0, -1000)) && !open.contains(SIMD3(0, 0, 51)))
        #expect(open.thickness == nil && open.thicknessInAngstroms(cubic) == nil && open.tiltInDegrees(cubic) == 0)
        #expect(SampleExtent(lower: nil, upper: nil).tiltInDegrees(cubic) == nil)
    }

    /// Columns of 6 × 6 with levels by a closure of the place, in voxels from the middle, and the slice.
    private func field(depth: Int, noise: Double = 0.1, _ level: (SIMD2<Double>, Double) -> Double) -> SurfaceSearch {
        var random = RandomStream(seed: 5)
        var places: [SIMD2<Double>] = []
        var levels: [Double] = []
        for index in 0..<36 {
            let place = SIMD2<Double>(Double(index % 6) * 32 - 80, Double(index / 6) * 32 - 80)
            places.append(place)
            for slice in 0..<depth {
                let value: Double = level(place, Double(slice) + 0.5)
                levels.append(value + noise * random.normal())
            }
        }
        return SurfaceSearch(places: places, levels: levels, depth: depth)
    }

    @Test("planes part noise from what is stronger, also where they leave the volume over half of the columns")
    func planes() throws {
        func lower(_ place: SIMD2<Double>) -> Double { 4 + 0.15 * place.x }
        func upper(_ place: SIMD2<Double>) -> Double { 34 + 0.15 * place.x }
        // What is inside differs from column to column.
        let search = field(depth: 48) { place, z in
            let phase: Double = place.y + place.x / 7
            return z < lower(place) || z > upper(place) ? -2.0 : -1.2 + 0.2 * sin(phase)
        }
        let fit = try #require(search.best(coarse: search))
        for place in search.places {
            // Beyond the ends of the volume nothing tells where a plane is.
            if lower(place) > 2 { #expect(abs(fit.lower.at(place) - lower(place)) < 1.5, "\(fit.lower)") }
            if upper(place) < 46 { #expect(abs(fit.upper.at(place) - upper(place)) < 1.5, "\(fit.upper)") }
        }
        for isUpper in [false, true] {
            let evidence = search.evidence(for: fit, isUpper: isUpper)
            #expect(evidence.agreement > 0.9 && evidence.contrast > 3 && evidence.columns >= 10, "\(evidence)")
        }
        #expect(search.unevenness(of: fit) < 4)
    }

    @Test("noise, one value and nothing have no planes that stand out, and neither have columns without numbers")
    func nothingToPart() {
        let noise = field(depth: 40) { _, _ in 1 }
        if let fit = noise.best(coarse: noise) {
            for isUpper in [false, true] { #expect(noise.evidence(for: fit, isUpper: isUpper).contrast < 0.9) }
        }
        for value in [3, Double.nan] {
            let constant = field(depth: 40, noise: 0) { _, _ in value }
            #expect(constant.best(coarse: constant) == nil)
        }
    }
}

extension SampleExtentFinder {
    fileprivate static func isRefused(_ shape: VolumeShape, column: Int) -> Bool {
        (try? SampleExtentFinder(shape: shape, column: column)) == nil
    }
}
