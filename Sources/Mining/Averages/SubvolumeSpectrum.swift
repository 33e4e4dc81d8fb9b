import Basics
import Foundation
import Tensors

/// The frequencies of averages: multiples of 1/G along each axis, in cycles a voxel, within a radius, one of each two opposites.
struct SubvolumeFrequencies: Sendable {
    /// G: the side of the boxes, or the next greater length that the Fourier transform knows.
    let grid: Int
    /// The frequencies times G, the lowest shells first.
    let points: [SIMD3<Double>]
    /// The shell of each: its distance from 0 times G, rounded.
    let shells: [Int]

    var count: Int { points.count }

    /// - Parameter radius: the highest frequency times G.
    init(grid: Int, radius: Int, _ isWanted: (SIMD3<Double>) -> Bool = { _ in true }) {
        self.grid = grid
        var found: [(Int, SIMD3<Double>)] = []
        for z in 0...radius {
            for y in -radius...radius {
                for x in -radius...radius where z > 0 || y > 0 || (y == 0 && x >= 0) {
                    let square = z * z + y * y + x * x
                    let point = SIMD3(Double(x), Double(y), Double(z))
                    guard square <= radius * radius, isWanted(point) else { continue }
                    found.append((Int(Double(square).squareRoot().rounded()), point))
                }
            }
        }
        let order = found.indices.sorted { (found[$0].0, $0) < (found[$1].0, $1) }
        (points, shells) = (order.map { found[$0].1 }, order.map { found[$0].0 })
    }
}

/// The Fourier transform of a box about its middle voxel side / 2, sampled twice as finely as the box needs, to be read between the
/// samples: with B-splines of the order 1 (eight samples) or 3 (64 samples).
///
/// The box is divided by the transform of the spline before, so that what is read is the transform of the box itself but for
/// ghosts: within 0.3 sides of the middle they are at most 3 % with order 1 and 0.1 % with order 3. Source: J. Jackson et al., *Selection
/// of a convolution function for Fourier inversion using gridding*, IEEE Trans. Med. Imaging 10 (1991).
struct SubvolumeSpectrum: Sendable {
    /// The finely sampled period, at least two sides.
    let length: Int
    private let reach: Int
    private let order: Int
    /// Real and imaginary part, and the weight: `[z][y][x]` with −reach … reach along each axis.
    private(set) var samples: [SIMD4<Float>]

    static func length(side: Int) -> Int { FourierTransform(lengthAtLeast: 2 * side).length }

    static func reach(length: Int, highest: Double) -> Int { min(Int((highest * Double(length)).rounded(.up)) + 2, length / 2) }

    /// - Parameters:
    ///   - box: densities `[z][y][x]`.
    ///   - highest: the highest frequency to be read, in cycles a voxel, at most 0.5.
    ///   - weight: what was measured, for the same side and highest frequency; the rest becomes 0.
    init(_ box: [Float], side: Int, highest: Double, order: Int, weight: SubvolumeWeight? = nil) {
        let transform = FourierTransform(lengthAtLeast: 2 * side)
        length = transform.length
        self.order = order
        reach = Self.reach(length: length, highest: highest)
        let middle = side / 2
        let (period, reach) = (length, reach)
        let spline = (0..<side).map { index in
            let u = Double(index - middle) / Double(period) * .pi
            return Float(pow(u == 0 ? 1 : sin(u) / u, Double(order + 1)))
        }
        var volume = FourierVolume(x: transform, y: transform, z: transform)
        for z in 0..<side {
            for y in 0..<side {
                let row = (((z - middle + period) % period) * period + (y - middle + period) % period) * volume.rowStride
                for x in 0..<side {
                    volume.values[row + (x - middle + period) % period] =
                        box[(z * side + y) * side + x] / (spline[z] * spline[y] * spline[x])
                }
            }
        }
        volume.forward()
        let edge = 2 * reach + 1
        samples = [SIMD4<Float>](repeating: .zero, count: edge * edge * edge)
        for z in -reach...reach {
            for y in -reach...reach {
                for x in -reach...reach {
                    let target = ((z + reach) * edge + y + reach) * edge + x + reach
                    if let weight, !weight.isMeasured[target] { continue }
                    let sign: Float = x < 0 ? -1 : 1
                    let (a, b, c) = x < 0 ? (-x, -y, -z) : (x, y, z)
                    let place = (((c + period) % period) * period + (b + period) % period) * volume.rowStride + a
                    samples[target] = SIMD4(
                        volume.values[place], sign * volume.values[place + volume.rowHalf], 1, 0)
                }
            }
        }
    }

    /// Real and imaginary part and weight at a frequency in cycles a voxel, times the period.
    @inline(__always)
    private func linear(_ p: SIMD3<Double>, _ samples: UnsafeBufferPointer<SIMD4<Float>>) -> SIMD4<Float> {
        let limit = Double(reach)
        let q = p + limit
        let base = q.rounded(.down)
        guard base.min() >= 0, base.max() < 2 * limit else { return .zero }
        let f = SIMD3<Float>(q - base)
        let edge = 2 * reach + 1
        let i = (Int(base.z) &* edge &+ Int(base.y)) &* edge &+ Int(base.x)
        let j = i &+ edge &* edge
        let lower = Self.mix(Self.pair(samples, i, f.x), Self.pair(samples, i &+ edge, f.x), f.y)
        let upper = Self.mix(Self.pair(samples, j, f.x), Self.pair(samples, j &+ edge, f.x), f.y)
        return Self.mix(lower, upper, f.z)
    }

    @inline(__always)
    private static func mix(_ a: SIMD4<Float>, _ b: SIMD4<Float>, _ part: Float) -> SIMD4<Float> { a + (b - a) * part }

    @inline(__always)
    private static func pair(_ samples: UnsafeBufferPointer<SIMD4<Float>>, _ index: Int, _ part: Float) -> SIMD4<Float> {
        mix(samples[index], samples[index &+ 1], part)
    }

    private static func cubicWeights(_ t: Float) -> SIMD4<Float> {
        let s = 1 - t
        return SIMD4(s * s * s, 4 - 3 * t * t * (2 - t), 4 - 3 * s * s * (2 - s), t * t * t) / 6
    }

    private func cubic(_ p: SIMD3<Double>, _ samples: UnsafeBufferPointer<SIMD4<Float>>) -> SIMD4<Float> {
        let q = p + Double(reach)
        let base = q.rounded(.down)
        let f = SIMD3<Float>(q - base)
        let (x, y, z) = (Self.cubicWeights(f.x), Self.cubicWeights(f.y), Self.cubicWeights(f.z))
        let edge = 2 * reach + 1
        var sum = SIMD4<Float>.zero
        for k in 0..<4 {
            let c = Int(base.z) + k - 1
            guard c >= 0, c < edge else { continue }
            for j in 0..<4 {
                let b = Int(base.y) + j - 1
                guard b >= 0, b < edge else { continue }
                var row = SIMD4<Float>.zero
                for i in 0..<4 {
                    let a = Int(base.x) + i - 1
                    guard a >= 0, a < edge else { continue }
                    row += x[i] * samples[(c &* edge &+ b) &* edge &+ a]
                }
                sum += (z[k] * y[j]) * row
            }
        }
        return sum
    }

    /// Calls the closure with the values at all frequencies, each turned by the rotation, or back.
    func read(
        _ frequencies: SubvolumeFrequencies, _ rotation: SubvolumeRotation, back: Bool, _ body: (Int, SIMD4<Float>) -> Void
    ) {
        let m = (back ? rotation.inverse : rotation).rows
        let scale = Double(length) / Double(frequencies.grid)
        // Columns of the matrix: the turned vector is a sum of them.
        let (a, b, c) = (
            scale * SIMD3(m[0].x, m[1].x, m[2].x), scale * SIMD3(m[0].y, m[1].y, m[2].y), scale * SIMD3(m[0].z, m[1].z, m[2].z)
        )
        samples.withUnsafeBufferPointer { samples in
            for (index, k) in frequencies.points.enumerated() {
                let p = k.x * a + k.y * b + k.z * c
                body(index, order == 1 ? linear(p, samples) : cubic(p, samples))
            }
        }
    }
}

/// Which samples of a ``SubvolumeSpectrum`` a tilt series measured.
struct SubvolumeWeight: Sendable {
    fileprivate let isMeasured: [Bool]

    init(_ wedge: MissingWedge, side: Int, highest: Double) {
        let reach = SubvolumeSpectrum.reach(length: SubvolumeSpectrum.length(side: side), highest: highest)
        var isMeasured: [Bool] = []
        for z in -reach...reach {
            for y in -reach...reach {
                for x in -reach...reach { isMeasured.append(wedge.isMeasured(SIMD3(Double(x), Double(y), Double(z)))) }
            }
        }
        self.isMeasured = isMeasured
    }
}
