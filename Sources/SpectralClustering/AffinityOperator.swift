public import Basics
public import Tensors

/// The symmetric N × N matrix M of affinities between the tokens of a tile, given by its product with vectors.
///
/// From attention, M = Σ_r w_r U_rᵀ S_r U_r (Uddin et al., CVPR 2026, with its objective written as one matrix): S_r is the
/// affinity matrix of the layers of one resolution r, and U_r pools a map to the grid of that resolution. From tokens, M is a
/// Gaussian of the distances between them. M itself is never assembled: each S_r stays on its own grid and takes 4 n² bytes (64
/// MB for 4,096 tokens).
public struct AffinityOperator: Sendable {
    /// U_r: how a map is pooled to a coarser grid, in blocks of a × b tokens.
    public enum Pooling: String, Sendable, Hashable, CaseIterable {
        /// The mean of each block. For a smooth map, coarse layers then have 1 / ab of the influence of fine ones.
        case average
        /// The sum of each block divided by √(ab). A smooth map keeps its length, so that all layers have the same influence. For
        /// smooth maps this equals average pooling followed by scaling to length 1.
        case lengthPreserving
    }

    /// The most tokens of a dense affinity matrix: 16,384² float32 values are 1 GiB.
    public static let mostTokens = 16_384

    /// One term of M: the affinity matrix of one resolution.
    struct Resolution: Sendable {
        let grid: TokenGrid
        /// scale · (S − offset), S being the mean of (P + Pᵀ) / 2 over the layers, on this resolution's grid. Its contribution to
        /// M is Bᵀ · matrix · B, B being the sum over blocks.
        let matrix: SymmetricMatrix
        let scale: Double
        let offset: Double
        /// The share of this resolution's layers in the sum of all weights.
        let share: Double
    }

    /// The grid of the maps, N = `grid.count` tokens. M is N × N.
    public let grid: TokenGrid
    let resolutions: [Resolution]
    /// A constant that is added to every entry of M. Attention is often so even that the mean of its matrix is a hundred times
    /// its variation. The mean is therefore handled separately, in double precision, and float32 holds only the variation.
    let mean: Double
    /// D^−½ for each token where M was normalised by degrees: factors that turn eigenvectors of M into those of the random walk
    /// D⁻¹ W. nil for other affinities.
    let walkScale: [Float]?

    init(grid: TokenGrid, resolutions: [Resolution], mean: Double = 0, walkScale: [Float]?) {
        (self.grid, self.resolutions, self.mean, self.walkScale) = (grid, resolutions, mean, walkScale)
    }

    /// The affinity from attention layers.
    ///
    /// Terms with the same grid are summed into one matrix. Weights are relative: M is divided by the sum of weight · layers over
    /// all terms, which is 16 for all layers of Stable Diffusion with weight 1.
    ///
    /// - Parameters:
    ///   - terms: the affinities; those with weight 0 or no layers are left out.
    ///   - grid: the grid of the maps; by default that of the finest term. Every term's grid must divide it.
    ///   - pooling: how maps are pooled to the grids of coarser terms.
    /// - Throws: ``SpectralError`` where no term is left, a grid does not divide `grid`, or numbers are not finite.
    /// - Complexity: reads each triangle once and writes 4 n² bytes for each resolution of n tokens.
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
                throw .size("a grid of \(own) tokens does not divide the map of \(finest); give one whose sides do")
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

    /// The product of M with b vectors: `[b, N]` → `[b, N]`.
    ///
    /// - Parameter x: `[b, N]`, one vector in each row, N = `grid.count`.
    /// - Complexity: 2 b n² operations for each resolution of n tokens; up to 32 vectors take as long as one.
    public func multiply(_ x: Tensor) -> Tensor {
        precondition(x.shape.count == 2 && x.shape[1] == grid.count, "vectors \(x.shape) for \(grid.count) tokens")
        var y = sums(of: x)
        for resolution in resolutions {
            let (matrix, pooling) = (resolution.matrix, BlockPooling(fine: grid, coarse: resolution.grid))
            pooling.add(matrix.multiplied(by: pooling.sums(of: x, stride: matrix.stride)), to: &y)
        }
        return y
    }

    /// The product of the constant part of M with each vector: mean · Σ x in every token.
    private func sums(of x: Tensor) -> Tensor {
        let tokens = grid.count
        return Tensor(shape: x.shape) { y in
            x.withUnsafeBufferPointer { x in
                Threads.perform(x.count / tokens) { vector in
                    var sum = 0.0
                    if mean != 0 { for element in vector * tokens..<(vector + 1) * tokens { sum += Double(x[element]) } }
                    y[vector * tokens..<(vector + 1) * tokens].update(repeating: Float(mean * sum))
                }
            }
        }
    }

    /// M as a dense matrix, `[N, N]`, for small grids.
    func assembled() -> Tensor {
        let n = grid.count
        var identity = Tensor(shape: [n, n])
        identity.withUnsafeMutableBufferPointer { values in
            for index in 0..<n { values[index * n + index] = 1 }
        }
        return multiply(identity)
    }
}

/// The affinity matrix of the attention layers of one group at one resolution: a term of ``AffinityOperator``.
public struct AffinityTerm: Sendable {
    /// A packed symmetric n × n matrix: the upper triangle including the diagonal, row by row, n (n + 1) / 2 values.
    public enum Triangle: Sendable {
        case float16([Float16])
        case float32([Float])

        /// The number of values.
        var count: Int {
            switch self {
            case .float16(let values): values.count
            case .float32(let values): values.count
            }
        }
    }

    /// The grid of the layers' tokens, n in all.
    public let grid: TokenGrid
    /// n times the mean of (P + Pᵀ) / 2 over layers, heads and timesteps, P being the attention matrix; `features` are stored
    /// this way. Uniform attention gives 1 everywhere.
    public let triangle: Triangle
    /// The number of layers that the mean is taken over.
    public let layers: Int
    /// The weight of each of these layers relative to the layers of other terms.
    public let weight: Double

    /// - Parameter weight: the weight of the group times the weight of the resolution.
    /// - Throws: ``SpectralError`` where the triangle does not fit the grid, or layers or weight are negative or not finite.
    public init(grid: TokenGrid, triangle: Triangle, layers: Int, weight: Double = 1) throws(SpectralError) {
        let n = grid.count
        guard n <= AffinityOperator.mostTokens else {
            throw .size("a grid of \(grid) tokens; a dense affinity takes at most \(AffinityOperator.mostTokens)")
        }
        guard triangle.count == n * (n + 1) / 2 else {
            let wanted = n * (n + 1) / 2
            throw .size(
                "an affinity of \(grid) tokens cannot have \(triangle.count) values; give \(wanted), from its diagonal on")
        }
        guard (0...1_000_000).contains(layers) else { throw .parameter("layers", layers, mustBe: "between 0 and 1000000") }
        guard weight.isFinite, weight >= 0 else { throw .parameter("weight", weight, mustBe: "0 or greater") }
        (self.grid, self.triangle, self.layers, self.weight) = (grid, triangle, layers, weight)
    }
}

extension AffinityTerm.Triangle {
    /// Calls the body with a range of the values as float32.
    ///
    /// - Parameter scratch: memory for at least `range.count` values, which converted values are written to.
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

/// A grid of tokens over a tile: `height` rows of `width` tokens, numbered row by row.
public struct TokenGrid: Hashable, Sendable, CustomStringConvertible {
    /// Rows of tokens.
    public let height: Int
    /// Tokens in a row.
    public let width: Int

    /// - Throws: ``SpectralError`` unless both sides are between 1 and 4,096.
    public init(height: Int, width: Int) throws(SpectralError) {
        guard (1...4096).contains(height), (1...4096).contains(width) else {
            throw .size("a grid of \(height) × \(width) tokens; each side must be between 1 and 4096")
        }
        (self.height, self.width) = (height, width)
    }

    /// The number of tokens.
    public var count: Int { height * width }

    /// Height × width, such as "64 × 64".
    public var description: String { "\(height) × \(width)" }

    /// The rows and columns of this grid in one token of a coarser grid; nil where the coarser grid does not divide this one.
    func factors(over coarser: TokenGrid) -> (rows: Int, columns: Int)? {
        guard height % coarser.height == 0, width % coarser.width == 0 else { return nil }
        return (height / coarser.height, width / coarser.width)
    }
}

/// The sum of maps over blocks, B: one block of fine tokens for each token of a coarser grid; and its transpose Bᵀ.
struct BlockPooling {
    let fine: TokenGrid
    let coarse: TokenGrid
    /// Rows and columns of fine tokens in a block.
    private let rows: Int
    private let columns: Int

    /// - Precondition: the coarse grid divides the fine one.
    init(fine: TokenGrid, coarse: TokenGrid) {
        (self.fine, self.coarse) = (fine, coarse)
        (rows, columns) = (fine.height / coarse.height, fine.width / coarse.width)
    }

    /// B: sums of maps over blocks, `[b, N]` → `[b, stride]`, with zeros after the coarse grid's tokens.
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
                            for element in first..<first + columns { target[line + column] += x[element] }
                        }
                    }
                }
            }
        }
    }

    /// Bᵀ: adds the value of each coarse token, `[n, b]`, to all fine tokens of its block, `[b, N]`.
    func add(_ values: Tensor, to y: inout Tensor) {
        let (tokens, vectors) = (fine.count, y.shape[0])
        y.withUnsafeMutableBufferPointer { y in
            values.withUnsafeBufferPointer { values in
                Threads.perform(fine.height) { row in
                    // One vector after the other: vectors lie a multiple of 4 KiB apart and would evict each other from the
                    // cache.
                    for vector in 0..<vectors {
                        let line = row / rows * coarse.width * vectors + vector
                        let first = vector * tokens + row * fine.width
                        for column in 0..<coarse.width {
                            let value = values[line + column * vectors]
                            for element in first + column * columns..<first + (column + 1) * columns { y[element] += value }
                        }
                    }
                }
            }
        }
    }
}
