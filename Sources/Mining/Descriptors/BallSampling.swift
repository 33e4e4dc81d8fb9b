import Basics
import Foundation

/// The voxels of a box by their distance from its middle: the window, the ground around a particle, shells, and moments.
///
/// Sums run over voxels, and no density is interpolated, so that a quarter turn of the box changes nothing but the order of the
/// sums.
struct BallSampling: Sendable {
    /// An odd number of voxels.
    let side: Int
    /// 1 up to R, then a cosine down to 0 at 1.4 R; `[z][y][x]`.
    let window: [Float]
    private let windowSum: Double
    /// Voxels between R and 1.4 R.
    private let ground: [Int32]
    /// Voxels up to 1.2 R, with the number of a shell and the part that it has of the voxel. The next shell has the rest.
    private let shellVoxels: [(voxel: Int32, shell: Int32, part: Float)]
    /// The offset of each row and column from the middle, in radii.
    private let offsets: [Float]

    /// What a window of 1.4 R needs, in voxels.
    static func side(radius: Double, voxelSize: Double) -> Int { 2 * Int((1.4 * radius / voxelSize).rounded(.up)) + 1 }

    init(radius: Double, voxelSize: Double) {
        let side = Self.side(radius: radius, voxelSize: voxelSize)
        self.side = side
        offsets = (0..<side).map { Float(Double($0 - side / 2) * voxelSize / radius) }
        var window = [Float](repeating: 0, count: side * side * side)
        var ground: [Int32] = []
        var shellVoxels: [(voxel: Int32, shell: Int32, part: Float)] = []
        let spacing = 0.15
        for z in 0..<side {
            for y in 0..<side {
                for x in 0..<side {
                    let place = SIMD3(x, y, z) &- SIMD3(repeating: side / 2)
                    let square = (place &* place).wrappedSum()
                    let distance = Double(square).squareRoot() * voxelSize / radius
                    let voxel = (z * side + y) * side + x
                    window[voxel] = Float(Self.window(at: distance))
                    if distance > 1, distance <= 1.4 { ground.append(Int32(voxel)) }
                    let shell = (distance / spacing).rounded(.down)
                    if shell < Double(ParticleDescriptor.shells) {
                        shellVoxels.append((Int32(voxel), Int32(shell), Float(1 - (distance / spacing - shell))))
                    }
                }
            }
        }
        (self.window, self.ground, self.shellVoxels) = (window, ground, shellVoxels)
        windowSum = window.reduce(0) { $0 + Double($1) }
    }

    /// The mean density between R and 1.4 R of a box `[z][y][x]`.
    func ground(_ box: UnsafeBufferPointer<Float>) -> Float {
        Float(ground.reduce(0) { $0 + Double(box[Int($1)]) } / Double(max(ground.count, 1)))
    }

    /// The mean density of each shell less the ground; of a shell between two voxels' distances that holds no voxel, its inner
    /// neighbour's.
    func shells(_ box: UnsafeBufferPointer<Float>, ground: Float) -> [Float] {
        let count = ParticleDescriptor.shells
        var (sums, weights) = ([Float](repeating: 0, count: count + 1), [Float](repeating: 0, count: count + 1))
        for (voxel, shell, part) in shellVoxels {
            let (density, shell) = (box[Int(voxel)] - ground, Int(shell))
            sums[shell] += part * density
            weights[shell] += part
            sums[shell + 1] += (1 - part) * density
            weights[shell + 1] += 1 - part
        }
        var last: Float = 0
        return (0..<count).map { shell in
            if weights[shell] > 0 { last = sums[shell] / weights[shell] }
            return last
        }
    }

    /// Mean, standard deviation, third moment (its cube root) and the three extents of a windowed box `[z][y][x]`, which is the
    /// density less the ground, times the window.
    ///
    /// The extents are the eigenvalues of Σ f x xᵀ / Σ w, the largest first, with x in radii.
    func moments(_ windowed: [Float]) -> [Float] {
        var (sum, squares, cubes) = (0.0, 0.0, 0.0)
        var (zz, yy, xx, zy, zx, yx) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for z in 0..<side {
            for y in 0..<side {
                var (row, square, cube, first, second): (Float, Float, Float, Float, Float) = (0, 0, 0, 0, 0)
                let start = (z * side + y) * side
                for x in 0..<side {
                    let density = windowed[start &+ x]
                    row += density
                    square += density * density
                    cube += density * density * density
                    first += density * offsets[x]
                    second += density * offsets[x] * offsets[x]
                }
                sum += Double(row)
                squares += Double(square)
                cubes += Double(cube)
                let (a, b) = (Double(offsets[z]), Double(offsets[y]))
                zz += a * a * Double(row)
                yy += b * b * Double(row)
                xx += Double(second)
                zy += a * b * Double(row)
                zx += a * Double(first)
                yx += b * Double(first)
            }
        }
        let mean = sum / windowSum
        let variance = max(squares / windowSum - mean * mean, 0)
        let third = cubes / windowSum - 3 * mean * (squares / windowSum) + 2 * mean * mean * mean
        let extents = Self.eigenvalues(xx: xx, yy: yy, zz: zz, xy: yx, xz: zx, yz: zy).map { Float($0 / windowSum) }
        return [Float(mean), Float(variance.squareRoot()), Float(cbrt(third))] + extents
    }

    private static func window(at distance: Double) -> Double {
        distance <= 1 ? 1 : distance >= 1.4 ? 0 : 0.5 + 0.5 * cos(.pi * (distance - 1) / 0.4)
    }

    /// The eigenvalues of a symmetric matrix, the largest first: eight sweeps of Jacobi rotations.
    private static func eigenvalues(xx: Double, yy: Double, zz: Double, xy: Double, xz: Double, yz: Double) -> [Double] {
        var rows = [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]
        for _ in 0..<8 {
            for (p, q) in [(0, 1), (0, 2), (1, 2)] where rows[p][q] != 0 {
                let turn = JacobiRotation(pp: rows[p][p], qq: rows[q][q], pq: rows[p][q])
                for k in 0..<3 { (rows[p][k], rows[q][k]) = turn(rows[p][k], rows[q][k]) }
                for k in 0..<3 { (rows[k][p], rows[k][q]) = turn(rows[k][p], rows[k][q]) }
            }
        }
        return [rows[0][0], rows[1][1], rows[2][2]].sorted(by: >)
    }
}
