import Metrics
import Volumes

/// The mean density of each particle's ball, from slices in order of z.
struct BallDensities {
    private struct Ball {
        /// In voxels: x, y, z.
        let center: SIMD3<Double>
        /// In Å, squared.
        let squaredRadius: Double
        let slices: ClosedRange<Int>
        var sum = 0.0
        var count = 0
    }

    private var balls: [Ball?]
    /// The particles that each slice cuts.
    private let bySlice: [[Int]]
    private let voxel: SIMD3<Double>
    private let shape: VolumeShape

    init(_ particles: [FoundParticle], voxelSize: VoxelSize, shape: VolumeShape) {
        let voxel = SIMD3(voxelSize.xInAngstroms, voxelSize.yInAngstroms, voxelSize.zInAngstroms)
        var bySlice = [[Int]](repeating: [], count: shape.z)
        balls = particles.enumerated().map { index, particle in
            let center = particle.pick.center / voxel
            let reach = particle.radiusInAngstroms / voxel.z
            // Also false for what is no number.
            guard center.z - reach < Double(shape.z), center.z + reach > -1, reach < Double(Int32.max) else { return nil }
            let first = max(0, Int((center.z - reach).rounded(.up)))
            let last = min(shape.z - 1, Int((center.z + reach).rounded(.down)))
            guard first <= last else { return nil }
            for z in first...last { bySlice[z].append(index) }
            return Ball(
                center: center, squaredRadius: particle.radiusInAngstroms * particle.radiusInAngstroms, slices: first...last)
        }
        (self.bySlice, self.voxel, self.shape) = (bySlice, voxel, shape)
    }

    /// Whether a slice cuts a ball.
    func needs(_ z: Int) -> Bool { !bySlice[z].isEmpty }

    /// Adds the voxels of a slice, `[y][x]`, whose centres lie in a ball. What is no number counts in none.
    mutating func add(_ density: [Float], z: Int) {
        for index in bySlice[z] {
            guard var ball = balls[index] else { continue }
            let height = (Double(z) - ball.center.z) * voxel.z
            for y in range(ball.center.y, ball.squaredRadius - height * height, voxel.y, shape.y) {
                let depth = (Double(y) - ball.center.y) * voxel.y
                for x in range(ball.center.x, ball.squaredRadius - height * height - depth * depth, voxel.x, shape.x) {
                    let value = density[y * shape.x + x]
                    guard value.isFinite else { continue }
                    ball.sum += Double(value)
                    ball.count += 1
                }
            }
            balls[index] = ball
        }
    }

    /// The voxels of a line whose centres are nearer than the root of a square.
    private func range(_ center: Double, _ square: Double, _ side: Double, _ count: Int) -> Range<Int> {
        guard square >= 0 else { return 0..<0 }
        let reach = square.squareRoot() / side
        let first = max(0, (center - reach).rounded(.up))
        let last = min(Double(count - 1), (center + reach).rounded(.down))
        return first <= last ? Int(first)..<Int(last) + 1 : 0..<0
    }

    /// Of each particle; nil where no voxel lies in its ball.
    var means: [Double?] {
        balls.map { ball in ball.flatMap { $0.count > 0 ? $0.sum / Double($0.count) : nil } }
    }
}
