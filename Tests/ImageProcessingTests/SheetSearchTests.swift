import Basics
import Foundation
import Testing
import Volumes

@testable import ImageProcessing

@Suite("The search for membranes as sheets") struct SheetSearchTests {
    private let voxelSize: VoxelSize
    /// Short widths, so that a halo of 15 voxels is enough.
    private let parameters: SheetParameters

    init() throws {
        voxelSize = try #require(VoxelSize(cubicInAngstroms: 14))
        parameters = try SheetParameters(tangentialWidths: [40, 20], votingWidth: 40)
    }

    /// Densities `[z][y][x]` of a distance in voxels from the middle of the volume.
    private struct Scene {
        let shape: VolumeShape
        let values: [Float]

        init(shape: VolumeShape, values: [Float]) { (self.shape, self.values) = (shape, values) }

        init(z: Int = 32, side: Int = 40, noise: Double, seed: UInt64 = 1, _ density: (SIMD3<Double>) -> Double) throws {
            shape = try #require(VolumeShape(z: z, y: side, x: side))
            var random = RandomStream(seed: seed)
            let middle = SIMD3(Double(side - 1), Double(side - 1), Double(z - 1)) / 2
            values = (0..<shape.count).map { index in
                let place = SIMD3(Double(index % side), Double(index / side % side), Double(index / (side * side)))
                return Float(density(place - middle) + noise * random.normal())
            }
        }

        func read(_ box: Box) -> [Float] {
            var result: [Float] = []
            for z in box.z {
                for y in box.y {
                    let first = (z * shape.y + y) * shape.x
                    result += values[first + box.x.lowerBound..<first + box.x.upperBound]
                }
            }
            return result
        }
    }

    private func masks(
        _ scene: Scene, _ slices: Range<Int>, bytes: Int = 192 << 20
    ) throws -> (masks: [Mask], surface: SheetSurface) {
        let search = SheetSearch(shape: scene.shape, voxelSize: voxelSize, parameters: parameters, bytes: bytes)
        let ridges = try search.ridges(in: slices, read: scene.read)
        let surface = ridges.surface(above: ridges.threshold)
        let drawing = try SheetDrawing(shape: surface.shape, voxelSize: voxelSize, thicknessInAngstroms: 50)
        return (drawing.masks(of: 0..<slices.count) { surface.codes($0) }, surface)
    }

    private func plane(_ degrees: Double, seed: UInt64 = 1) throws -> (scene: Scene, normal: SIMD3<Double>) {
        let angle = degrees * Double.pi / 180
        let normal = SIMD3(cos(angle), 0, sin(angle))
        let scene = try Scene(noise: 0.2, seed: seed) { place in
            let height = (place * normal).sum()
            return exp(-height * height / 2.5)
        }
        return (scene, normal)
    }

    @Test("a plane of any tilt is found, within a voxel of its place", arguments: [0.0, 30, 60])
    func planes(degrees: Double) throws {
        let (scene, normal) = try plane(degrees)
        let slices = 10..<22
        let (masks, surface) = try masks(scene, slices)
        let middle = SIMD3(Double(scene.shape.x - 1), Double(scene.shape.y - 1), Double(scene.shape.z - 1)) / 2
        var (heights, covered, near) = ([Double](), 0, 0)
        for slice in 0..<slices.count {
            let codes = surface.codes(slice)
            for y in 0..<scene.shape.y {
                for x in 0..<scene.shape.x {
                    let place = SIMD3(Double(x), Double(y), Double(slices.lowerBound + slice)) - middle
                    if let offset = CentreSurface.offset(of: codes[y: y, x: x]) {
                        heights.append(abs(((place + offset) * normal).sum()))
                    }
                    guard abs((place * normal).sum()) <= 0.5 else { continue }
                    near += 1
                    covered += masks[slice][y: y, x: x] ? 1 : 0
                }
            }
        }
        heights.sort()
        try #require(!heights.isEmpty)
        // Where the plane meets its mirror image at the tomogram's face, ridges bend: hence not all.
        #expect(heights.count > near / 4 && heights[heights.count / 2] < 0.75, "\(heights.count) of \(near)")
        #expect(heights[heights.count * 85 / 100] < 1.5, "\(heights[heights.count * 85 / 100])")
        #expect(covered * 10 > near * 8, "\(covered) of \(near)")
    }

    @Test("balls in a row are no sheet, nor is noise")
    func balls() throws {
        let plane = try masks(plane(0).scene, 10..<22).masks.map(\.foregroundCount).reduce(0, +)
        let row = try Scene(noise: 0.2) { place in
            var sum = 0.0
            for k in -1...1 {
                let away = place - SIMD3(Double(k) * 12, 0, 0)
                sum += 1 / (1 + exp(((away * away).sum().squareRoot() - 4) / 0.5))
            }
            return sum
        }
        let noise = try Scene(noise: 1) { _ in 0 }
        for scene in [row, noise] {
            let found = try masks(scene, 10..<22).masks.map(\.foregroundCount).reduce(0, +)
            #expect(found * 2 < plane, "\(found) of \(plane)")
        }
    }

    @Test("in a constant volume there is nothing")
    func constant() throws {
        let scene = try Scene(noise: 0) { _ in 3 }
        let search = SheetSearch(shape: scene.shape, voxelSize: voxelSize, parameters: parameters)
        let ridges = try search.ridges(in: 0..<4, read: scene.read)
        #expect(ridges.count == 0 && ridges.surface(above: ridges.threshold).isEmpty)
        #expect(ridges.threshold == SheetRidges.noise)
    }

    @Test("tiles of another size give nearly the same sheet, and a second search the same places")
    func tiles() throws {
        let scene = try plane(30, seed: 2).scene
        let whole = try masks(scene, 10..<22)
        let again = try masks(scene, 10..<22)
        #expect((0..<12).allSatisfy { whole.surface.codes($0) == again.surface.codes($0) })
        // So little memory that the smallest tiles are taken.
        let search = SheetSearch(shape: scene.shape, voxelSize: voxelSize, parameters: parameters, bytes: 1)
        #expect(search.axes(10..<22).x.tiles > 1)
        let tiled = try masks(scene, 10..<22, bytes: 1)
        #expect(SheetScene.dice(whole.masks, tiled.masks) > 0.8, "\(SheetScene.dice(whole.masks, tiled.masks))")
    }

    @Test("tiles of padding say nothing of the noise: what lies in the others is found")
    func padding() throws {
        // A plane in the first 40 columns of 240: the rest is padding, and so are most tiles.
        let (plane, _) = try plane(0)
        let shape = try #require(VolumeShape(z: plane.shape.z, y: plane.shape.y, x: 240))
        var values = [Float](repeating: 0, count: shape.count)
        for (index, value) in plane.values.enumerated() { values[index / 40 * 240 + index % 40] = value }
        let found = try masks(Scene(shape: shape, values: values), 10..<22, bytes: 1).masks.map { mask in
            (0..<40).count { mask[y: $0, x: 19] || mask[y: $0, x: 20] }
        }
        // Three quarters of 12 rows of 40.
        #expect(found.reduce(0, +) > 360, "\(found)")
    }

    @Test("filters that are too long for their width are refused in a sentence, before any memory is taken")
    func memory() throws {
        let shape = try #require(VolumeShape(z: 40, y: 64, x: 64))
        let search = SheetSearch(
            shape: shape, voxelSize: try #require(VoxelSize(cubicInAngstroms: 4)),
            parameters: try SheetParameters(normalWidth: 5, tangentialWidths: [500, 27], votingWidth: 500))
        #expect { try search.ridges(in: 0..<4) { _ in [] } } throws: { "\($0)".contains("width.across wider") }
    }

    @Test("one slice, one voxel, and voxels longer than a membrane have an answer")
    func corners() throws {
        let slice = try Scene(z: 1, side: 24, noise: 0.1) { exp(-$0.x * $0.x / 2.5) }
        #expect(try masks(slice, 0..<1).masks.count == 1)
        let voxel = try Scene(z: 1, side: 1, noise: 1) { _ in 0 }
        #expect(try masks(voxel, 0..<1).surface.isEmpty)
        let coarse = try #require(VoxelSize(cubicInAngstroms: 120))
        let scene = try Scene(z: 6, side: 20, noise: 1) { _ in 0 }
        let ridges = try SheetSearch(shape: scene.shape, voxelSize: coarse, parameters: parameters).ridges(in: 1..<4) {
            scene.read($0)
        }
        #expect(ridges.shape.z == 3)
        let search = SheetSearch(shape: scene.shape, voxelSize: coarse, parameters: parameters)
        #expect(throws: ImageError.self) { try search.ridges(in: 4..<7) { scene.read($0) } }
        #expect(throws: ImageError.self) { try search.ridges(in: 0..<2) { _ in [] } }
        #expect(throws: ImageError.self) { try SheetParameters(normalWidth: .nan) }
        #expect(throws: ImageError.self) { try SheetParameters(normals: 1) }
    }

    @Test("every group of voxels belongs to one tile, and every voxel of the search to one at most")
    func axes() throws {
        for (count, edge, slices) in [(50, 14.0, 3..<41), (200, 4.4, 20..<180), (100, 10, 0..<100), (7, 30, 2..<3)] {
            for tiles in 1...5 {
                let axis = SheetAxis(count: count, edge: edge, voxels: slices, coarsest: 14, halo: 150, tiles: tiles)
                #expect((0..<axis.tiles).flatMap { Array(axis.core(of: $0)) } == Array(axis.groups))
                for tile in 0..<axis.tiles {
                    let places = axis.searchedCore(of: tile).map { axis.place(Double($0), in: tile) }
                    let voxels = axis.voxels(of: axis.core(of: tile))
                    // The centre of a voxel of the search lies among the tile's own voxels.
                    #expect(
                        places.allSatisfy {
                            $0 >= Double(voxels.lowerBound) - 0.5 && $0 < Double(voxels.lowerBound + axis.bin * axis.core)
                        }
                    )
                    #expect(axis.length >= axis.core + 2 * axis.halo && axis.spacing >= edge)
                }
                #expect(axis.mirrored(-1, in: 0..<axis.groupCount) == 0)
                #expect(axis.mirrored(axis.groupCount, in: 0..<axis.groupCount) == axis.groupCount - 1)
            }
        }
    }

    @Test("of too many places the weaker ones are dropped, and the histogram keeps all")
    func places() throws {
        let shape = try #require(VolumeShape(z: 3, y: 10, x: 10))
        var ridges = try SheetRidges(shape: shape, limit: 100)
        for index in 0..<300 {
            ridges.add(SIMD3(Double(index % 10), Double(index / 10 % 10), Double(index / 100)), votes: Float(index % 30) / 10)
        }
        ridges.add(SIMD3(-3, 0, 0), votes: 9)
        #expect(ridges.count == 300)
        let kept = ridges.surface(above: 0)
        let count = (0..<3).map { slice in kept.codes(slice).values.count { $0 > 0 } }.reduce(0, +)
        #expect(count <= 101 && count > 20, "\(count)")
        #expect(ridges.threshold > 0.9 && ridges.threshold < 2)
        // The strongest are there.
        for index in stride(from: 29, to: 300, by: 30) {
            #expect(kept.codes(index / 100)[y: index / 10 % 10, x: 9] > 0, "\(index)")
        }
    }
}
