import SpectralClustering
import Tensors
import Testing

@Suite("The closed form") struct ClosedFormTests {
    /// Numbers that a seed gives.
    private struct Numbers {
        var state: UInt64

        mutating func next() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / Float(1 << 24)
        }
    }

    /// Attention between tokens of a grid in which three groups attend to themselves: the packed triangle of n · (P + Pᵀ) / 2.
    private static func triangle(side: Int, seed: UInt64) -> [Float] {
        let n = side * side
        var numbers = Numbers(state: seed)
        let groups = (0..<n).map { token in (token / side) * 2 / side * 2 + (token % side) * 2 / side }
        var p = [Float](repeating: 0, count: n * n)
        for row in 0..<n {
            for column in 0..<n { p[row * n + column] = (groups[row] == groups[column] ? 3 : 1) * (0.2 + numbers.next()) }
            let sum = p[row * n..<(row + 1) * n].reduce(0, +)
            for column in 0..<n { p[row * n + column] /= sum }
        }
        return (0..<n).flatMap { row in (row..<n).map { column in Float(n) * (p[row * n + column] + p[column * n + row]) / 2 } }
    }

    private static func affinity(seed: UInt64) throws -> AffinityOperator {
        try AffinityOperator(terms: [
            AffinityTerm(
                grid: TokenGrid(height: 16, width: 16), triangle: .float32(triangle(side: 16, seed: seed)), layers: 3, weight: 1),
            AffinityTerm(
                grid: TokenGrid(height: 8, width: 8), triangle: .float32(triangle(side: 8, seed: seed + 1)), layers: 2,
                weight: 0.5),
        ])
    }

    /// The matrix, row by row, as the operator multiplies it.
    private static func assembled(_ affinity: AffinityOperator) -> Tensor {
        let n = affinity.grid.count
        let identity = Tensor(shape: [n, n]) { target in
            target.initialize(repeating: 0)
            for index in 0..<n { target[index * n + index] = 1 }
        }
        return affinity.multiply(identity)
    }

    @Test("gives the eigenpairs of the assembled matrix", arguments: [1, 2, 3] as [UInt64])
    func eigenpairs(seed: UInt64) throws {
        let affinity = try Self.affinity(seed: seed)
        let n = affinity.grid.count
        let matrix = Self.assembled(affinity)
        let entries = matrix.values
        for (row, column) in [(0, 1), (17, 200), (255, 3)] {
            #expect(abs(entries[row * n + column] - entries[column * n + row]) < 1e-6)
        }
        let found = try Eigensolver(count: 10, constantTolerance: 0)(affinity)
        let exact = try #require(SymmetricEigenproblem(matrix, count: 10))
        #expect(found.isConverged && found.count == 10)
        for (value, expected) in zip(found.values, exact.values) {
            #expect(abs(value - Double(expected)) <= 1e-5 * Double(exact.values[0]))
        }
        // Rows are orthonormal, and eigenvectors: M v = λ v.
        let products = affinity.multiply(found.vectors).values
        let vectors = found.vectors.values
        for a in 0..<10 {
            for b in 0...a {
                let product = (0..<n).reduce(0.0) { $0 + Double(vectors[a * n + $1]) * Double(vectors[b * n + $1]) }
                #expect(abs(product - (a == b ? 1 : 0)) < 1e-4)
            }
            let residual = (0..<n).reduce(0.0) { sum, index in
                let difference = Double(products[a * n + index]) - found.values[a] * Double(vectors[a * n + index])
                return sum + difference * difference
            }.squareRoot()
            #expect(residual <= 1e-4 * found.values[0])
        }
    }

    @Test("is the same each time, and drops the constant vector when asked to")
    func repeats() throws {
        let affinity = try Self.affinity(seed: 5)
        let first = try Eigensolver(count: 6)(affinity)
        let second = try Eigensolver(count: 6)(affinity)
        #expect(first.vectors.values == second.vectors.values)
        #expect(first.droppedConstant != nil)
        let whole = try Eigensolver(count: 7, constantTolerance: 0)(affinity)
        #expect(abs((first.droppedConstant ?? 0) - whole.values[0]) < 1e-4)
        #expect(abs(first.values[0] - whole.values[1]) < 1e-4)
    }

    @Test("tokens of two kinds are told apart by the first eigenvector")
    func tokens() throws {
        var numbers = Numbers(state: 3)
        let n = 16 * 16
        let isBright = (0..<n).map { ($0 / 16 - 8) * ($0 / 16 - 8) + ($0 % 16 - 6) * ($0 % 16 - 6) < 16 }
        let values = isBright.flatMap { bright in (0..<4).map { _ in (bright ? 2 : 0) + numbers.next() } }
        let affinity = try AffinityOperator(tokens: [
            TokenLayer(grid: TokenGrid(height: 16, width: 16), channels: 4, values: values)
        ])
        let first = try Eigensolver(count: 3)(affinity).vectors.values.prefix(n)
        let bright = zip(first, isBright).filter(\.1).map(\.0)
        let dark = zip(first, isBright).filter { !$0.1 }.map(\.0)
        let (low, high) = (bright.min() ?? 0, dark.max() ?? 0)
        #expect(low > high || (bright.max() ?? 0) < (dark.min() ?? 0))
    }

    @Test("tokens that are all alike, and numbers that are not finite, are refused with a sentence")
    func degenerate() throws {
        let grid = try TokenGrid(height: 4, width: 4)
        #expect(throws: SpectralError.self) {
            try AffinityOperator(tokens: [TokenLayer(grid: grid, channels: 2, values: [Float](repeating: 1, count: 32))])
        }
        #expect(throws: SpectralError.self) {
            try AffinityOperator(tokens: [TokenLayer(grid: grid, channels: 2, values: [Float](repeating: .nan, count: 32))])
        }
        #expect(throws: SpectralError.self) {
            try AffinityOperator(terms: [
                AffinityTerm(grid: grid, triangle: .float32([Float](repeating: 1, count: 7)), layers: 1)
            ])
        }
    }
}
