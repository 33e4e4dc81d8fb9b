import Foundation

/// The mean of densities around many centres as a function of the distance: what a particle looks like when it is turned in all
/// directions.
///
/// It is added up slice by slice, in shells of one voxel. Without turning, boxes of a few hundred particles keep what is around
/// them, such as the direction of a membrane, and the template finds that again.
struct RadialProfile {
    private let centers: [SIMD3<Double>]
    private let radius: Double
    private var sums: [Double]
    private var counts: [Double]

    /// The greatest distance in voxels that is averaged.
    let reach: Int

    /// - Parameters:
    ///   - centers: (x, y, z) in voxels.
    ///   - radius: of the particles, in voxels.
    init(around centers: [SIMD3<Double>], radius: Double) {
        (self.centers, self.radius) = (centers, radius)
        reach = Int((1.5 * radius + 6).rounded(.up))
        sums = [Double](repeating: 0, count: reach + 1)
        counts = sums
    }

    /// The slices that are within reach of a centre; empty where there is none. They may lie beyond the volume.
    var slices: Range<Int> {
        guard let first = centers.map(\.z).min(), let last = centers.map(\.z).max() else { return 0..<0 }
        return Int(first.rounded(.up)) - reach..<Int(last.rounded(.down)) + reach + 1
    }

    /// Adds slice `z` of the volume, `[y][x]`.
    ///
    /// - Complexity: linear in the pixels within reach of each centre.
    mutating func add(_ densities: Image<Float>, z: Int) {
        let (height, width, reach) = (densities.height, densities.width, reach)
        densities.values.withUnsafeBufferPointer { values in
            sums.withUnsafeMutableBufferPointer { sums in
                counts.withUnsafeMutableBufferPointer { counts in
                    for center in centers where abs(Double(z) - center.z) <= Double(reach) {
                        let dz = Double(z) - center.z
                        let rows = Self.range(center.y, reach, height)
                        let columns = Self.range(center.x, reach, width)
                        for y in rows {
                            let dy = Double(y) - center.y
                            for x in columns {
                                let dx = Double(x) - center.x
                                let shell = Int((dz * dz + dy * dy + dx * dx).squareRoot() + 0.5)
                                guard shell <= reach else { continue }
                                sums[shell] += Double(values[y &* width &+ x])
                                counts[shell] += 1
                            }
                        }
                    }
                }
            }
        }
    }

    /// The kernel that finds what the profile shows: the profile less its mean beyond 1.3 R, faded out by 1 / (1 + e^(r − 1.5
    /// R)), as a sum of Gaussians (``RadialKernel/init(profile:radius:smoothing:)``), blurred by σ 1.5 voxels.
    ///
    /// - Parameter norm: of the kernel.
    ///   Responses to kernels of one norm can be compared: by the Cauchy-Schwarz inequality that of the right profile is the
    ///   greatest, and all answer alike to white noise.
    /// - Returns: nil where no voxel was added, or all were the same.
    func kernel(norm: Double) -> RadialKernel? {
        let shells = sums.indices
        let outer = shells.filter { Double($0) > 1.3 * radius }
        let ground = outer.reduce(0) { $0 + sums[$1] } / max(outer.reduce(0) { $0 + counts[$1] }, 1)
        let profile = shells.map { shell -> Double in
            guard counts[shell] > 0 else { return 0 }
            return (sums[shell] / counts[shell] - ground) / (1 + exp(Double(shell) - 1.5 * radius))
        }
        guard let kernel = RadialKernel(profile: profile, radius: radius, smoothing: 1.5) else { return nil }
        return kernel.scaled(toNorm: norm)
    }

    private static func range(_ center: Double, _ reach: Int, _ count: Int) -> Range<Int> {
        let first = max(0, Int(center.rounded(.up)) - reach)
        return first..<max(first, min(count, Int(center.rounded(.down)) + reach + 1))
    }
}
