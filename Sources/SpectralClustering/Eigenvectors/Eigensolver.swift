internal import Tensors

/// Finds the eigenvectors of the largest eigenvalues of an affinity: block Lanczos with thick restarts (Wu and Simon, SIAM J. Matrix
/// Anal. Appl. 22, 2000).
///
/// Deterministic: the start block is the seed's, and results do not depend on the number of threads.
public struct Eigensolver: Sendable {
    /// How many eigenvectors.
    public let count: Int
    /// A residual ‖Mx − λx‖ up to this share of |λ|, or of a thousandth of the largest |λ| where that is more, is converged.
    public let tolerance: Double
    /// How often the matrix is multiplied with a block of vectors at most.
    public let mostProducts: Int
    /// An eigenvector whose standard deviation is up to this share of its root mean square is constant: it is left out, and the
    /// others move up. 0 keeps all.
    public let constantTolerance: Double
    public let seed: UInt64

    /// - Throws: ``SpectralError`` where a parameter is out of range.
    public init(
        count: Int = 20, tolerance: Double = 1e-5, mostProducts: Int = 300, constantTolerance: Double = 0.1, seed: UInt64 = 0
    ) throws(SpectralError) {
        guard (1...1024).contains(count) else { throw .parameter("count", count, mustBe: "between 1 and 1024") }
        guard tolerance >= 1e-6, tolerance < 1 else { throw .parameter("tolerance", tolerance, mustBe: "at least 1e-6 and below 1") }
        guard (1...1_000_000).contains(mostProducts) else {
            throw .parameter("mostProducts", mostProducts, mustBe: "between 1 and 1000000")
        }
        guard constantTolerance >= 0, constantTolerance < 1 else {
            throw .parameter("constantTolerance", constantTolerance, mustBe: "at least 0 and below 1")
        }
        (self.count, self.tolerance, self.mostProducts) = (count, tolerance, mostProducts)
        (self.constantTolerance, self.seed) = (constantTolerance, seed)
    }

    /// Finds them. Where the bound on products is too low, the best approximation comes back, with `isConverged` false.
    ///
    /// - Throws: ``SpectralError`` where the affinity has too few tokens, or makes no difference between them.
    /// - Complexity: some 10 to 60 products with 16 vectors.
    public func callAsFunction(_ affinity: AffinityOperator) throws(SpectralError) -> Eigenvectors {
        let tokens = affinity.grid.count
        // One more, in case that one is constant, and another for the gap.
        let wanted = count + (constantTolerance > 0 ? 1 : 0)
        guard wanted < tokens else {
            throw .size(
                "\(count) eigenvectors are too many for \(affinity.grid) tokens; ask for at most \(max(tokens + count - wanted - 1, 0))")
        }
        let found = try solve(affinity, wanted: wanted)
        guard let first = found.values.first, first > 0, found.values.count < 2 || found.values[1] > 1e-6 * first else {
            throw .degenerate("the affinity makes no difference between tokens; the tile may be empty")
        }
        return finished(found, affinity, wanted: wanted)
    }

    /// What a search found.
    struct Found {
        /// Those wanted and one more, which need not have converged.
        var values: [Double]
        /// `[values.count, n]`
        var vectors: Tensor
        var residuals: [Double]
        var products: Int
    }

    private func solve(_ affinity: AffinityOperator, wanted: Int) throws(SpectralError) -> Found {
        let tokens = affinity.grid.count
        let block = LanczosProcess.blockSize
        let capacity = max(3 * wanted, wanted + 6 * block)
        // A small matrix is solved as it is.
        guard capacity + 2 * block < tokens else {
            guard let eigen = SymmetricEigenproblem(affinity.assembled(), count: wanted + 1) else { throw .notFinite("affinities") }
            return measured(eigen.vectors, affinity, products: (tokens + block - 1) / block)
        }
        var process = LanczosProcess(affinity, capacity: capacity, seed: seed)
        var measurements = 0
        while true {
            guard process.grow() else { throw .notFinite("affinities") }
            let isFull = process.size + block > capacity
            let isLast = process.products + 1 >= mostProducts
            guard process.size > wanted, isFull || isLast || process.products % 2 == 0 else {
                if isLast { throw tooFew }
                continue
            }
            let locked = process.locked
            guard let pairs = process.ritzPairs(count: min(wanted + block, process.size) - locked.count) else {
                throw .notFinite("affinities")
            }
            let (values, residuals) = (locked + pairs.values, locked.map { _ in 0 } + pairs.residuals)
            if isLast || isConverged(values.map(Double.init), residuals.map(Double.init), wanted: wanted) {
                let vectors = process.vectors(pairs.prefix(wanted + 1 - locked.count))
                let found = measured(vectors, affinity, products: process.products + 1)
                measurements += 1
                if isLast || measurements == 3 || isConverged(found.values, found.residuals, wanted: wanted) { return found }
            }
            if isFull { process.restart(with: pairs, locking: dominant(pairs, of: values[wanted - 1])) }
        }
    }

    /// How many of the first pairs have converged, to a direction within 10⁻⁶, and dwarf the last one wanted.
    private func dominant(_ pairs: LanczosProcess.RitzPairs, of last: Float) -> Int {
        zip(pairs.values, pairs.residuals).prefix { value, residual in value > 8 * last && residual <= 1e-6 * value }.count
    }

    private var tooFew: SpectralError {
        .parameter("mostProducts", mostProducts, mustBe: "at least \(count / LanczosProcess.blockSize + 3) for \(count) eigenvectors")
    }

    private func isConverged(_ values: [Double], _ residuals: [Double], wanted: Int) -> Bool {
        let largest = values.reduce(0) { max($0, abs($1)) }
        return zip(values, residuals).prefix(wanted).allSatisfy { value, residual in
            residual <= tolerance * max(abs(value), largest / 1000)
        }
    }

    /// Rayleigh quotients and residuals of vectors, by one more product.
    private func measured(_ vectors: Tensor, _ affinity: AffinityOperator, products: Int) -> Found {
        let (count, n) = (vectors.shape[0], vectors.shape[1])
        let images = affinity.multiply(vectors)
        var (values, residuals) = ([Double](), [Double]())
        vectors.withUnsafeBufferPointer { vectors in
            images.withUnsafeBufferPointer { images in
                for index in 0..<count {
                    var (product, square) = (0.0, 0.0)
                    for place in index * n..<(index + 1) * n {
                        product += Double(vectors[place]) * Double(images[place])
                        square += Double(vectors[place]) * Double(vectors[place])
                    }
                    let value = product / square
                    var residual = 0.0
                    for place in index * n..<(index + 1) * n {
                        let difference = Double(images[place]) - value * Double(vectors[place])
                        residual += difference * difference
                    }
                    values.append(value)
                    residuals.append((residual / square).squareRoot())
                }
            }
        }
        return Found(values: values, vectors: vectors, residuals: residuals, products: products)
    }

    private func finished(_ found: Found, _ affinity: AffinityOperator, wanted: Int) -> Eigenvectors {
        let n = affinity.grid.count
        let maps = found.vectors.withUnsafeBufferPointer { vectors in
            found.values.indices.map { index in
                map(UnsafeBufferPointer(rebasing: vectors[index * n..<(index + 1) * n]), scale: affinity.walkScale)
            }
        }
        let constant = maps.prefix(wanted).firstIndex { isConstant($0) }
        let kept = Array(found.values.indices.filter { $0 != constant }.prefix(count))
        let values = kept.map { found.values[$0] }
        let next = (kept.last ?? 0) + 1
        return Eigenvectors(
            grid: affinity.grid, values: values, vectors: Tensor(shape: [kept.count, n], values: kept.flatMap { maps[$0] }),
            residuals: kept.map { found.residuals[$0] },
            gap: next < found.values.count ? (values.last ?? 0) - found.values[next] : nil,
            droppedConstant: constant.map { found.values[$0] }, products: found.products,
            isConverged: isConverged(found.values, found.residuals, wanted: wanted))
    }

    /// A vector as a map of length 1 whose largest value, by amount, is positive.
    private func map(_ vector: UnsafeBufferPointer<Float>, scale: [Float]?) -> [Float] {
        var map = Array(vector)
        if let scale { for index in map.indices { map[index] *= scale[index] } }
        let length = map.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let largest = map.reduce(Float(0)) { abs($1) > abs($0) ? $1 : $0 }
        let factor = Float((largest < 0 ? -1 : 1) / length)
        return map.map { $0 * factor }
    }

    private func isConstant(_ map: [Float]) -> Bool {
        let mean = map.reduce(0.0) { $0 + Double($1) } / Double(map.count)
        // The mean square of a map of length 1 is 1 / n.
        return constantTolerance > 0 && 1 - mean * mean * Double(map.count) <= constantTolerance * constantTolerance
    }
}
