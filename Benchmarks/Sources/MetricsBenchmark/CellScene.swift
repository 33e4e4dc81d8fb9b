import Foundation
import ImageProcessing
import Volumes

/// A label volume that is computed slice by slice: vesicles and two folded sheets of membrane, and some hundred particles.
struct CellScene {
    let shape: VolumeShape
    /// What every slice begins as.
    private let blank: Image<UInt8>
    private var vesicles: [(center: SIMD3<Double>, radius: Double)] = []
    private var particles: [(center: SIMD3<Double>, radius: Double)] = []
    /// Half of the membrane's thickness, in voxels.
    private let half = 1.8

    /// - Returns: nil where a slice of that shape has no pixels.
    init?(shape: VolumeShape) {
        guard let blank = Image<UInt8>(height: shape.y, width: shape.x, repeating: 0) else { return nil }
        self.shape = shape
        self.blank = blank
        var random = SeededRandom(seed: 7)
        let scale = Double(shape.count) / 3e8
        func place() -> SIMD3<Double> {
            SIMD3(random.unit() * Double(shape.x), random.unit() * Double(shape.y), random.unit() * Double(shape.z))
        }
        for _ in 0..<max(4, Int(40 * scale)) { vesicles.append((place(), 20 + 60 * random.unit())) }
        for _ in 0..<max(20, Int(400 * scale)) { particles.append((place(), 7 + 5 * random.unit())) }
    }

    /// 1 is membrane, 2 particle.
    func labels(_ z: Int) -> Image<UInt8> {
        var values = membranes(z, shift: 0, half: half)
        for particle in particles {
            fill(particle.center, z, outer: particle.radius, inner: -1, 2, &values)
        }
        return image(values)
    }

    /// The membranes, a little thinner and moved by a voxel, and without every fifth vesicle.
    func prediction(_ z: Int) -> Mask { image(membranes(z, shift: 1, half: half - 0.4)).map { $0 == 1 } }

    /// Something that differs from voxel to voxel.
    func density(_ z: Int) -> Image<Float> {
        Image<Float>(sizeOf: blank) { pixels in
            for index in pixels.indices {
                pixels.initializeElement(at: index, to: Float((index &* 2_654_435_761 &+ z) >> 8 & 255))
            }
        }
    }

    private func image(_ values: [UInt8]) -> Image<UInt8> {
        Image<UInt8>(sizeOf: blank) { _ = $0.initialize(fromContentsOf: values) }
    }

    private func membranes(_ z: Int, shift: Double, half: Double) -> [UInt8] {
        var values = [UInt8](repeating: 0, count: shape.voxelsPerSlice)
        for y in 0..<shape.y {
            for sheet in 0..<2 {
                let middle =
                    Double(shape.x) * (0.3 + 0.4 * Double(sheet)) + 30 * sin(Double(y) / 60) + 20 * sin(Double(z) / 40) + shift
                let slope = (1 + pow(0.5 * cos(Double(y) / 60), 2) + pow(0.5 * cos(Double(z) / 40), 2)).squareRoot()
                let range = Int(middle - half * slope)...Int(middle + half * slope)
                for x in range where x >= 0 && x < shape.x { values[y * shape.x + x] = 1 }
            }
        }
        for (index, vesicle) in vesicles.enumerated() where shift == 0 || index % 5 > 0 {
            fill(vesicle.center + shift, z, outer: vesicle.radius + half, inner: vesicle.radius - half, 1, &values)
        }
        return values
    }

    /// Labels what lies between two balls.
    private func fill(_ center: SIMD3<Double>, _ z: Int, outer: Double, inner: Double, _ label: UInt8, _ values: inout [UInt8]) {
        let dz = Double(z) - center.z
        guard abs(dz) <= outer else { return }
        let least = inner > 0 ? inner * inner : 0
        for y in max(0, Int(center.y - outer))...max(0, min(shape.y - 1, Int(center.y + outer) + 1)) {
            for x in max(0, Int(center.x - outer))...max(0, min(shape.x - 1, Int(center.x + outer) + 1)) {
                let squared = dz * dz + pow(Double(y) - center.y, 2) + pow(Double(x) - center.x, 2)
                if squared <= outer * outer, squared >= least, x < shape.x, y < shape.y { values[y * shape.x + x] = label }
            }
        }
    }
}

/// The same numbers for the same seed (SplitMix64).
struct SeededRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func unit() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ z >> 31) >> 11) / 0x1p53
    }
}
