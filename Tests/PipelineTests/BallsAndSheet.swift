import Basics
import TestSupport
import Testing
import Volumes

/// Voxels of 10 Å: dark balls of 20 nm, and a dark membrane 3 voxels thick across the field.
struct BallsAndSheet {
    let shape: VolumeShape
    /// Centres, in voxels: x, y, z.
    let balls: [SIMD3<Double>]
    /// Balls of other sizes, or that lie elsewhere: centre and radius in voxels.
    let others: [(centre: SIMD3<Double>, radius: Double)]

    init(z depth: Int, side: Int, others: [(centre: SIMD3<Double>, radius: Double)] = []) throws {
        self.others = others
        shape = try #require(VolumeShape(z: depth, y: side, x: side))
        let (s, z) = (Double(side), Double(depth - 1) / 2)
        balls = [SIMD3(0.2 * s, 0.25 * s, z), SIMD3(0.25 * s, 0.75 * s, z), SIMD3(0.8 * s, 0.5 * s, z)]
    }

    func isMembrane(_ index: Int) -> Bool { abs(index % shape.x - shape.x / 2) <= 1 }

    func isBall(_ index: Int) -> Bool {
        let place = SIMD3(
            Double(index % shape.x), Double(index / shape.x % shape.y), Double(index / shape.voxelsPerSlice))
        return (balls.map { ($0, 10) } + others).contains { ball in
            let offset = place - ball.0
            return (offset * offset).sum() < ball.1 * ball.1
        }
    }

    func voxels(noise: Float = 0.5, seed: UInt64 = 3) throws -> VoxelBuffer {
        var generator = RandomStream(state: seed)
        let values = (0..<shape.count).map { index -> Float in
            (isMembrane(index) || isBall(index) ? -4 : 0) + Float.random(in: -noise...noise, using: &generator)
        }
        return try #require(VoxelBuffer(shape: shape, values: values))
    }
}
