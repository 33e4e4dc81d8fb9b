/// Gaussians of distances, sixteen at a time.
enum GaussianKernel {
    /// Turns products of one token with others into exp(exponent · d²).
    ///
    /// - Parameters:
    ///   - products: ⟨a, b⟩ for each b.
    ///   - squares: |b|² for each b.
    ///   - own: |a|²
    static func apply(
        to products: UnsafeMutableBufferPointer<Float>, squares: UnsafeBufferPointer<Float>, own: Float, exponent: Float
    ) {
        guard let base = products.baseAddress, let squaresBase = squares.baseAddress else { return }
        let (target, source) = (UnsafeMutableRawPointer(base), UnsafeRawPointer(squaresBase))
        let whole = products.count / 16 * 16
        for index in stride(from: 0, to: whole, by: 16) {
            let product = target.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
            let square = source.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
            target.storeBytes(of: value(product, square + own, exponent), toByteOffset: index * 4, as: SIMD16<Float>.self)
        }
        guard whole < products.count else { return }
        var (product, square) = (SIMD16<Float>.zero, SIMD16<Float>.zero)
        for lane in 0..<products.count - whole {
            (product[lane], square[lane]) = (products[whole + lane], squares[whole + lane])
        }
        let rest = value(product, square + own, exponent)
        for lane in 0..<products.count - whole { products[whole + lane] = rest[lane] }
    }

    @inline(__always)
    private static func value(_ product: SIMD16<Float>, _ squares: SIMD16<Float>, _ exponent: Float) -> SIMD16<Float> {
        // Rounding may leave a distance a little below 0.
        exponential(pointwiseMin((squares - 2 * product) * exponent, .zero))
    }

    /// exp(x) for x ≤ 0, within 2 units of the last place; below −87 as for −87, some 10⁻³⁸.
    @inline(__always)
    static func exponential(_ x: SIMD16<Float>) -> SIMD16<Float> {
        let x = pointwiseMax(x, SIMD16(repeating: -87))
        // Adding 1.5 · 2²³ rounds to an integer, which stands in the last bits.
        let shifted = x * 1.442_695_04 + 12_582_912
        let whole = shifted - 12_582_912
        // ln 2 in two parts, of which the first has zeros for last bits.
        let r = x - whole * 0.693_359_375 + whole * 2.121_944_4e-4
        var sum = SIMD16<Float>(repeating: 1.388_888_9e-3)
        sum = sum * r + 8.333_333_3e-3
        sum = sum * r + 4.166_666_7e-2
        sum = sum * r + 0.166_666_67
        sum = sum * r + 0.5
        sum = sum * r + 1
        sum = sum * r + 1
        let power = unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &<< 23
        return unsafeBitCast(unsafeBitCast(sum, to: SIMD16<UInt32>.self) &+ power, to: SIMD16<Float>.self)
    }

    /// The sum, in sixteen lanes.
    static func sum(_ values: UnsafeBufferPointer<Float>) -> Float {
        var lanes = SIMD16<Float>.zero
        let whole = values.count / 16 * 16
        if let base = values.baseAddress {
            let raw = UnsafeRawPointer(base)
            for index in stride(from: 0, to: whole, by: 16) {
                lanes += raw.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self)
            }
        }
        return values[whole...].reduce(lanes.sum(), +)
    }
}
