internal import Tensors

/// The loss of ``ReferenceSolver`` and its gradient.
///
/// For each graph (the affinity P of one resolution), the maps are pooled to its grid and scaled to length 1, which gives z_c.
/// With e_c = z_cᵀ P z_c, the loss of the graph is 2 · mean |e_c − 1| + 2 · mean (z_cᵀ z_d)² over c ≠ d. The loss is the mean
/// over graphs, weighted by their shares.
struct ReferenceLoss {
    /// The grid of the maps, N tokens.
    let grid: TokenGrid
    let graphs: [AffinityOperator.Resolution]

    /// - Parameter maps: `[C, N]`, none of which is zero.
    /// - Returns: the loss, and its gradient with respect to the maps, `[C, N]`.
    func callAsFunction(_ maps: Tensor) -> (loss: Double, gradient: Tensor) {
        var loss = 0.0
        var gradient = Tensor(shape: maps.shape)
        for graph in graphs {
            let pooling = BlockPooling(fine: grid, coarse: graph.grid)
            let pooled = pooling.sums(of: maps, stride: graph.matrix.stride)
            let own = evaluate(graph, pooled)
            loss += own.loss
            pooling.add(own.gradient, to: &gradient)
        }
        return (loss, gradient)
    }

    /// The contribution of one graph, and its gradient with respect to the pooled maps, `[n, C]`.
    ///
    /// - Parameter pooled: sums of the maps over blocks, `[C, stride]`.
    private func evaluate(_ graph: AffinityOperator.Resolution, _ pooled: Tensor) -> (loss: Double, gradient: Tensor) {
        let (maps, stride, n) = (pooled.shape[0], pooled.shape[1], graph.grid.count)
        var z = pooled
        let lengths = z.withUnsafeMutableBufferPointer { z in
            (0..<maps).map { map in
                let row = map * stride..<map * stride + n
                let length = Float(row.reduce(0.0) { $0 + Double(z[$1]) * Double(z[$1]) }.squareRoot())
                for element in row { z[element] /= length }
                return length
            }
        }
        // The products with the graph's matrix, [n, C].
        let images = graph.matrix.multiplied(by: z)
        return z.withUnsafeBufferPointer { z in
            images.withUnsafeBufferPointer { images in
                let gram = Self.gram(z, maps: maps, stride: stride, n: n)
                var loss = 0.0
                // The gradient with respect to z_c is factors[c] · P z_c + Σ_d pairs[c, d] z_d.
                var factors = [Double](repeating: 0, count: maps)
                var pairs = [Float](repeating: 0, count: maps * maps)
                let sums = (0..<maps).map { map in (0..<n).reduce(0.0) { $0 + Double(z[map * stride + $1]) } }
                let count = Double(maps)
                for map in 0..<maps {
                    let product = (0..<n).reduce(0.0) { $0 + Double(z[map * stride + $1]) * Double(images[$1 * maps + map]) }
                    let e = product / graph.scale + graph.offset * sums[map] * sums[map]
                    loss += 2 * abs(e - 1) / count
                    factors[map] = (e > 1 ? 4 : e < 1 ? -4 : 0) / count
                    for other in 0..<maps where other != map {
                        let cosine = gram[map * maps + other]
                        loss += 2 * cosine * cosine / (count * (count - 1))
                        pairs[map * maps + other] = Float(8 * cosine / (count * (count - 1)))
                    }
                }
                var gradient = Tensor(shape: [n, maps])
                gradient.withUnsafeMutableBufferPointer { gradient in
                    var own = [Float](repeating: 0, count: n)
                    for map in 0..<maps {
                        let scale = Float(factors[map] / graph.scale)
                        let constant = Float(factors[map] * graph.offset * sums[map])
                        for token in 0..<n { own[token] = scale * images[token * maps + map] + constant }
                        for other in 0..<maps where other != map {
                            let pair = pairs[map * maps + other]
                            for token in 0..<n { own[token] += pair * z[other * stride + token] }
                        }
                        // The derivative of the scaling to length 1 removes the component along z.
                        let along = Float((0..<n).reduce(0.0) { $0 + Double(own[$1]) * Double(z[map * stride + $1]) })
                        let factor = Float(graph.share) / lengths[map]
                        for token in 0..<n {
                            gradient[token * maps + map] = factor * (own[token] - along * z[map * stride + token])
                        }
                    }
                }
                return (graph.share * loss, gradient)
            }
        }
    }

    /// The inner products of all pairs of maps, `[C, C]`.
    private static func gram(_ z: UnsafeBufferPointer<Float>, maps: Int, stride: Int, n: Int) -> [Double] {
        guard let base = z.baseAddress else { return [] }
        return (0..<maps * maps).map { pair in
            Double(VectorBlock.dot(base + pair / maps * stride, base + pair % maps * stride, n))
        }
    }
}
