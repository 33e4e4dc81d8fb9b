import Foundation
import Tensors
import TestSupport
import Testing

@testable import SpectralClustering

@Suite("Affinities of tokens")
struct TokenAffinityTests {
    static func layers() throws -> [TokenLayer] {
        var fine = noise(5, 576, 4).values
        for token in 0..<576 {
            let (y, x) = (token / 24, token % 24)
            fine[token * 4] += y < 10 ? 3 : 0
            fine[token * 4 + 1] += x < 7 ? 3 : 0
            fine[token * 4 + 2] += Float(sin(Double(x) / 4))
        }
        return try [
            TokenLayer(grid: TokenGrid(height: 24, width: 24), channels: 4, values: fine),
            TokenLayer(grid: TokenGrid(height: 12, width: 12), channels: 3, values: noise(6, 144, 3).values, weight: 0.5),
        ]
    }

    @Test("Gaussians of distances equal NumPy's, with PyTorch's bilinear interpolation of coarser layers")
    func affinity() throws {
        let affinity = try AffinityOperator(tokens: Self.layers(), normalized: false, seed: 9)
        var unit = Tensor(shape: [1, 576])
        unit.withUnsafeMutableBufferPointer { $0[17] = 1 }
        #expect(
            try relativeError(affinity.multiply(unit).values, GoldenFile("tokens_affinity_row.f32", in: .module).floats()) < 2e-5)
    }

    @Test("eigenvectors are those of SciPy, of the affinity itself and of its random walk", arguments: [false, true])
    func eigenvectors(normalized: Bool) throws {
        let affinity = try AffinityOperator(tokens: Self.layers(), normalized: normalized, seed: 9)
        let found = try Eigensolver(count: 8, constantTolerance: 0)(affinity)
        let name = normalized ? "tokens_walk" : "tokens_plain"
        #expect(found.isConverged)
        #expect(try relativeError(found.values.map { Float($0) }, GoldenFile("\(name)_values.f32", in: .module).floats()) < 1e-5)
        let expected = SingularVectors(
            Tensor(shape: [8, 576], values: try GoldenFile("\(name)_vectors.f32", in: .module).floats())
        ).vectors
        #expect(largestAngle(found.vectors, expected) < 1e-4)
    }

    @Test("the first eigenvector of a random walk is constant, has the eigenvalue 1, and is dropped")
    func constant() throws {
        let affinity = try AffinityOperator(tokens: Self.layers(), seed: 9)
        let kept = try Eigensolver(count: 3, constantTolerance: 0)(affinity)
        let first = kept.vectors.values.prefix(576)
        #expect(abs(kept.values[0] - 1) < 1e-5)
        #expect(first.allSatisfy { abs($0 * 24 - 1) < 1e-3 })
        let found = try Eigensolver(count: 2)(affinity)
        let dropped = try #require(found.droppedConstant)
        #expect(abs(dropped - 1) < 1e-5)
        #expect(abs(found.values[0] - kept.values[1]) < 1e-5)
    }

    @Test("the median distance of a sample is close to that of all pairs")
    func median() throws {
        let features = try TokenFeatures(Self.layers())
        let values = features.values.values
        var distances: [Double] = []
        for first in 0..<576 {
            for second in 0..<first {
                let square = (0..<7).reduce(0.0) { sum, channel in
                    let difference = Double(values[first * 7 + channel] - values[second * 7 + channel])
                    return sum + difference * difference
                }
                distances.append(square.squareRoot())
            }
        }
        distances.sort()
        let exact = distances[distances.count / 2]
        for seed in 0..<3 { #expect(abs(features.medianDistance(seed: UInt64(seed)) / exact - 1) < 0.02) }
    }

    @Test("exponentials are within 2 units of the last place down to −87")
    func exponential() {
        var worst = 0.0
        for step in 0..<20_000 {
            let x = -87 * Float(step) / 20_000
            let value = GaussianAffinity.exponential(SIMD16(repeating: x))[3]
            worst = max(worst, abs(Double(value) / exp(Double(x)) - 1))
        }
        #expect(worst < 2.4e-7)
        #expect(GaussianAffinity.exponential(SIMD16(repeating: -.infinity))[0] < 1e-37)
    }

    @Test("tokens that are all alike, or no numbers, are refused")
    func refusals() throws {
        let grid = try TokenGrid(height: 8, width: 8)
        let alike = try TokenLayer(grid: grid, channels: 2, values: [Float](repeating: 0.1, count: 128))
        expectFailure(.degenerate) { try AffinityOperator(tokens: [alike]) }
        var single = [Float](repeating: 0, count: 128)
        single[9] = 1
        expectFailure(.degenerate) { try AffinityOperator(tokens: [TokenLayer(grid: grid, channels: 2, values: single)]) }
        single[9] = .nan
        expectFailure(.notFinite) { try AffinityOperator(tokens: [TokenLayer(grid: grid, channels: 2, values: single)]) }
        expectFailure(.invalidSize) { try AffinityOperator(tokens: []) }
        expectFailure(.invalidSize) { try TokenLayer(grid: grid, channels: 3, values: single) }
        expectFailure(.invalidParameter) { try AffinityOperator(tokens: Self.layers(), bandwidth: 0) }
        expectFailure(.invalidParameter) { try AffinityOperator(tokens: Self.layers(), bandwidth: .nan) }
        expectFailure(.degenerate) { try AffinityOperator(tokens: Self.layers(), bandwidth: 1e-30) }
    }
}
