import Basics
import TestSupport
import Testing

@testable import Volumes

@Suite("Points outside of their tomogram")
struct PointPlacementTests {
    private typealias Cause = PointPlacement.Cause

    /// Points all over a tomogram of 400 × 360 × 120 voxels, in voxels, and the tomogram.
    private struct Scene {
        let voxelSize: VoxelSize
        let shape: VolumeShape
        let positions: [SIMD3<Double>]

        init(seed: Int, count: Int = 200) throws {
            var random = RandomStream(state: UInt64(seed))
            voxelSize = try #require(VoxelSize(cubicInAngstroms: Double.random(in: 9...15, using: &random)))
            shape = try #require(
                VolumeShape(
                    z: Int.random(in: 100...140, using: &random), y: Int.random(in: 340...380, using: &random),
                    x: Int.random(in: 390...410, using: &random)))
            let size = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z))
            positions = (0..<count).map { _ in
                SIMD3(
                    Double.random(in: 0...1, using: &random), Double.random(in: 0...1, using: &random),
                    Double.random(in: 0...1, using: &random)) * (size - 1)
            }
        }

        var middle: SIMD3<Double> { SIMD3(Double(shape.x), Double(shape.y), Double(shape.z)) / 2 }
        var edge: Double { voxelSize.xInAngstroms }

        func placement(
            _ convention: CoordinateConvention, pixelSize: Double? = nil, knowsVoxelSize: Bool = true,
            _ written: (SIMD3<Double>) -> SIMD3<Double>
        ) throws -> PointPlacement {
            let points = positions.map(written).map { PickedPoint(x: $0.x, y: $0.y, z: $0.z) }
            return try #require(
                PointPlacement(
                    PointSet(points: points, convention: convention, pixelSizeInAngstroms: pixelSize),
                    voxelSize: knowsVoxelSize ? voxelSize : nil, shape: shape))
        }
    }

    @Test("none of the points that lie inside is outside, in any convention", arguments: 0..<20)
    func inside(seed: Int) throws {
        let scene = try Scene(seed: seed)
        let points = scene.positions.map { PickedPoint(x: $0.x, y: $0.y, z: $0.z) }
        for convention in CoordinateConvention.allCases {
            for pixelSize in [nil, scene.edge / 4] {
                let set = PointSet(points: points, convention: .voxel).converted(
                    to: convention, pixelSizeInAngstroms: pixelSize, voxelSize: scene.voxelSize, shape: scene.shape)
                let placement = try #require(PointPlacement(set, voxelSize: scene.voxelSize, shape: scene.shape))
                #expect(placement.outside == 0 && placement.firstOutside == nil && placement.cause == nil && !placement.isWrong)
                #expect(placement.clause(of: "a", shape: scene.shape) == nil)
            }
        }
    }

    @Test("the mistake that was made is the one that is named", arguments: 0..<20)
    func causes(seed: Int) throws {
        let scene = try Scene(seed: seed)
        let (edge, middle) = (scene.edge, scene.middle)
        for factor in [2, 4, 8] {
            let unbinned = { (position: SIMD3<Double>) in position * Double(factor) }
            #expect(
                try scene.placement(.voxel, unbinned).cause
                    == .smallerPixels(sizeInAngstroms: edge / Double(factor), binning: factor))
            #expect(
                try scene.placement(.voxel, knowsVoxelSize: false, unbinned).cause
                    == .smallerPixels(sizeInAngstroms: nil, binning: factor))
            // The file says the pixel size of the tomogram, although it counts the pixels of the tilt series.
            #expect(
                try scene.placement(.relion, pixelSize: edge, unbinned).cause
                    == .smallerPixels(sizeInAngstroms: edge / Double(factor), binning: factor))
        }
        #expect(try scene.placement(.voxel) { $0 * edge }.cause == .angstroms)
        #expect(try scene.placement(.relion) { $0 * edge }.cause == .angstroms)
        #expect(try scene.placement(.voxel) { $0 - middle }.cause == .centredVoxels)
        #expect(try scene.placement(.angstrom) { ($0 - middle) * edge }.cause == .centredAngstroms)
        #expect(try scene.placement(.voxel) { ($0 - middle) * edge }.cause == .centredAngstroms)
        #expect(try scene.placement(.relion5Centered) { $0 * edge }.cause == .uncentred)
        #expect(try scene.placement(.angstrom) { SIMD3($0.z, $0.y, $0.x) * edge }.cause == .exchangedAxes)
        #expect(try scene.placement(.voxel, knowsVoxelSize: false) { SIMD3($0.z, $0.y, $0.x) }.cause == .exchangedAxes)
        #expect(try scene.placement(.voxel) { SIMD3($0.x, $0.y, -1 - $0.z) }.cause == .oppositeZ)
        #expect(try scene.placement(.angstrom) { $0 * edge * 2 }.cause == .largerVoxels(sizeInAngstroms: edge * 2))
        // Voxels of the tomogram, with a pixel size above the tomogram's.
        #expect(
            try scene.placement(.relion, pixelSize: edge * 5) { $0 }.cause == .voxelsInsteadOfPixels(statedInAngstroms: edge * 5))
    }

    @Test("points that no usual mistake explains have no cause; few points outside are counted only")
    func others() throws {
        let scene = try Scene(seed: 5)
        let far = try scene.placement(.voxel) { $0 + 100_000 }
        #expect(far.isWrong && far.outside == far.count && far.cause == nil)
        var index = 0
        let few = try scene.placement(.voxel) { position in
            index += 1
            return index <= 100 ? SIMD3(-1.5, 2, 3) : position
        }
        #expect(few.outside == 100 && few.count == 200 && !few.isWrong && few.cause == nil)
        #expect(few.firstOutside == SIMD3(-1.5, 2, 3))
        #expect(
            few.clause(of: "TS_1", shape: scene.shape)
                == "100 of 200 points lie outside of the \(scene.shape) voxels of TS_1, the first at voxel (-1.5, 2, 3)")
        // Half a voxel beyond the centre of the last voxel is still inside.
        let shape = try #require(VolumeShape(z: 4, y: 4, x: 4))
        let edges = [-0.5, 3.5, -0.51, 3.51].map { PickedPoint(x: $0, y: 0, z: 3.5) }
        #expect(PointPlacement(PointSet(points: edges, convention: .voxel), voxelSize: nil, shape: shape)?.outside == 2)
        #expect(PointPlacement(PointSet(points: [], convention: .voxel), voxelSize: nil, shape: shape)?.isWrong == false)
    }

    @Test("without a voxel size nothing is said of lengths in Å, and voxels are compared")
    func unknownVoxelSize() throws {
        let shape = try #require(VolumeShape(z: 4, y: 4, x: 4))
        let points = [PickedPoint(x: 1, y: 1, z: 9)]
        for (convention, pixelSize) in [(CoordinateConvention.angstrom, nil), (.relion5Centered, nil), (.relion, 2.0)] {
            let set = PointSet(points: points, convention: convention, pixelSizeInAngstroms: pixelSize)
            #expect(PointPlacement(set, voxelSize: nil, shape: shape) == nil)
        }
        for convention in [CoordinateConvention.voxel, .relion, .imod, .dynamo] {
            let placement = PointPlacement(PointSet(points: points, convention: convention), voxelSize: nil, shape: shape)
            #expect(placement?.outside == 1)
        }
        let shifted = [PickedPoint(x: 1, y: 1, z: 1, shiftInAngstroms: [1, 0, 0])]
        #expect(PointPlacement(PointSet(points: shifted, convention: .voxel), voxelSize: nil, shape: shape) == nil)
    }

    @Test("one point at 1600 Å of a cube of 1000 Å: its pixels are half as large as the file says")
    func cube() throws {
        let (voxelSize, shape) = (
            try #require(VoxelSize(cubicInAngstroms: 10)), try #require(VolumeShape(z: 100, y: 100, x: 100))
        )
        func set(_ size: Double) -> PointSet {
            PointSet(points: [PickedPoint(x: 400, y: 400, z: 40)], convention: .relion, pixelSizeInAngstroms: size)
        }
        let outside = try #require(PointPlacement(set(4), voxelSize: voxelSize, shape: shape))
        #expect(outside.isWrong && outside.cause == .smallerPixels(sizeInAngstroms: 2, binning: 2))
        #expect(
            outside.clause(of: "cube", shape: shape)
                == "1 of 1 point lies outside of the 100 × 100 × 100 voxels of cube, at voxel (160, 160, 16)")
        #expect(outside.cause?.description == "their pixels are 2 Å, as before a binning by 2")
        let inside = set(2.25)
        #expect(PointPlacement(inside, voxelSize: voxelSize, shape: shape)?.outside == 0)
        #expect(
            inside.inAngstroms(voxelSize: voxelSize, shape: shape).points.map { [$0.x, $0.y, $0.z] } == [[900, 900, 90]])
    }

    @Test("mirrored twice is where it was, and mirrored once is n − 1 − z with the orientation mirrored", arguments: 0..<20)
    func mirrors(seed: Int) throws {
        let scene = try Scene(seed: seed)
        var random = RandomStream(state: UInt64(seed))
        for convention in CoordinateConvention.allCases {
            var set = PointSet(
                points: scene.positions.map { PickedPoint(x: $0.x, y: $0.y, z: $0.z) }, convention: .voxel
            ).converted(to: convention, voxelSize: scene.voxelSize, shape: scene.shape)
            for index in set.points.indices {
                let angles = (0..<3).map { _ in Double.random(in: -180...180, using: &random) }
                set.points[index].orientation = ParticleOrientation(rot: angles[0], tilt: angles[1], psi: angles[2])
            }
            let mirrored = try #require(set.mirroredAlongZ(voxelSize: scene.voxelSize, shape: scene.shape))
            let voxels = try #require(mirrored.inVoxels(voxelSize: scene.voxelSize, shape: scene.shape))
            for (position, point) in zip(scene.positions, voxels.points) {
                #expect(abs(point.x - position.x) < 1e-9 && abs(point.z - (Double(scene.shape.z - 1) - position.z)) < 1e-9)
            }
            // F · R · F, F = diag(1, 1, −1): the entries in which z occurs once change their sign.
            for (point, original) in zip(mirrored.points, set.points) {
                let (m, r) = (try #require(point.orientation).matrix.rows, try #require(original.orientation).matrix.rows)
                for (m, r, sign) in [(m.0, r.0, 1.0), (m.1, r.1, 1), (m.2, r.2, -1)] {
                    let difference = m - r * sign * SIMD3(1, 1, -1)
                    #expect((difference * difference).sum() < 1e-20)
                }
            }
            let back = try #require(mirrored.mirroredAlongZ(voxelSize: scene.voxelSize, shape: scene.shape))
                .inVoxels(voxelSize: scene.voxelSize, shape: scene.shape)
            for (position, point) in zip(scene.positions, try #require(back).points) { #expect(abs(point.z - position.z) < 1e-9) }
            #expect(set.mirroredAlongZ(voxelSize: nil, shape: scene.shape) == nil || !set.needsVoxelSize)
        }
    }
}
