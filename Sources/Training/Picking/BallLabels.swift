public import Basics
public import Volumes

/// Weak labels of particles: the voxels at an offset p from a centre with ‖p‖ < √2·r and p in the cube [−r, r]³.
///
/// The shape is a ball that the cube truncates on six sides ("TBall": DeepETPicker, Liu et al., *Nature Communications* 2024). It
/// marks particles of which only the size is known, not the outline: it is larger than the ball of radius r, and smaller than the
/// cube.
public struct BallLabels: Sendable {
    /// The centre, size and label of a particle.
    public struct Ball: Hashable, Sendable {
        /// The centre (x, y, z), in voxels; whole numbers are centres of voxels.
        public var center: SIMD3<Double>
        /// r, in voxels.
        public var radius: Double
        /// The label of its voxels.
        public var label: UInt8

        public init(center: SIMD3<Double>, radius: Double, label: UInt8 = 1) {
            self.center = center
            self.radius = radius
            self.label = label
        }

        /// A ball of a part of the radius around the voxel of the centre: of this voxel alone where the radius is less than one.
        public func shrunk(to part: Double) -> Ball {
            guard part < 1 else { return self }
            return Ball(center: center.rounded(.toNearestOrEven), radius: max(part * radius, 0.5), label: label)
        }
    }

    /// The particles. Where they overlap, a voxel gets the label of the later one.
    public let balls: [Ball]

    /// - Throws: ``TrainingError`` unless each radius is positive, and all radii and coordinates are finite and below 2³¹ in
    ///   magnitude.
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

    /// The labels of a box, `[z][y][x]`. Voxels without a particle have the label in `others`, or 0.
    ///
    /// - Parameter others: labels `[z][y][x]` of the box, over which particles are drawn.
    /// - Precondition: `others` has one label for each voxel of the box.
    /// - Complexity: linear in the voxels of the box and in those of the particles' cubes inside it.
    public func labels(in box: Box, over others: [UInt8]? = nil) -> [UInt8] {
        var labels = others ?? [UInt8](repeating: 0, count: box.shape.count)
        precondition(labels.count == box.shape.count, "\(labels.count) labels are none of \(box.shape) voxels")
        for ball in balls {
            func range(_ center: Double, _ axis: Range<Int>) -> Range<Int> {
                axis.part(from: center - ball.radius, through: center + ball.radius) ?? axis.lowerBound..<axis.lowerBound
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
