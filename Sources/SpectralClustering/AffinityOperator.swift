public import Basics
public import Tensors

/// The symmetric matrix M of affinities between the tokens of a tile, as a product with vectors.
///
/// Of attention, M = Σ_r w_r U_rᵀ S_r U_r (Uddin et al., CVPR 2026, with its objective made one matrix): S_r is the affinity
/// of the layers of one resolution and U_r pools a map to their grid. Of tokens, M is a Gaussian of their distances.
/// M itself is never assembled: each S_r stays on its own grid, 4 n² bytes (64 MB for 4,096 tokens).
public struct AffinityOperator: Sendable {
    /// How a map is brought to a coarser grid.
    public enum Pooling: String, Sendable, Hashable, CaseIterable {
        /// The mean of each block of a · b tokens. Coarse layers count 1 / ab of what fine ones do for a smooth map.
        case average
        /// The sum over √(ab): a smooth map keeps its length, so that all layers count alike. It is what pooling followed by
        /// scaling to length 1 comes to for maps that are smooth.
        case lengthPreserving
    }

    /// Tokens of the finest dense affinity: 16,384² floats are 1 GiB.
    public static let mostTokens = 16_384

    /// The affinity of one resolution.
    struct Resolution: Sendable {
        let grid: TokenGrid
        /// scale · (S − offset), S being the mean of (P + Pᵀ) / 2 over the layers. M sums these, each between sums over blocks.
        let matrix: SymmetricMatrix
        let scale: Double
        let offset: Double
        /// The share of all weights that its layers have.
        let share: Double
    }

    /// The grid of the maps: M is `grid.count`².
    public let grid: TokenGrid
    let resolutions: [Resolution]
    /// Added to every entry of M. Attention is often so even that the mean of its matrix is a hundred times what varies in it:
    /// summed apart, in double precision, it leaves float32 to the rest.
    let mean: Double
    /// What each value of an eigenvector is multiplied with to be that of a random walk, where M was normalised by degrees.
    let walkScale: [Float]?

    init(grid: TokenGrid, resolutions: [Resolution], mean: Double = 0, walkScale: [Float]?) {
        (self.grid, self.resolutions, self.mean, self.walkScale) = (grid, resolutions, mean, walkScale)
    }

    /// The affinity of attention layers.
    ///
    /// Terms of the same grid become one matrix. Weights are relative: M is divided by the sum of weight times layers over
    /// all terms, which is 16 for all layers of Stable Diffusion.
    ///
    /// - Parameters:
    ///   - terms: those of weight 0 are left out.
    ///   - grid: of the maps; that of the finest term unless it is given. Every term's grid must divide it.
    /// - Throws: ``SpectralError`` where no term is left, grids do not divide, or numbers are not finite.
    /// - Complexity: reads each triangle once and writes 4 n² bytes for each grid.
    public init(terms: [AffinityTerm], grid: TokenGrid? = nil, pooling: Pooling = .average) throws(SpectralError) {
        let terms = terms.filter { $0.weight > 0 && $0.layers > 0 }
        guard let finest = grid ?? terms.map(\.grid).max(by: { $0.count < $1.count }), !terms.isEmpty else {
            throw .size("no affinity is left: give at least one layer a weight above 0")
        }
        let total = terms.reduce(0) { $0 + $1.weight * Double($1.layers) }
        var grids: [TokenGrid] = []
        for term in terms where !grids.contains(term.grid) { grids.append(term.grid) }
        var resolutions: [Resolution] = []
        var mean = 0.0
        for own in grids {
            guard let (rows, columns) = finest.factors(over: own) else {
                throw .size("a grid of \(own) tokens does not divide the map of \(finest)")
            }
            let area = Double(rows * columns)
            let pooling = pooling == .average ? 1 / (area * area) : 1 / area
            let terms = terms.filter { $0.grid == own }
            let shares = terms.map { $0.weight * Double($0.layers) / total }
            let scales = shares.map { Float($0 * pooling / Double(own.count)) }
            let triangles = zip(terms, scales).map { (triangle: $0.triangle, scale: $1) }
            guard let matrix = SymmetricMatrix(n: own.count, triangles: triangles) else {
                throw .notFinite("the affinities of \(own) tokens")
            }
            mean += scales.reduce(0) { $0 + Double($1) }
            let share = shares.reduce(0, +)
            resolutions.append(
                Resolution(grid: own, matrix: matrix, scale: share * pooling, offset: 1 / Double(own.count), share: share))
        }
        self.init(grid: finest, resolutions: resolutions, mean: mean, walkScale: nil)
    }

    /// M times each of some vectors.
    ///
    /// - Parameter x: `[b, N]`, one vector in each row, N = `grid.count`.
    /// - Returns: `[b, N]`
    /// - Complexity: 2 b n² operations for each resolution; up to 32 vectors take as long as one.
    public func multiply(_ x: Tensor) -> Tensor {
        precondition(x.shape.count == 2 && x.shape[1] == grid.count, "vectors \(x.shape) for \(grid.count) tokens")
        var y = sums(of: x)
        for resolution in resolutions {
            let (matrix, pooling) = (resolution.matrix, BlockPooling(fine: grid, coarse: resolution.grid))
            pooling.add(matrix.multiplied(by: pooling.sums(of: x, stride: matrix.stride)), to: &y)
        }
        return y
    }

    /// What the mean of M makes of each vector.
    private func sums(of x: Tensor) -> Tensor {
        let tokens = grid.count
        return Tensor(shape: x.shape) { y in
            x.withUnsafeBufferPointer { x in
                Threads.perform(x.count / tokens) { vector in
                    var sum = 0.0
                    if mean != 0 { for place in vector * tokens..<(vector + 1) * tokens { sum += Double(x[place]) } }
                    y[vector * tokens..<(vector + 1) * tokens].update(repeating: Float(mean * sum))
                }
            }
        }
    }

    /// M itself, `[N, N]`: for small grids, and for tests.
    func assembled() -> Tensor {
        let n = grid.count
        var identity = Tensor(shape: [n, n])
        identity.withUnsafeMutableBufferPointer { values in
            for index in 0..<n { values[index * n + index] = 1 }
        }
        return multiply(identity)
    }
}

/// The affinity of the attention layers of one group at one resolution: a term of the matrix whose eigenvectors are wanted.
public struct AffinityTerm: Sendable {
    /// A symmetric matrix of n × n, from the diagonal to the right, row after row: n (n + 1) / 2 values.
    public enum Triangle: Sendable {
        case float16([Float16])
        case float32([Float])

        var count: Int {
            switch self {
            case .float16(let values): values.count
            case .float32(let values): values.count
            }
        }
    }

    /// The tokens of the layers.
    public let grid: TokenGrid
    /// n times the mean of (P + Pᵀ) / 2 over layers, heads and timesteps, as `features` are stored: 1 is what all tokens alike
    /// would give.
    public let triangle: Triangle
    /// How many layers the triangle is the mean of.
    public let layers: Int
    /// How much each of the layers counts, beside those of other terms.
    public let weight: Double

    /// - Parameter weight: that of the group times that of the resolution.
    /// - Throws: ``SpectralError`` where the triangle does not fit the grid, or layers or weight are negative or not finite.
    public init(grid: TokenGrid, triangle: Triangle, layers: Int, weight: Double = 1) throws(SpectralError) {
        let n = grid.count
        guard n <= AffinityOperator.mostTokens else {
            throw .size("a grid of \(grid) tokens; a dense affinity takes at most \(AffinityOperator.mostTokens)")
        }
        guard triangle.count == n * (n + 1) / 2 else {
            let wanted = n * (n + 1) / 2
            throw .size("an affinity of \(grid) tokens has \(wanted) values from its diagonal on, not \(triangle.count)")
        }
        guard (0...1_000_000).contains(layers) else { throw .parameter("layers", layers, mustBe: "between 0 and 1000000") }
        guard weight.isFinite, weight >= 0 else { throw .parameter("weight", weight, mustBe: "0 or greater") }
        (self.grid, self.triangle, self.layers, self.weight) = (grid, triangle, layers, weight)
    }
}

extension AffinityTerm.Triangle {
    /// Lends some of the values as float32.
    func withFloats(
        _ range: Range<Int>, scratch: UnsafeMutableBufferPointer<Float>, _ body: (UnsafeBufferPointer<Float>) -> Void
    ) {
        switch self {
        case .float32(let values):
            values.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
        case .float16(let values):
            let target = UnsafeMutableBufferPointer(rebasing: scratch[..<range.count])
            values.withUnsafeBufferPointer { halves in
                halves.withMemoryRebound(to: UInt16.self) { bits in
                    Half.float16ToFloat32(UnsafeBufferPointer(rebasing: bits[range]), target)
                }
            }
            body(UnsafeBufferPointer(target))
        }
    }
}

/// The tokens of a tile: a grid of rows and columns, numbered row after row.
public struct TokenGrid: Hashable, Sendable, CustomStringConvertible {
    public let height: Int
    public let width: Int

    /// - Throws: ``SpectralError`` unless both sides are between 1 and 4,096.
    public init(height: Int, width: Int) throws(SpectralError) {
        guard (1...4096).contains(height), (1...4096).contains(width) else {
            throw .size("a grid of \(height) × \(width) tokens; each side must be between 1 and 4096")
        }
        (self.height, self.width) = (height, width)
    }

    /// How many tokens.
    public var count: Int { height * width }

    public var description: String { "\(height) × \(width)" }

    /// How many rows and columns of this grid share one token of a coarser one; nil where it does not divide this one.
    func factors(over coarser: TokenGrid) -> (rows: Int, columns: Int)? {
        guard height % coarser.height == 0, width % coarser.width == 0 else { return nil }
        return (height / coarser.height, width / coarser.width)
    }
}

/// Sums of maps over the blocks that are one token of a coarser grid, and the way back.
struct BlockPooling {
    let fine: TokenGrid
    let coarse: TokenGrid
    private let rows: Int
    private let columns: Int

    /// - Precondition: the coarse grid divides the fine one.
    init(fine: TokenGrid, coarse: TokenGrid) {
        (self.fine, self.coarse) = (fine, coarse)
        (rows, columns) = (fine.height / coarse.height, fine.width / coarse.width)
    }

    /// `[b, N]` → `[b, stride]`, zero beyond the coarse grid's tokens.
    func sums(of x: Tensor, stride: Int) -> Tensor {
        let tokens = fine.count
        return Tensor(shape: [x.shape[0], stride]) { target in
            x.withUnsafeBufferPointer { x in
                Threads.perform(x.count / tokens) { vector in
                    let target = UnsafeMutableBufferPointer(rebasing: target[vector * stride..<(vector + 1) * stride])
                    let x = UnsafeBufferPointer(rebasing: x[vector * tokens..<(vector + 1) * tokens])
                    target.update(repeating: 0)
                    for row in 0..<fine.height {
                        let line = row / rows * coarse.width
                        for column in 0..<coarse.width {
                            let first = row * fine.width + column * columns
                            for place in first..<first + columns { target[line + column] += x[place] }
                        }
                    }
                }
            }
        }
    }

    /// Adds values `[n, b]` of coarse tokens to each token of their blocks, `[b, N]`.
    func add(_ values: Tensor, to y: inout Tensor) {
        let (tokens, vectors) = (fine.count, y.shape[0])
        y.withUnsafeMutableBufferPointer { y in
            values.withUnsafeBufferPointer { values in
                Threads.perform(fine.height) { row in
                    // The vectors lie a multiple of 4 KiB apart, where few lines of a cache serve all: one after the other.
                    for vector in 0..<vectors {
                        let line = row / rows * coarse.width * vectors + vector
                        let first = vector * tokens + row * fine.width
                        for column in 0..<coarse.width {
                            let value = values[line + column * vectors]
                            for place in first + column * columns..<first + (column + 1) * columns { y[place] += value }
                        }
                    }
                }
            }
        }
    }
}
