import Tensors
import TestSupport
import Testing

@testable import SpectralClustering

@Suite("Eigenvectors")
struct EigensolverTests {
    @Test(
        "20 eigenpairs of a pyramid of affinities equal those of scipy.sparse.linalg.eigsh on the assembled matrix",
        arguments: AffinityOperator.Pooling.allCases)
    func pyramid(pooling: AffinityOperator.Pooling) throws {
        let affinity = try AffinityOperator(terms: Affinities.pyramid(), pooling: pooling)
        let found = try Eigensolver(count: 20, constantTolerance: 0)(affinity)
        let values = try GoldenFile("pyramid_\(pooling.rawValue)_values.f32", in: .module).floats()
        #expect(found.isConverged)
        #expect(zip(found.values, values).allSatisfy { abs($0 / Double($1) - 1) < 1e-5 })
        let expected = Tensor(
            shape: [20, 576], values: try GoldenFile("pyramid_\(pooling.rawValue)_vectors.f32", in: .module).floats())
        #expect(largestAngle(found.vectors, expected) < 1e-4)
        #expect(orthogonalityError(found.vectors) < 1e-6)
        #expect(zip(found.values, found.residuals).allSatisfy { $1 <= 3e-6 * $0 + 1e-7 * found.values[0] })
        #expect(try #require(found.gap) > 0)
    }

    @Test("a bound on products that is too low is reported, with the residuals that are left")
    func notConverged() throws {
        let affinity = try AffinityOperator(terms: Affinities.pyramid())
        let found = try Eigensolver(count: 20, maxProducts: 3)(affinity)
        #expect(!found.isConverged)
        #expect(found.products <= 3)
        #expect(try #require(found.residuals.max()) > 1e-6)
        #expect(found.count == 20)
        expectFailure(.invalidParameter) { try Eigensolver(count: 100, maxProducts: 2)(affinity) }
    }

    @Test("a matrix of lower rank than the eigenvectors wanted is filled up with eigenvalues 0")
    func lowRank() throws {
        let affinity = try AffinityOperator(
            terms: [Affinities.term(4, seed: 5, spread: 0.1)], grid: TokenGrid(height: 24, width: 24))
        let found = try Eigensolver(count: 24, constantTolerance: 0)(affinity)
        #expect(found.isConverged)
        #expect(found.values.prefix(16).allSatisfy { $0 > 1e-5 })
        #expect(found.values.dropFirst(16).allSatisfy { abs($0) < 1e-7 })
        #expect(orthogonalityError(found.vectors) < 1e-5)
    }

    @Test("one large eigenvalue does not spoil those a thousand times smaller")
    func dominated() throws {
        // Even but for a thousandth of structure, which matters where it is orthogonal to the constant vector.
        let (n, share) = (576, 1e-3)
        let structure = Affinities.matrix(24, seed: 8, spread: 0.02)
        let values = structure.map { 1 + share * ($0 - 1) }
        let affinity = try AffinityOperator(terms: [
            AffinityTerm(
                grid: TokenGrid(height: 24, width: 24), triangle: .float32(Affinities.upperTriangle(values, side: 24)), layers: 1)
        ])
        let found = try Eigensolver(count: 6)(affinity)
        let means = (0..<n).map { row in (0..<n).reduce(0) { $0 + structure[row * n + $1] } / Double(n) }
        let mean = means.reduce(0, +) / Double(n)
        let centered = (0..<n * n).map { Float((structure[$0] - means[$0 / n] - means[$0 % n] + mean) / Double(n)) }
        let expected = try #require(SymmetricEigenproblem(Tensor(shape: [n, n], values: centered), count: 6))
        #expect(found.isConverged)
        #expect(abs(try #require(found.droppedConstant) - 1) < 1e-2)
        for (value, other) in zip(found.values, expected.values) { #expect(abs(value / share / Double(other) - 1) < 1e-2) }
        #expect(largestAngle(found.vectors, expected.vectors) < 0.02)
    }

    @Test("results are the same on any number of threads and depend on the seed by rounding alone")
    func deterministic() throws {
        let affinity = try AffinityOperator(terms: Affinities.pyramid())
        let found = try Eigensolver(count: 12)(affinity)
        let threads = Threads.count
        Threads.count = 1
        defer { Threads.count = threads }
        let again = try Eigensolver(count: 12)(affinity)
        #expect(found.vectors.values == again.vectors.values)
        let other = try Eigensolver(count: 12, seed: 5)(affinity)
        #expect(relativeError(other.vectors.values, found.vectors.values) < 1e-3)
    }

    @Test("the largest value of a map is positive, and small grids are solved as well as large ones")
    func signs() throws {
        for side in [3, 6, 16] {
            let affinity = try AffinityOperator(terms: [Affinities.term(side, seed: 11, spread: 0.1)])
            let count = min(side * side - 2, 20)
            let found = try Eigensolver(count: count)(affinity)
            #expect(found.count == count)
            let values = found.vectors.values
            for map in 0..<found.count {
                let row = values[map * side * side..<(map + 1) * side * side]
                #expect(try #require(row.max()) >= -(try #require(row.min())))
            }
        }
    }

    @Test("an affinity of equal values makes no difference between tokens, which is an error")
    func allEqual() throws {
        for side in [8, 24] {
            let grid = try TokenGrid(height: side, width: side)
            let n = side * side
            let ones = try AffinityOperator(terms: [
                AffinityTerm(grid: grid, triangle: .float16([Float16](repeating: 1, count: n * (n + 1) / 2)), layers: 1)
            ])
            expectFailure(.degenerate) { try Eigensolver(count: 5)(ones) }
            let zeros = try AffinityOperator(terms: [
                AffinityTerm(grid: grid, triangle: .float32([Float](repeating: 0, count: n * (n + 1) / 2)), layers: 1)
            ])
            expectFailure(.degenerate) { try Eigensolver(count: 5)(zeros) }
        }
    }

    @Test("parameters out of range, and more eigenvectors than tokens, are refused")
    func refusals() throws {
        expectFailure(.invalidParameter) { try Eigensolver(count: 0) }
        expectFailure(.invalidParameter) { try Eigensolver(tolerance: 1e-9) }
        expectFailure(.invalidParameter) { try Eigensolver(tolerance: .nan) }
        expectFailure(.invalidParameter) { try Eigensolver(maxProducts: 0) }
        expectFailure(.invalidParameter) { try Eigensolver(constantTolerance: 1) }
        let small = try AffinityOperator(terms: [Affinities.term(4, seed: 1, spread: 0.1)])
        expectFailure(.invalidSize) { try Eigensolver(count: 16)(small) }
        #expect(try Eigensolver(count: 14)(small).count == 14)
    }

    @Test("weights by a power fade from 1, and are 0 for negative eigenvalues")
    func weights() throws {
        let affinity = try AffinityOperator(terms: [Affinities.term(6, seed: 2, spread: 0.1)])
        let found = try Eigensolver(count: 30, constantTolerance: 0)(affinity)
        let weights = found.weights(power: 3)
        #expect(weights[0] == 1)
        for (weight, value) in zip(weights, found.values) {
            #expect(abs(weight - max(0, value / found.values[0] * (value / found.values[0]) * (value / found.values[0]))) < 1e-12)
        }
    }

    /// The largest product of two different rows, or difference of a length from 1.
    private func orthogonalityError(_ vectors: Tensor) -> Double {
        let (count, n) = (vectors.shape[0], vectors.shape[1])
        let values = vectors.values.map(Double.init)
        var worst = 0.0
        for first in 0..<count {
            for second in 0...first {
                let product = (0..<n).reduce(0) { $0 + values[first * n + $1] * values[second * n + $1] }
                worst = max(worst, abs(product - (first == second ? 1 : 0)))
            }
        }
        return worst
    }
}
