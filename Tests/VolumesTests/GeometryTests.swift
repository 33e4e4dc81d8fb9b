import Testing
import Volumes

@Suite("Shapes and boxes")
struct GeometryTests {
    @Test("a shape has at least one voxel and fits an address")
    func shapes() {
        #expect(VolumeShape(z: 1, y: 1, x: 1)?.count == 1)
        #expect(VolumeShape(z: 2, y: 3, x: 4)?.count == 24)
        #expect(VolumeShape(z: 2, y: 3, x: 4)?.description == "4 × 3 × 2")
        for axes in [
            [0, 1, 1], [1, -1, 1], [1, 1, 1 << 31], [1 << 30, 1 << 30, 1], [1 << 21, 1 << 21, 1 << 21], [.min, .max, .max],
        ] {
            #expect(VolumeShape(z: axes[0], y: axes[1], x: axes[2]) == nil)
        }
    }

    @Test("a box is not empty, does not begin below zero, and knows what it lies in")
    func boxes() throws {
        #expect(Box(z: 0..<0, y: 0..<1, x: 0..<1) == nil)
        #expect(Box(z: -1..<1, y: 0..<1, x: 0..<1) == nil)
        let shape = try #require(VolumeShape(z: 2, y: 3, x: 4))
        #expect(shape.box.shape == shape)
        #expect(shape.box.isInside(shape))
        #expect(Box(z: 0..<2, y: 0..<3, x: 1..<5)?.isInside(shape) == false)
        #expect(shape.slices(1..<2)?.shape == VolumeShape(z: 1, y: 3, x: 4))
        #expect(shape.slices(1..<3) == nil)
        #expect(shape.slices(0..<0) == nil)
    }

    @Test("a voxel size converts positions and volumes, x first")
    func voxelEdges() throws {
        let size = try #require(VoxelSize(xInAngstroms: 2, yInAngstroms: 4, zInAngstroms: 8))
        #expect(size.vectorInAngstroms == SIMD3(2, 4, 8))
        #expect(size.volumeInCubicAngstroms == 64)
        #expect(size.volumeInCubicNanometers == 0.064)
        #expect(abs(size.meanInAngstroms - 4) < 1e-12)
        // The cube root of 13.48³ need not be 13.48 in the last digit.
        #expect(VoxelSize(cubicInAngstroms: 13.48)?.meanInAngstroms == 13.48)
    }

    @Test("streaming boxes cover a volume once, in storage order, within their limit")
    func streaming() throws {
        for axes in [(1, 1, 1), (7, 5, 3), (64, 9, 11), (3, 100, 10)] {
            let shape = try #require(VolumeShape(z: axes.0, y: axes.1, x: axes.2))
            for limit in [1, 10, 33, 500, 1 << 20] {
                for (chunk, chunkLimit) in [
                    (nil, 0), (VolumeShape(z: 4, y: 3, x: 2), 0), (VolumeShape(z: 4, y: 64, x: 64), 2000),
                ] {
                    var expected = 0
                    for box in shape.streamingBoxes(voxelLimit: limit, chunkShape: chunk, chunkLimit: chunkLimit) {
                        #expect(box.isInside(shape))
                        // A run of whole rows begins where the one before ended.
                        #expect(box.x == 0..<shape.x && (box.z.count == 1 || box.y == 0..<shape.y))
                        #expect((box.z.lowerBound * shape.y + box.y.lowerBound) * shape.x == expected)
                        #expect(box.shape.count <= max(limit, chunkLimit, shape.x))
                        expected += box.shape.count
                    }
                    #expect(expected == shape.count)
                }
            }
        }
    }

    @Test("streaming boxes grow to whole chunks where they may, and otherwise cut them evenly")
    func chunks() throws {
        let shape = try #require(VolumeShape(z: 100, y: 10, x: 10))
        let chunk = VolumeShape(z: 32, y: 8, x: 8)
        func slices(limit: Int, chunkLimit: Int) -> [Int] {
            shape.streamingBoxes(voxelLimit: limit, chunkShape: chunk, chunkLimit: chunkLimit).map(\.shape.z)
        }
        #expect(slices(limit: 100, chunkLimit: 3200) == [32, 32, 32, 4])
        #expect(slices(limit: 7000, chunkLimit: 0) == [64, 36])
        #expect(slices(limit: 1900, chunkLimit: 0) == [16, 16, 16, 16, 16, 16, 4])
    }

    @Test("a voxel size is a plausible length, and agrees within a thousandth")
    func voxelSizes() throws {
        for edge in [0, -1, .nan, .infinity, 1e-3, 1e5] { #expect(VoxelSize(cubicInAngstroms: edge) == nil) }
        #expect(VoxelSize(xInAngstroms: 1, yInAngstroms: 1, zInAngstroms: 0) == nil)
        let size = try #require(VoxelSize(cubicInAngstroms: 10))
        #expect(size.description == "10.0 Å")
        #expect(try size.agrees(with: #require(VoxelSize(cubicInAngstroms: 10.009))))
        #expect(try !size.agrees(with: #require(VoxelSize(cubicInAngstroms: 10.02))))
    }
}
