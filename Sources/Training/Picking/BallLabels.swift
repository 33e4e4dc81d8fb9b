public import Volumes

/// Weak labels of particles: the voxels p around each centre with ‖p‖ < √2·r that lie inside the cube [−r, r]³.
///
/// A ball that the cube flattens on six sides ("TBall": DeepETPicker, Liu et al., *Nature Communications* 2024). A particle
/// of whose outline only the size is known is marked so: more of it than by the ball of radius r, less than by the cube.
public struct BallLabels: Sendable {
    /// A particle.
    public struct Ball: Hashable, Sendable {
        /// Its centre (x, y, z), in voxels; whole numbers are centres of voxels.
        public var center: SIMD3<Double>
        /// r, in voxels.
        public var radius: Double
        /// What its voxels are labelled with.
        public var label: UInt8

        public init(center: SIMD3<Double>, radius: Double, label: UInt8 = 1) {
            self.center = center
            self.radius = radius
            self.label = label
        }
    }

    /// The particles. Where they overlap, the later one counts.
    public let balls: [Ball]

    /// - Throws: ``TrainingError`` where a centre is not finite, or a radius not positive and finite.
    public init(_ balls: [Ball]) throws(TrainingError) {
        for (index, ball) in balls.enumerated() {
            let numbers = [ball.center.x, ball.center.y, ball.center.z, ball.radius]
            guard numbers.allSatisfy({ $0.isFinite && abs($0) < 0x1p31 }), ball.radius > 0 else {
                throw TrainingError(
                    "particle \(index) has its centre at \(ball.center) and a radius of \(ball.radius) voxels; both must be "
                        + "finite, and the radius positive")
            }
        }
        self.balls = balls
    }

    /// The labels of a box, `[z][y][x]`; 0 where there is no particle, or what others say of it.
    ///
    /// - Parameter others: a label for each voxel of the box, over which particles are drawn.
    /// - Complexity: the voxels of the box, and of the cubes of the particles inside it.
    public func labels(in box: Box, over others: [UInt8]? = nil) -> [UInt8] {
        var labels = others ?? [UInt8](repeating: 0, count: box.shape.count)
        precondition(labels.count == box.shape.count, "\(labels.count) labels are none of \(box.shape) voxels")
        for ball in balls {
            func range(_ center: Double, _ axis: Range<Int>) -> Range<Int> {
                let first = Int((center - ball.radius).rounded(.up))
                return (first..<max(first, Int((center + ball.radius).rounded(.down)) + 1)).clamped(to: axis)
            }
            let (zs, ys, xs) = (range(ball.center.z, box.z), range(ball.center.y, box.y), range(ball.center.x, box.x))
            let limit = 2 * ball.radius * ball.radius
            for z in zs {
                let dz = Double(z) - ball.center.z
                for y in ys {
                    let dy = Double(y) - ball.center.y
                    let row = ((z - box.z.lowerBound) * box.shape.y + y - box.y.lowerBound) * box.shape.x - box.x.lowerBound
                    for x in xs {
                        let dx = Double(x) - ball.center.x
                        if dx * dx + dy * dy + dz * dz < limit { labels[row + x] = ball.label }
                    }
                }
            }
        }
        return labels
    }
}
