import TestSupport
import Testing
import Volumes

@testable import ImageProcessing

@Suite("Surfaces of objects") struct SurfaceTests {
    private static let middle = SIMD3(400.0, 430, 470)

    private static func shape(_ x: Int, _ y: Int, _ z: Int) throws -> VolumeShape { try #require(VolumeShape(z: z, y: y, x: x)) }

    /// An object by the value at each voxel.
    private static func object(_ box: Box, _ value: @escaping (_ x: Int, _ y: Int, _ z: Int) -> Float) -> SurfaceObject {
        SurfaceObject(box: box) { z, box in box.y.flatMap { y in box.x.map { x in value(x, y, z) } } }
    }

    private static func topology(_ mesh: SurfaceMesh) -> MeshTopology { MeshTopology(mesh.positions, mesh.triangles) }

    /// The mesh of a few voxels, each 1 Å long, without smoothing.
    private static func mesh(_ shape: VolumeShape, _ value: @escaping (Int, Int, Int) -> Float) throws -> SurfaceMesh {
        let size = try #require(VoxelSize(cubicInAngstroms: 1))
        let builder = try SurfaceBuilder(shape: shape, voxelSize: size, smoothingInAngstroms: 0, triangleLimit: 1_000_000)
        return try #require(try builder.surfaces(of: [object(shape.box, value)]).meshes.first)
    }

    @Test("a ball and a ring have their volume, area and holes, and normals point outwards, also with voxels of unequal edges")
    func solids() throws {
        let shape = try Self.shape(80, 72, 64)
        let size = try #require(VoxelSize(xInAngstroms: 10, yInAngstroms: 12, zInAngstroms: 15))
        func offset(_ x: Int, _ y: Int, _ z: Int) -> SIMD3<Double> {
            SIMD3(Double(x), Double(y), Double(z)) * size.vectorInAngstroms - Self.middle
        }
        /// From the circle in the middle of the ring.
        func fromCircle(_ v: SIMD3<Double>) -> SIMD3<Double> {
            let radius = (v.x * v.x + v.y * v.y).squareRoot()
            return radius > 0 ? v - SIMD3(v.x, v.y, 0) * (220 / radius) : v - SIMD3(220, 0, 0)
        }
        func length(_ v: SIMD3<Double>) -> Double { (v * v).sum().squareRoot() }
        let ball = Self.object(shape.box) { x, y, z in length(offset(x, y, z)) <= 250 ? 1 : 0 }
        let ring = Self.object(shape.box) { x, y, z in length(fromCircle(offset(x, y, z))) <= 90 ? 1 : 0 }
        for smoothing in [0.0, 10] {
            let builder = try SurfaceBuilder(
                shape: shape, voxelSize: size, smoothingInAngstroms: smoothing, triangleLimit: 1_000_000)
            let surfaces = try builder.surfaces(of: [ball, ring])
            #expect(surfaces.binning == 1)
            for (index, mesh) in surfaces.meshes.enumerated() {
                let topology = Self.topology(mesh)
                #expect(topology.isClosed && topology.pieces == 1)
                #expect(topology.eulerCharacteristic == (index == 0 ? 2 : 0))
                let volume = index == 0 ? 4 / 3 * Double.pi * 250 * 250 * 250 : 2 * Double.pi * Double.pi * 220 * 90 * 90
                let area = index == 0 ? 4 * Double.pi * 250 * 250 : 4 * Double.pi * Double.pi * 220 * 90
                // A mask has steps, which make the area 3 % larger; smoothing makes the ring 1.3 % smaller.
                #expect(abs(mesh.volume / volume - 1) < 0.025 && abs(mesh.area / area - 1) < 0.045)
                #expect(abs(mesh.volume / topology.volume - 1) < 1e-9 && abs(mesh.area / topology.area - 1) < 1e-9)
                let cosines = zip(mesh.positions, mesh.normals).map { position, normal in
                    let v = SIMD3<Double>(position) - Self.middle
                    let outward = index == 0 ? v : fromCircle(v)
                    return (SIMD3<Double>(normal) * outward).sum() / length(outward)
                }
                #expect(cosines.allSatisfy { $0 > (smoothing > 0 ? 0.9 : 0.75) })
                #expect(cosines.reduce(0, +) / Double(cosines.count) > 0.97)
            }
        }
    }

    @Test("any values give closed 2-manifolds", arguments: 0..<40)
    func noise(seed: Int) throws {
        let shape = try Self.shape(7, 6, 4 + seed % 3)
        var state = UInt64(seed + 1)
        let part = [0.1, 0.3, 0.5, 0.7, 0.9][seed % 5]
        let values = (0..<shape.count).map { _ -> Float in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let number = Double(state >> 40) / Double(1 << 24)
            // Masks, and values of any kind.
            return seed % 2 == 0 ? (number < part ? 1 : 0) : Float(number) + Float(part) - 0.5
        }
        let mesh = try Self.mesh(shape) { x, y, z in values[(z * shape.y + y) * shape.x + x] }
        let topology = Self.topology(mesh)
        #expect(!mesh.triangles.isEmpty)
        #expect(topology.faultyEdges == 0 && topology.faultyVertices == 0, "\(topology)")
        #expect(topology.eulerCharacteristic.isMultiple(of: 2) && topology.volume > 0)
        #expect(mesh.normals.allSatisfy { abs(($0 * $0).sum() - 1) < 1e-3 })
    }

    @Test("a code of a cell has at most one face that a loop passes twice, and the loops of edges are all there")
    func cells() {
        let cells = SurfaceCells.standard
        for code in 0..<256 {
            for loops in [cells.joined[code], cells.parted[code]] {
                for (edge, ends) in SurfaceCells.corners.enumerated() {
                    let isCrossed = (code >> ends.first & 1) != (code >> ends.second & 1)
                    #expect((loops.loopOfEdge[edge] != SurfaceCells.Loops.none) == isCrossed)
                }
                // Three edges or more for each loop.
                for loop in 0..<loops.count { #expect(loops.loopOfEdge.count { Int($0) == loop } >= 3) }
            }
            #expect(cells.doubleFaces[code] == nil || cells.parted[code].count == cells.joined[code].count + 1)
        }
        #expect(cells.doubleFaces.contains { $0 != nil })
    }

    @Test("voxels that share an edge of a sheet are one piece; two voxels alone that share an edge are two")
    func diagonals() throws {
        let shape = try Self.shape(12, 12, 6)
        let sheet = Self.topology(try Self.mesh(shape) { x, y, _ in x + y == 11 ? 1 : 0 })
        #expect(sheet.isClosed && sheet.pieces == 1 && sheet.eulerCharacteristic == 2)
        let pair = Self.topology(try Self.mesh(shape) { x, y, z in z == 2 && (x == 3 && y == 3 || x == 4 && y == 4) ? 1 : 0 })
        #expect(pair.isClosed && pair.pieces == 2 && pair.eulerCharacteristic == 4)
    }

    @Test("a voxel's faces lie half a voxel from its centre, and objects are closed where the tomogram ends")
    func places() throws {
        let shape = try Self.shape(40, 32, 6)
        let size = try #require(VoxelSize(xInAngstroms: 10, yInAngstroms: 20, zInAngstroms: 5))
        for smoothing in [0.0, 8] {
            let builder = try SurfaceBuilder(
                shape: shape, voxelSize: size, smoothingInAngstroms: smoothing, triangleLimit: 100_000)
            // Its own box is enough: it is enlarged by what smoothing needs.
            let box = try #require(Box(z: 0..<6, y: 0..<32, x: 10..<20))
            let slab = Self.object(box) { x, _, _ in (10..<20).contains(x) ? 1 : 0 }
            let mesh = try #require(try builder.surfaces(of: [slab]).meshes.first)
            #expect(Self.topology(mesh).isClosed && Self.topology(mesh).eulerCharacteristic == 2)
            let low = mesh.positions.reduce(SIMD3(repeating: Float.infinity)) { pointwiseMin($0, $1) }
            let high = mesh.positions.reduce(SIMD3(repeating: -Float.infinity)) { pointwiseMax($0, $1) }
            // The Gaussian of 0.8 voxels moves the face of a slab of 10 voxels by less than a thousandth.
            for (found, expected) in [(low, SIMD3<Float>(95, -10, -2.5)), (high, SIMD3<Float>(195, 630, 27.5))] {
                for axis in 0..<3 { #expect(abs(found[axis] - expected[axis]) < 0.5, "\(found)") }
            }
            // Edges are bevelled by half a voxel.
            #expect(abs(mesh.volume / (100 * 640 * 30) - 1) < 0.06)
        }
    }

    @Test("a limit of triangles makes the grid coarser, and the result says so")
    func limit() throws {
        let shape = try Self.shape(80, 72, 64)
        let size = try #require(VoxelSize(cubicInAngstroms: 10))
        let ball = Self.object(shape.box) { x, y, z in
            let v = SIMD3(Double(x - 40), Double(y - 36), Double(z - 32))
            return (v * v).sum() <= 25 * 25 ? 1 : 0
        }
        for (limit, binnings) in [(100_000, 1...1), (6000, 2...3), (600, 4...8)] {
            let builder = try SurfaceBuilder(shape: shape, voxelSize: size, smoothingInAngstroms: 0, triangleLimit: limit)
            let surfaces = try builder.surfaces(of: [ball])
            let mesh = try #require(surfaces.meshes.first)
            #expect(binnings.contains(surfaces.binning) && mesh.triangles.count <= limit, "\(surfaces.binning)")
            let topology = Self.topology(mesh)
            #expect(topology.isClosed && topology.eulerCharacteristic == 2)
            #expect(abs(topology.volume / (4 / 3 * Double.pi * 250 * 250 * 250) - 1) < 0.2)
            // The middle of the ball stays where it is.
            let sum = mesh.positions.reduce(SIMD3<Float>.zero, +) / Float(mesh.positions.count)
            for axis in 0..<3 { #expect(abs(Double(sum[axis]) - [400, 360, 320][axis]) < 20) }
            // Again, the same bits.
            #expect(try builder.surfaces(of: [ball]).meshes.first?.positions == mesh.positions)
        }
        // Two objects share a limit, and have the same grid.
        let builder = try SurfaceBuilder(shape: shape, voxelSize: size, smoothingInAngstroms: 0, triangleLimit: 20_000)
        let both = try builder.surfaces(of: [ball, ball])
        #expect(both.binning > 1 && both.meshes[0].triangles.count == both.meshes[1].triangles.count)
    }

    @Test("a Gaussian of more than two voxels is applied on a coarser grid; a sheet that is thinner than it vanishes")
    func smoothing() throws {
        let shape = try Self.shape(48, 48, 48)
        let size = try #require(VoxelSize(cubicInAngstroms: 10))
        func surfaces(_ smoothing: Double, thickness: Int) throws -> SurfaceBuilder.Surfaces {
            try SurfaceBuilder(shape: shape, voxelSize: size, smoothingInAngstroms: smoothing, triangleLimit: 1_000_000)
                .surfaces(of: [Self.object(shape.box) { x, _, _ in (20..<20 + thickness).contains(x) ? 1 : 0 }])
        }
        // A sheet vanishes where it is thinner than 1.35 σ.
        #expect(try surfaces(10, thickness: 2).meshes[0].triangles.count > 1000)
        #expect(try surfaces(20, thickness: 2).meshes[0].triangles.isEmpty)
        #expect(try surfaces(20, thickness: 4).meshes[0].triangles.count > 1000)
        let coarse = try surfaces(50, thickness: 12)
        #expect(coarse.binning == 3 && coarse.meshes[0].triangles.count > 100)
        #expect(Self.topology(coarse.meshes[0]).isClosed)
    }

    @Test("slices are read one after the other, and few are kept")
    func memory() throws {
        let shape = try Self.shape(9, 9, 200)
        let size = try #require(VoxelSize(cubicInAngstroms: 10))
        var read: [Int] = []
        let box = try #require(Box(z: 50..<150, y: 2..<7, x: 2..<7))
        let rod = SurfaceObject(box: box) { z, box in
            read.append(z)
            return box.y.flatMap { y in
                box.x.map { x in (50..<150).contains(z) && (2..<7).contains(y) && (2..<7).contains(x) ? 1 : 0 }
            }
        }
        let builder = try SurfaceBuilder(shape: shape, voxelSize: size, smoothingInAngstroms: 10, triangleLimit: 100_000)
        #expect(try !builder.surfaces(of: [rod]).meshes[0].triangles.isEmpty)
        // Four slices more on either side: three for the Gaussian, and one.
        #expect(read == Array(46..<154))
        var field = try SurfaceField(height: 9, width: 9, binning: 2, deviations: SIMD3(repeating: 2))
        var given = 0
        for z in 0..<100 {
            field.add([Float](repeating: Float(z % 7), count: 81)) { _ in given += 1 }
            #expect(field.keptSlices <= 13)
        }
        field.finish { _ in given += 1 }
        #expect(given == 50)
        // A net that has too many triangles grows no more.
        var net = SurfaceNet(height: 9, width: 9, triangleLimit: 100)
        for z in 0..<1000 { net.add((0..<81).map { Float(($0 + z) % 2) }) }
        net.finish()
        #expect(net.isOverfull && net.triangles.count <= 100 && net.positions.count <= 1000)
    }

    @Test("smoothing is that of a plain convolution, and keeps a constant")
    func field() throws {
        // One voxel of 1 among zeros: the weights of the Gaussian.
        var field = try SurfaceField(height: 15, width: 17, binning: 1, deviations: SIMD3(1, 1.5, 2))
        var slices: [[Float]] = []
        for z in 0..<21 {
            var slice = [Float](repeating: 0, count: 15 * 17)
            if z == 10 { slice[7 * 17 + 8] = 1 }
            field.add(slice) { slices.append($0) }
        }
        field.finish { slices.append($0) }
        try #require(slices.count == 21)
        let (x, y, z) = (
            try GaussianKernel(sigma: 1, radius: 3), try GaussianKernel(sigma: 1.5, radius: 5),
            try GaussianKernel(sigma: 2, radius: 6)
        )
        func weight(_ kernel: GaussianKernel, _ distance: Int) -> Float {
            abs(distance) <= kernel.radius ? kernel.weights[kernel.radius + distance] : 0
        }
        for (slice, values) in slices.enumerated() {
            for pixel in values.indices {
                let expected = weight(z, slice - 10) * weight(y, pixel / 17 - 7) * weight(x, pixel % 17 - 8)
                #expect(abs(values[pixel] - expected) < 1e-6)
            }
        }
        var constant = try SurfaceField(height: 6, width: 5, binning: 2, deviations: SIMD3(repeating: 1.2))
        var results: [[Float]] = []
        for _ in 0..<6 { constant.add([Float](repeating: 1, count: 30)) { results.append($0) } }
        constant.finish { results.append($0) }
        // The last column has one voxel of two.
        #expect(results.count == 3 && results.allSatisfy { abs($0[0] - 1) < 0.2 && $0[2] < 0.9 && $0[2] > 0.5 })
    }

    @Test("nothing gives nothing; numbers that are none are ground; parameters out of range are refused")
    func oddInput() throws {
        let shape = try Self.shape(5, 4, 3)
        #expect(try Self.mesh(shape) { _, _, _ in 0 }.triangles.isEmpty)
        #expect(try Self.mesh(shape) { _, _, _ in .nan }.triangles.isEmpty)
        let odd = try Self.mesh(shape) { x, _, _ in x == 2 ? .infinity : x == 3 ? .nan : -.infinity }
        #expect(Self.topology(odd).isClosed && odd.positions.allSatisfy { $0.x.isFinite && $0.y.isFinite && $0.z.isFinite })
        let all = try Self.mesh(shape) { _, _, _ in 1 }
        #expect(Self.topology(all).isClosed && Self.topology(all).eulerCharacteristic == 2)

        let size = try #require(VoxelSize(cubicInAngstroms: 10))
        for smoothing in [-1, .nan, .infinity, 10_001] {
            #expect(throws: ImageError.self) {
                try SurfaceBuilder(shape: shape, voxelSize: size, smoothingInAngstroms: smoothing, triangleLimit: 1000)
            }
        }
        for limit in [0, -1, 99, Int.max] {
            #expect(throws: ImageError.self) {
                try SurfaceBuilder(shape: shape, voxelSize: size, smoothingInAngstroms: 0, triangleLimit: limit)
            }
        }
        let builder = try SurfaceBuilder(shape: shape, voxelSize: size, smoothingInAngstroms: 10_000, triangleLimit: 1000)
        let outside = try #require(Box(z: 0..<4, y: 0..<4, x: 0..<5))
        #expect(throws: ImageError.self) { try builder.surfaces(of: [Self.object(outside) { _, _, _ in 1 }]) }
        // Much larger than the tomogram: one voxel of the grid, of which little is filled.
        #expect(try builder.surfaces(of: [Self.object(shape.box) { _, _, _ in 1 }]).meshes[0].triangles.isEmpty)
        #expect(try builder.surfaces(of: []).meshes.isEmpty)
    }
}
