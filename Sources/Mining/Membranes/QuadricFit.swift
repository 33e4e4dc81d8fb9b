import Basics

/// The sums of a weighted least-squares fit of z = f + d u + e v + a u² + b u v + c v².
struct QuadricFit {
    /// Of 1, u, v, u², uv, v², u³, u²v, uv², v³, u⁴, u³v, u²v², uv³, v⁴; the last one is free.
    private var moments = SIMD16<Double>.zero
    /// Of z times 1, u, v, u², uv, v², and of z².
    private var right = SIMD8<Double>.zero
    private(set) var count = 0

    /// The coefficients, and the root of the weighted mean square of what is left.
    struct Solution {
        let (f, d, e, a, b, c): (Double, Double, Double, Double, Double, Double)
        let residual: Double

        @inline(__always)
        func height(_ u: Double, _ v: Double) -> Double { f + u * (d + a * u + b * v) + v * (e + c * v) }
    }

    @inline(__always)
    mutating func add(_ u: Double, _ v: Double, _ z: Double, weight: Double) {
        let (uu, uv, vv) = (u * u, u * v, v * v)
        moments +=
            weight
            * SIMD16(1, u, v, uu, uv, vv, uu * u, uu * v, u * vv, vv * v, uu * uu, uu * uv, uu * vv, uv * vv, vv * vv, 0)
        right += weight * z * SIMD8(1, u, v, uu, uv, vv, z, 0)
        count += 1
    }

    /// The squared length of the weighted mean of (u, v).
    var eccentricity: Double {
        guard moments[0] > 0 else { return .infinity }
        return (moments[1] * moments[1] + moments[2] * moments[2]) / (moments[0] * moments[0])
    }

    /// Nil where the points do not determine a quadric.
    func solve() -> Solution? {
        guard count >= 10, moments[0] > 0 else { return nil }
        // By Cholesky; the moment of each product of two monomials.
        let places: [[Int]] = [[0], [1, 3], [2, 4, 5], [3, 6, 7, 10], [4, 7, 8, 11, 12], [5, 8, 9, 12, 13, 14]]
        var factor = [Double](repeating: 0, count: 36)
        var solution = [Double](repeating: 0, count: 6)
        for row in 0..<6 {
            for column in 0...row {
                var value = moments[places[row][column]]
                for inner in 0..<column { value -= factor[row * 6 + inner] * factor[column * 6 + inner] }
                if row == column {
                    guard value > 1e-6 * moments[places[row][row]] else { return nil }
                    factor[row * 7] = value.squareRoot()
                } else {
                    factor[row * 6 + column] = value / factor[column * 7]
                }
            }
            var value = right[row]
            for inner in 0..<row { value -= factor[row * 6 + inner] * solution[inner] }
            solution[row] = value / factor[row * 7]
        }
        for row in (0..<6).reversed() {
            for inner in row + 1..<6 { solution[row] -= factor[inner * 6 + row] * solution[inner] }
            solution[row] /= factor[row * 7]
        }
        var square = right[6]
        for row in 0..<6 { square -= solution[row] * right[row] }
        return Solution(
            f: solution[0], d: solution[1], e: solution[2], a: solution[3], b: solution[4], c: solution[5],
            residual: (max(0, square) / moments[0]).squareRoot())
    }
}

extension QuadricFit.Solution {
    /// The mean and the Gaussian curvature at u = v = 0, for coordinates in units of `length`, with the sign of the bend towards
    /// positive z.
    func curvatures(length: Double) -> (mean: Double, gaussian: Double) {
        let (p, q) = (d / length, e / length)
        let (r, s, t) = (2 * a / (length * length), b / (length * length), 2 * c / (length * length))
        let g = 1 + p * p + q * q
        let mean = ((1 + q * q) * r - 2 * p * q * s + (1 + p * p) * t) / (2 * g * g.squareRoot())
        return (mean, (r * t - s * s) / (g * g))
    }
}
