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
        /// Scaled so that M is the sum of the matrices between sums over blocks.
        let matrix: SymmetricMatrix
    }

    /// The grid of the maps: M is `grid.count`².
    public let grid: TokenGrid
    let resolutions: [Resolution]
    /// Added to every entry of M. Attention is often so even that the mean of its matrix is some hundred times what varies in it;
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
            let triangles = terms.filter { $0.grid == own }.map { term in
                let share = term.weight * Double(term.layers) / total
                return (triangle: term.triangle, scale: Float(share * pooling / Double(own.count)))
            }
            mean += triangles.reduce(0) { $0 + Double($1.scale) }
            guard let matrix = SymmetricMatrix(n: own.count, triangles: triangles) else {
                throw .notFinite("the affinities of \(own) tokens")
            }
            resolutions.append(Resolution(grid: own, matrix: matrix))
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
            let products = resolution.matrix.multiplied(by: pooled(x, to: resolution))
            add(products, of: resolution, to: &y)
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

    /// The sums over blocks, `[b, stride]`.
    private func pooled(_ x: Tensor, to resolution: Resolution) -> Tensor {
        let (tokens, own, stride) = (grid.count, resolution.grid, resolution.matrix.stride)
        let (rows, columns) = (grid.height / own.height, grid.width / own.width)
        return Tensor(shape: [x.shape[0], stride]) { target in
            x.withUnsafeBufferPointer { x in
                Threads.perform(x.count / tokens) { vector in
                    let target = UnsafeMutableBufferPointer(rebasing: target[vector * stride..<(vector + 1) * stride])
                    let x = UnsafeBufferPointer(rebasing: x[vector * tokens..<(vector + 1) * tokens])
                    target.update(repeating: 0)
                    for row in 0..<grid.height {
                        let line = row / rows * own.width
                        for column in 0..<own.width {
                            let first = row * grid.width + column * columns
                            for place in first..<first + columns { target[line + column] += x[place] }
                        }
                    }
                }
            }
        }
    }

    /// Adds products `[n, b]` to each token of their blocks.
    private func add(_ products: Tensor, of resolution: Resolution, to y: inout Tensor) {
        let (tokens, own, vectors) = (grid.count, resolution.grid, y.shape[0])
        let (rows, columns) = (grid.height / own.height, grid.width / own.width)
        y.withUnsafeMutableBufferPointer { y in
            products.withUnsafeBufferPointer { products in
                Threads.perform(grid.height) { row in
                    // The vectors lie a multiple of 4 KiB apart, where few lines of a cache serve all: one after the other.
                    for vector in 0..<vectors {
                        let line = row / rows * own.width * vectors + vector
                        let first = vector * tokens + row * grid.width
                        for column in 0..<own.width {
                            let product = products[line + column * vectors]
                            for place in first + column * columns..<first + (column + 1) * columns { y[place] += product }
                        }
                    }
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
