import Basics
import Foundation
import Testing
import Volumes

@testable import ImageProcessing

@Suite("The part of a slice that lies in the sample") struct SampleSectionTests {
    /// A volume, an extent and a margin by chance: sides from 1, slopes up to those of a wall, surfaces that cross or are missing.
    private struct Case {
        let shape: VolumeShape
        let extent: SampleExtent
        let margin: Double

        init(seed: UInt64) throws {
            var random = RandomStream(seed: seed)
            func uniform(_ range: ClosedRange<Double>) -> Double {
                range.lowerBound + (range.upperBound - range.lowerBound) * random.unit()
            }
            func whole(_ range: ClosedRange<Double>) -> Int { Int(uniform(range)) }
            let shape = try #require(VolumeShape(z: whole(1...30), y: whole(1...40), x: whole(1...40)))
            func slope() -> Double {
                switch whole(0...3.99) {
                case 0: 0
                case 1: uniform(-0.1...0.1)
                case 2: uniform(-2...2)
                // Heights that are whole numbers: a pixel lies on the surface.
                default: Double(whole(-2...2))
                }
            }
            func plane() -> SurfacePlane? {
                guard random.unit() > 0.2 else { return nil }
                let height = uniform(-5...Double(shape.z + 5))
                return SurfacePlane(
                    middleX: Double(shape.x - 1) / 2, middleY: Double(shape.y - 1) / 2,
                    z: random.unit() < 0.5 ? height : height.rounded(), slopeX: slope(), slopeY: slope(), confidence: 1)
            }
            self.shape = shape
            (extent, margin) = (SampleExtent(lower: plane(), upper: plane()), Double(whole(0...4)) / 2)
        }
    }

    @Test("is exactly the pixels that the extent contains, whatever the planes", arguments: UInt64(1)...100)
    func contains(seed: UInt64) throws {
        let scene = try Case(seed: seed)
        let (shape, extent) = (scene.shape, scene.extent)
        for z in 0..<shape.z {
            let section = extent.section(z: z, height: shape.y, width: shape.x, margin: scene.margin)
            let expected = (0..<shape.voxelsPerSlice).map { index in
                extent.contains(
                    SIMD3(Double(index % shape.x), Double(index / shape.x), Double(z)), margin: scene.margin)
            }
            let found = (0..<shape.voxelsPerSlice).map { section.rows[$0 / shape.x].contains($0 % shape.x) }
            #expect(found == expected, "seed \(seed), slice \(z)")
            #expect(section.isEmpty == !expected.contains(true) && section.isWhole == !expected.contains(false))
            var pixels = [UInt8](repeating: 7, count: shape.voxelsPerSlice)
            section.clear(&pixels, to: 1)
            #expect(pixels == expected.map { $0 ? 7 : 1 })
            let mask = try #require(Mask(height: shape.y, width: shape.x, repeating: true))
            #expect(mask.cleared(outside: section, to: false).values == expected)
        }
    }

    @Test("is of the slices that show the sample, for a tilted slab")
    func slices() throws {
        let shape = try #require(VolumeShape(z: 40, y: 20, x: 30))
        for (lower, upper, slopeX, slopeY) in [
            (10.0, 25.0, 0.2, -0.3), (10.0, 12.5, 0, 0), (-20, 60, 0.1, 0.1), (30, 44, -0.4, 0.4), (-9, 3, 0.5, 0),
        ] {
            func plane(_ z: Double) -> SurfacePlane {
                SurfacePlane(middleX: 14.5, middleY: 9.5, z: z, slopeX: slopeX, slopeY: slopeY, confidence: 1)
            }
            for extent in [
                SampleExtent(lower: plane(lower), upper: plane(upper)), SampleExtent(lower: plane(lower), upper: nil),
                SampleExtent(lower: nil, upper: plane(upper)),
            ] {
                let shown = (0..<shape.z).filter { !extent.section(z: $0, height: shape.y, width: shape.x).isEmpty }
                #expect(extent.slices(of: shape).map(Array.init) ?? [] == shown, "\(extent)")
            }
        }
        let beyond = SurfacePlane(middleX: 14.5, middleY: 9.5, z: 50, slopeX: 0, slopeY: 0, confidence: 1)
        #expect(SampleExtent(lower: beyond, upper: nil).slices(of: shape) == nil)
        #expect(SampleExtent(lower: nil, upper: nil).slices(of: shape) == 0..<40)
    }

    @Test("has a line where a surface crosses the slice, from border to border", arguments: UInt64(1)...100)
    func crossing(seed: UInt64) throws {
        let scene = try Case(seed: seed)
        let shape = scene.shape
        guard let plane = scene.extent.lower else { return }
        for z in 0..<shape.z {
            let section = SampleExtent(lower: plane, upper: nil).section(z: z, height: shape.y, width: shape.x)
            guard let (from, to) = plane.crossing(z: z, shape: shape) else {
                // A row that touches the surface exactly is on both of its sides.
                let heights = plane.heights(over: shape)
                #expect(section.isEmpty || section.isWhole || heights.contains(Double(z)), "seed \(seed), slice \(z)")
                continue
            }
            for end in [from, to] {
                #expect(abs(plane.height(x: end.x, y: end.y) - Double(z)) < 1e-6)
                let beside = [end.x + 0.5, Double(shape.x) - 0.5 - end.x, end.y + 0.5, Double(shape.y) - 0.5 - end.y]
                #expect(beside.allSatisfy { $0 > -1e-6 } && beside.contains { abs($0) < 1e-6 }, "seed \(seed): \(from) \(to)")
            }
        }
    }

    @Test("surfaces that are far from parallel contradict one another; one alone does not")
    func parallel() {
        func plane(_ slopeX: Double, _ slopeY: Double) -> SurfacePlane {
            SurfacePlane(middleX: 20, middleY: 10, z: 5, slopeX: slopeX, slopeY: slopeY, confidence: 1)
        }
        #expect(SampleExtent(lower: plane(0.3, -0.2), upper: plane(0.25, -0.28)).isNearlyParallel)
        #expect(!SampleExtent(lower: plane(0.1, 0), upper: plane(-0.1, 0)).isNearlyParallel)
        #expect(!SampleExtent(lower: plane(0, -0.2), upper: plane(0, 0)).isNearlyParallel)
        #expect(SampleExtent(lower: plane(2, 2), upper: nil).isNearlyParallel)
        #expect(SampleExtent(lower: nil, upper: nil).isNearlyParallel)
    }

    @Test("a line is where it was computed by hand, and a level surface has none")
    func lines() throws {
        let shape = try #require(VolumeShape(z: 10, y: 21, x: 41))
        func plane(_ slopeX: Double, _ slopeY: Double) -> SurfacePlane {
            SurfacePlane(middleX: 20, middleY: 10, z: 5, slopeX: slopeX, slopeY: slopeY, confidence: 1)
        }
        // It rises by one slice in ten voxels along x.
        let (from, to) = try #require(plane(0.1, 0).crossing(z: 6, shape: shape))
        #expect(abs(from.x - 30) < 1e-9 && abs(to.x - 30) < 1e-9)
        #expect(abs(min(from.y, to.y) + 0.5) < 1e-9 && abs(max(from.y, to.y) - 20.5) < 1e-9)
        #expect(plane(0.1, 0).crossing(z: 8, shape: shape) == nil)
        #expect(plane(0, 0).crossing(z: 5, shape: shape) == nil)
    }
}
