import Basics
import Foundation
import ImageProcessing
import Volumes

/// Vesicles at random places of a volume with voxels of 1 nm, whose membranes are 4 to 8 nm thick and have bulges.
struct VesicleScene {
    /// Lengths are in voxels.
    struct Vesicle {
        let center: SIMD3<Double>
        /// Of the middle of the membrane.
        let radius: Double
        let thickness: Double
        let bulges: [Bulge]

        /// How far the membrane is displaced in a direction, in −1 … 1: a sum of waves, 1 at 2.5 standard deviations.
        func displacement(towards direction: SIMD3<Double>) -> Double {
            let sum = bulges.reduce(0) { $0 + sin(($1.wave * direction).sum() + $1.phase) }
            return min(1, max(-1, sum * (2 / Double(bulges.count)).squareRoot() / 2.5))
        }
    }

    /// A plane wave of the direction from a vesicle's centre.
    struct Bulge {
        let wave: SIMD3<Double>
        let phase: Double
    }

    let shape: VolumeShape
    /// The greatest displacement of a membrane.
    let noise: Double
    private(set) var vesicles: [Vesicle] = []
    /// What each voxel is: ``free``, ``membrane``, or the inside of vesicle number n − 1.
    private(set) var owners: [Int16]
    /// The number of voxels inside each vesicle.
    private(set) var volumes: [Int] = []

    static let free: Int16 = 0
    static let membrane: Int16 = -1

    /// Places as many vesicles as find a place, and draws them.
    init(shape: VolumeShape, count: Int, noise: Double, seed: UInt64) {
        (self.shape, self.noise) = (shape, noise)
        owners = [Int16](repeating: Self.free, count: shape.count)
        var random = RandomStream(seed: seed)
        for _ in 0..<2_000_000 where vesicles.count < count {
            if let vesicle = place(&random) { vesicles.append(vesicle) }
        }
        for index in vesicles.indices { draw(index) }
        volumes = [Int](repeating: 0, count: vesicles.count)
        for owner in owners where owner > 0 { volumes[Int(owner) - 1] += 1 }
    }

    /// The membranes of a slice.
    func membranes(z: Int) -> Mask? {
        let slice = owners[z * shape.voxelsPerSlice..<(z + 1) * shape.voxelsPerSlice]
        return Mask(height: shape.y, width: shape.x, values: slice.map { $0 == Self.membrane })
    }

    /// A vesicle that meets no other one; nil where it would.
    private func place(_ random: inout RandomStream) -> Vesicle? {
        let radius = Double.random(in: 10...24, using: &random)
        let thickness = Double.random(in: 4...8, using: &random)
        let reach = radius + thickness / 2 + 2 * noise + 1
        guard 2 * reach < Double(min(shape.z, shape.y, shape.x)) else { return nil }
        let x = Double.random(in: reach...Double(shape.x) - reach, using: &random)
        let y = Double.random(in: reach...Double(shape.y) - reach, using: &random)
        let z = Double.random(in: reach...Double(shape.z) - reach, using: &random)
        let center = SIMD3(x, y, z)
        let meets = vesicles.contains { other in
            let between = other.center - center
            return (between * between).sum().squareRoot() < reach + other.radius + other.thickness / 2
        }
        guard !meets else { return nil }
        let bulges = (0..<12).map { _ in
            Bulge(wave: 3 * SIMD3(random.normal(), random.normal(), random.normal()), phase: 2 * .pi * random.unit())
        }
        return Vesicle(center: center, radius: radius, thickness: thickness, bulges: bulges)
    }

    private mutating func draw(_ index: Int) {
        let vesicle = vesicles[index]
        let reach = vesicle.radius + vesicle.thickness / 2 + noise + 1
        func range(_ middle: Double, _ count: Int) -> ClosedRange<Int> {
            max(0, Int(middle - reach))...min(count - 1, Int(middle + reach))
        }
        for z in range(vesicle.center.z, shape.z) {
            for y in range(vesicle.center.y, shape.y) {
                for x in range(vesicle.center.x, shape.x) {
                    let offset = SIMD3(Double(x), Double(y), Double(z)) - vesicle.center
                    let distance = (offset * offset).sum().squareRoot()
                    guard distance <= reach else { continue }
                    let direction = offset / max(distance, 1e-9)
                    let radius = vesicle.radius + noise * vesicle.displacement(towards: direction)
                    let voxel = (z * shape.y + y) * shape.x + x
                    if abs(distance - radius) <= vesicle.thickness / 2 {
                        owners[voxel] = Self.membrane
                    } else if distance < radius, owners[voxel] != Self.membrane {
                        owners[voxel] = Int16(index + 1)
                    }
                }
            }
        }
    }
}
