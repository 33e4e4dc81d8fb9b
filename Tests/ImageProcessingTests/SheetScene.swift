import Basics
import ImageProcessing
import Testing
import Volumes

/// A sheet of a random place and orientation in a volume, known by the distance of each voxel to its middle.
struct SheetScene {
    enum Form: String, CaseIterable, Sendable { case plane, sphere, tube, disc }

    let shape: VolumeShape
    let voxelSize: VoxelSize
    /// The distance in Å to the middle of the sheet, `[z][y][x]`.
    let distances: [Double]

    init(_ form: Form, seed: UInt64, side: Int = 44, edges: SIMD3<Double> = SIMD3(repeating: 10)) throws {
        let count = SIMD3<Int>((Double(side) * 10 / edges).rounded(.toNearestOrAwayFromZero))
        shape = try #require(VolumeShape(z: count.z, y: count.y, x: count.x))
        voxelSize = try #require(VoxelSize(xInAngstroms: edges.x, yInAngstroms: edges.y, zInAngstroms: edges.z))
        var random = RandomStream(seed: seed)
        func vector() -> SIMD3<Double> { SIMD3(random.normal(), random.normal(), random.normal()) }
        func length(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum().squareRoot() }
        var normal = vector()
        normal /= length(normal)
        let center = SIMD3(repeating: Double(side) * 5) + 10 * SIMD3(random.unit(), random.unit(), random.unit())
        let radius = Double(side) * (form == .sphere ? 3 : 2.5) + 20 * random.unit()
        let shape = shape
        distances = (0..<shape.count).map { index in
            let place =
                SIMD3(
                    Double(index % shape.x), Double(index / shape.x % shape.y), Double(index / shape.voxelsPerSlice)) * edges
                - center
            let height = (place * normal).sum()
            let beside = length(place - height * normal)
            return switch form {
            case .plane: abs(height)
            case .sphere: abs(length(place) - radius)
            case .tube: abs(beside - radius)
            // A round piece of a plane, with a round rim.
            case .disc: length(SIMD3(height, max(beside - radius, 0), 0))
            }
        }
    }

    /// The voxels within half of a thickness in Å of the middle, slice by slice.
    func masks(_ thickness: Double) throws -> [Mask] {
        let flags = distances.map { $0 <= thickness / 2 }
        return try (0..<shape.z).map { z in
            try #require(
                Mask(
                    height: shape.y, width: shape.x,
                    values: Array(flags[z * shape.voxelsPerSlice..<(z + 1) * shape.voxelsPerSlice])))
        }
    }

    /// The centre surface of masks.
    func surface(_ masks: [Mask], slabHeight: Int = 32) throws -> [Image<UInt8>] {
        var finder = CentreSurfaceFinder(shape: shape, voxelSize: voxelSize, slabHeight: slabHeight)
        let surface = try masks.flatMap { try finder.add($0) }
        #expect(surface.count == shape.z)
        return surface
    }

    /// Sheets around a centre surface.
    func drawn(_ surface: [Image<UInt8>], _ thickness: Double) throws -> [Mask] {
        let drawing = try SheetDrawing(shape: shape, voxelSize: voxelSize, thicknessInAngstroms: thickness)
        return drawing.masks(of: 0..<shape.z) { surface[$0] }
    }

    /// The Dice coefficient of two volumes of this shape.
    static func dice(_ some: [Mask], _ others: [Mask]) -> Double {
        var (common, total) = (0, 0)
        for (a, b) in zip(some, others) {
            for (a, b) in zip(a.values, b.values) {
                common += a && b ? 1 : 0
                total += (a ? 1 : 0) + (b ? 1 : 0)
            }
        }
        return 2 * Double(common) / Double(max(total, 1))
    }
}
