import Basics
import ImageProcessing
import Volumes

/// Vesicles without bulges on a lattice 100 voxels wide, a little out of place.
struct VesicleLattice {
    /// Lengths are in voxels.
    struct Ball {
        let center: SIMD3<Double>
        /// Of the middle of the membrane.
        let radius: Double

        /// Of what the membrane encloses.
        var volume: Double {
            let inner = radius - VesicleLattice.halfThickness
            return 4 / 3 * .pi * inner * inner * inner
        }
    }

    let shape: VolumeShape
    private(set) var balls: [Ball] = []

    private static let step = 100.0
    private static let halfThickness = 3.0

    init(shape: VolumeShape, seed: UInt64) {
        self.shape = shape
        var random = RandomStream(seed: seed)
        for z in stride(from: Self.step / 2, to: Double(shape.z), by: Self.step) {
            for y in stride(from: Self.step / 2, to: Double(shape.y), by: Self.step) {
                for x in stride(from: Self.step / 2, to: Double(shape.x), by: Self.step) {
                    let moved = 6 * SIMD3(random.unit(), random.unit(), random.unit())
                    balls.append(Ball(center: SIMD3(x, y, z) + moved, radius: 20 + 22 * random.unit()))
                }
            }
        }
    }

    /// The membranes of a slice.
    func membranes(z: Int) -> Mask? {
        var values = [Bool](repeating: false, count: shape.voxelsPerSlice)
        for ball in balls {
            let reach = ball.radius + Self.halfThickness + 1
            let depth = Double(z) - ball.center.z
            guard abs(depth) < reach else { continue }
            for y in max(0, Int(ball.center.y - reach))...min(shape.y - 1, Int(ball.center.y + reach)) {
                for x in max(0, Int(ball.center.x - reach))...min(shape.x - 1, Int(ball.center.x + reach)) {
                    let offset = SIMD3(Double(x) - ball.center.x, Double(y) - ball.center.y, depth)
                    let distance = (offset * offset).sum().squareRoot()
                    if abs(distance - ball.radius) < Self.halfThickness { values[y * shape.x + x] = true }
                }
            }
        }
        return Mask(height: shape.y, width: shape.x, values: values)
    }
}
