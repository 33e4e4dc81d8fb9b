import Basics
import ImageProcessing
import Metrics
import TestSupport
import Testing
import Volumes

/// Surface areas of binary voxels against formulas.
@Suite struct SurfaceAreaTests {
    private func area(_ volume: SampleVolume, _ size: VoxelSize) throws -> Double {
        var measurement = try ObjectMeasurement(shape: volume.shape, voxelSize: size, classes: [1: "body"])
        for slice in volume.labels() { try measurement.add(slice) }
        return try measurement.finish().reduce(0) { $0 + ($1.surfaceAreaInSquareNanometers ?? 0) } * 100
    }

    private static let directions: [SIMD3<Double>] = {
        var random = RandomStream(state: 12)
        return (0..<8).map { _ in
            while true {
                let vector = SIMD3(
                    Double.random(in: -1...1, using: &random), Double.random(in: -1...1, using: &random),
                    Double.random(in: -1...1, using: &random))
                let length = (vector * vector).sum().squareRoot()
                if length > 0.2, length < 1 { return vector / length }
            }
        }
    }()

    @Test("spheres are within 1 %", arguments: [5.0, 7, 10, 15, 25, 40], [SIMD3(1.0, 1, 1), SIMD3(1.0, 1.3, 0.8)])
    func spheres(radius: Double, edges: SIMD3<Double>) throws {
        let sides = ((2 * radius + 6) / edges).rounded(.up)
        let center = sides / 2 + SIMD3(0.13, -0.31, 0.27)
        let ball = try SampleVolume(z: Int(sides.z), y: Int(sides.y), x: Int(sides.x)) { x, y, z in
            let offset = (SIMD3(Double(x), Double(y), Double(z)) - center) * edges
            return (offset * offset).sum() <= radius * radius
        }
        let found = try area(ball, voxelSize(edges.x * 10, edges.y * 10, edges.z * 10))
        #expect(agrees(found / (400 * .pi * radius * radius), 1, 0.01), "\(found / (400 * .pi * radius * radius))")
    }

    /// A slab whose faces leave the volume: the area is that of the planes between the outermost voxels' centres, summed up over
    /// lines along the axis that is steepest.
    /// - Parameter voxels: how thick the sheet is, in voxels along the axis on which they are largest.
    @Test("planes and sheets at any angle are within 1 %", arguments: [3.0, 12], [SIMD3(1.0, 1, 1), SIMD3(1.0, 1, 1.5)])
    func planes(voxels: Double, edges: SIMD3<Double>) throws {
        let thickness = voxels * edges.max()
        let side = 72
        for normal in Self.directions {
            let middle = Double(side - 1) / 2 * edges
            func height(_ place: SIMD3<Double>) -> Double { ((place * edges - middle) * normal).sum() }
            let sheet = try SampleVolume(z: side, y: side, x: side) { x, y, z in
                abs(height(SIMD3(Double(x), Double(y), Double(z))) + 0.2) <= thickness / 2
            }
            let slopes: SIMD3<Double> = normal * edges
            let axis = (0..<3).max { abs(slopes[$0]) < abs(slopes[$1]) } ?? 0
            let (one, other) = ((axis + 1) % 3, (axis + 2) % 3)
            var count = 0.0
            for first in 0..<2 * side {
                for second in 0..<2 * side {
                    for face in [-0.5, 0.5] {
                        var place = SIMD3<Double>.zero
                        place[one] = Double(first) / 2 - 0.25
                        place[other] = Double(second) / 2 - 0.25
                        let rest: Double = face * thickness - 0.2 - height(place)
                        place[axis] = rest / slopes[axis]
                        if place[axis] > -0.5, place[axis] < Double(side) - 0.5 { count += 0.25 }
                    }
                }
            }
            let expected = count * edges[one] * edges[other] / abs(normal[axis]) * 100
            let found = try area(sheet, voxelSize(edges.x * 10, edges.y * 10, edges.z * 10))
            #expect(agrees(found / expected, 1, 0.01), "\(normal): \(found / expected)")
        }
    }

    @Test("cylinders at any angle are within 1 %", arguments: [5.0, 8, 15]) func cylinders(radius: Double) throws {
        // A capsule, less its caps, which are tested as spheres: the difference of two lengths.
        for direction in Self.directions.prefix(3) {
            func capsule(_ length: Double) throws -> Double {
                let side = Int(length + 2 * radius + 8)
                let middle = SIMD3<Double>(repeating: Double(side - 1) / 2) + SIMD3(0.2, -0.1, 0.3)
                let body = try SampleVolume(z: side, y: side, x: side) { x, y, z in
                    let place = SIMD3(Double(x), Double(y), Double(z)) - middle
                    let along = min(max((place * direction).sum(), -length / 2), length / 2)
                    let across = place - along * direction
                    return (across * across).sum() <= radius * radius
                }
                return try area(body, voxelSize(10, 10, 10))
            }
            let difference = try capsule(60) - capsule(20)
            let found = difference / (2 * .pi * radius * 40 * 100)
            #expect(agrees(found, 1, 0.01), "\(found)")
        }
    }

    @Test("faces on the volume's border are no surface") func border() throws {
        let all = try SampleVolume(z: 5, y: 6, x: 7) { _, _, _ in true }
        #expect(try area(all, voxelSize(10, 10, 10)) == 0)
        let half = try SampleVolume(z: 30, y: 30, x: 70) { x, _, _ in x < 33 }
        let plane = try area(half, voxelSize(10, 20, 30))
        #expect(agrees(plane, 30 * 30 * 600, 1e-6))
    }
}
