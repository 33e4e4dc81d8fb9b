internal import Tensors

/// Vectors that a solver found, as the matrix itself judges them.
struct Candidates {
    /// Rayleigh quotients.
    let values: [Double]
    /// `[values.count, n]`
    let vectors: Tensor
    /// ‖Mx − λx‖ of each, scaled to length 1.
    let residuals: [Double]
    let products: Int

    /// Judges vectors by one more product.
    init(_ vectors: Tensor, of affinity: AffinityOperator, products: Int) {
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
        (self.values, self.vectors, self.residuals, self.products) = (values, vectors, residuals, products)
    }

    /// The first of them that are not constant, as maps.
    func selected(
        for affinity: AffinityOperator, constantTolerance: Double, count: Int, isConverged: Bool
    ) -> Eigenvectors {
        let n = affinity.grid.count
        let maps = vectors.withUnsafeBufferPointer { vectors in
            values.indices.map { index in
                Self.map(UnsafeBufferPointer(rebasing: vectors[index * n..<(index + 1) * n]), scale: affinity.walkScale)
            }
        }
        let constant = maps.firstIndex { Self.isConstant($0, tolerance: constantTolerance) }
        let kept = Array(values.indices.filter { $0 != constant }.prefix(count))
        let next = (kept.last ?? 0) + 1
        return Eigenvectors(
            grid: affinity.grid, values: kept.map { values[$0] },
            vectors: Tensor(shape: [kept.count, n], values: kept.flatMap { maps[$0] }), residuals: kept.map { residuals[$0] },
            gap: next < values.count ? values[next - 1] - values[next] : nil, droppedConstant: constant.map { values[$0] },
            products: products, isConverged: isConverged)
    }

    /// A vector as a map of length 1 whose largest value, by amount, is positive.
    private static func map(_ vector: UnsafeBufferPointer<Float>, scale: [Float]?) -> [Float] {
        var map = Array(vector)
        if let scale { for index in map.indices { map[index] *= scale[index] } }
        let length = map.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let largest = map.reduce(Float(0)) { abs($1) > abs($0) ? $1 : $0 }
        let factor = Float((largest < 0 ? -1 : 1) / length)
        return map.map { $0 * factor }
    }

    private static func isConstant(_ map: [Float], tolerance: Double) -> Bool {
        let mean = map.reduce(0.0) { $0 + Double($1) } / Double(map.count)
        // The mean square of a map of length 1 is 1 / n.
        return tolerance > 0 && 1 - mean * mean * Double(map.count) <= tolerance * tolerance
    }
}
