import Foundation
import Tensors
import TestSupport

@testable import SpectralClustering

/// Affinities with structure, the same as in Golden/make_golden.py: attention that falls with the distance of random features
/// and of places in the grid.
enum Affinities {
    /// n · (P + Pᵀ) / 2, of which P = exp(−d² / spread) with rows that sum to 1: `[n, n]`.
    static func matrix(_ side: Int, seed: UInt64, spread: Double) -> [Double] {
        let n = side * side
        let random = noise(seed, n, 3).values
        let features = (0..<n).map { token in
            [Double(token / side) / Double(side), Double(token % side) / Double(side)]
                + (0..<3).map { 0.25 * Double(random[token * 3 + $0]) }
        }
        var p = [Double](repeating: 0, count: n * n)
        for row in 0..<n {
            var sum = 0.0
            for column in 0..<n {
                let square = zip(features[row], features[column]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                p[row * n + column] = exp(-square / spread)
                sum += p[row * n + column]
            }
            for column in 0..<n { p[row * n + column] /= sum }
        }
        return (0..<n * n).map { Double(n) * (p[$0] + p[$0 % n * n + $0 / n]) / 2 }
    }

    static func upperTriangle(_ matrix: [Double], side: Int) -> [Float] {
        let n = side * side
        return (0..<n).flatMap { row in (row..<n).map { Float(matrix[row * n + $0]) } }
    }

    static func term(
        _ side: Int, seed: UInt64, spread: Double, layers: Int = 1, weight: Double = 1
    ) throws -> AffinityTerm {
        try AffinityTerm(
            grid: TokenGrid(height: side, width: side),
            triangle: .float32(upperTriangle(matrix(side, seed: seed, spread: spread), side: side)), layers: layers,
            weight: weight)
    }

    /// Three resolutions, two groups at the finest.
    static func pyramid() throws -> [AffinityTerm] {
        try [
            term(24, seed: 1, spread: 0.02, layers: 2), term(24, seed: 2, spread: 0.05, layers: 3, weight: 0.5),
            term(12, seed: 3, spread: 0.03, layers: 5), term(6, seed: 4, spread: 0.1, layers: 1, weight: 2),
        ]
    }
}

/// The sine of the largest angle between the spans of rows, of which those expected are orthonormal.
func largestAngle(_ vectors: Tensor, _ expected: Tensor) -> Double {
    let n = vectors.shape[1]
    let basis = SingularVectors(vectors).vectors
    let (a, b) = (basis.values.map(Double.init), expected.values.map(Double.init))
    let (rows, others) = (basis.shape[0], expected.shape[0])
    // What is left of each row of a basis outside the other span.
    let rest = (0..<rows).flatMap { row -> [Float] in
        var vector = Array(a[row * n..<(row + 1) * n])
        for other in 0..<others {
            let share = (0..<n).reduce(0) { $0 + vector[$1] * b[other * n + $1] }
            for place in 0..<n { vector[place] -= share * b[other * n + place] }
        }
        return vector.map { Float($0) }
    }
    return SingularVectors(Tensor(shape: [rows, n], values: rest)).values.first ?? 0
}
