import Foundation

/// The Fourier transform of boxes at the points of a cubic grid of frequencies inside of a ball, with a soft window in real
/// space.
///
/// The frequencies are given in 1/Å and have nothing to do with the number of voxels, so that boxes of other voxels have the
/// same. The transform is separable: one sum for each axis, in which voxels on either side of the middle are added first.
///
/// Of each two opposite frequencies, whose values are conjugate, one is kept.
struct BoxSpectrum: Sendable {
    /// An odd number of voxels.
    let side: Int
    /// The frequencies (x, y, z) in 1/Å, the lowest first.
    let frequencies: [SIMD3<Double>]
    /// The place of each frequency in the transform, `[z][y][x]` with z = 0 … n, y and x = −n … n.
    private let places: [Int]
    /// n: frequencies along an axis are −n … n times a step.
    private let reach: Int
    /// cos and sin of 2π k x for k = 0 … n (rows) and voxels x = 0 … side / 2 from the middle.
    private let cosines: [Float]
    private let sines: [Float]

    /// - Parameters:
    ///   - side: of the boxes, in voxels; odd.
    ///   - voxelSize: in Å.
    ///   - step: between two frequencies, in 1/Å.
    ///   - reach: n; frequencies up to n steps are kept.
    init(side: Int, voxelSize: Double, step: Double, reach: Int) {
        (self.side, self.reach) = (side, reach)
        let half = side / 2
        func table(_ function: (Double) -> Double) -> [Float] {
            (0...reach).flatMap { k in (0...half).map { Float(function(2 * .pi * Double(k) * step * Double($0) * voxelSize)) } }
        }
        (cosines, sines) = (table(cos), table(sin))
        var found: [(frequency: SIMD3<Double>, square: Int, place: Int)] = []
        let row = 2 * reach + 1
        for z in 0...reach {
            for y in -reach...reach {
                for x in -reach...reach where z > 0 || y > 0 || (y == 0 && x >= 0) {
                    let square = z * z + y * y + x * x
                    guard square <= reach * reach else { continue }
                    let frequency = step * SIMD3(Double(x), Double(y), Double(z))
                    found.append((frequency, square, (z * row + y + reach) * row + x + reach))
                }
            }
        }
        found.sort { ($0.square, $0.place) < ($1.square, $1.place) }
        (frequencies, places) = (found.map(\.frequency), found.map(\.place))
    }

    /// The transform Σ f(x) exp(−2πi k·x) of a box `[z][y][x]`, where x is the offset from the middle voxel: real and imaginary
    /// parts of each of the frequencies.
    ///
    /// - Complexity: (n + 1) side³ multiplications, and a few less along the other axes.
    func callAsFunction(_ box: [Float]) -> (real: [Float], imaginary: [Float]) {
        precondition(box.count == side * side * side, "\(box.count) voxels are no cube of \(side)")
        let along = alongZ(box)
        let whole = alongXY(along.cosine, along.sine)
        return (places.map { whole.real[$0] }, places.map { whole.imaginary[$0] })
    }

    /// For each kz ≥ 0 the sums over z with cosines and with sines, `[kz][y][x]`.
    private func alongZ(_ box: [Float]) -> (cosine: [Float], sine: [Float]) {
        let (half, plane) = (side / 2, side * side)
        var cosine = [Float](repeating: 0, count: (reach + 1) * plane)
        var sine = cosine
        var (even, odd) = ([Float](repeating: 0, count: plane), [Float](repeating: 0, count: plane))
        for z in 0...half {
            let (above, below) = ((half + z) * plane, (half - z) * plane)
            for i in 0..<plane {
                even[i] = z == 0 ? box[above &+ i] : box[above &+ i] + box[below &+ i]
                odd[i] = box[above &+ i] - box[below &+ i]
            }
            for k in 0...reach {
                Self.add(cosines[k * (half + 1) + z], even, 0, to: &cosine, k * plane, plane)
                Self.add(sines[k * (half + 1) + z], odd, 0, to: &sine, k * plane, plane)
            }
        }
        return (cosine, sine)
    }

    /// The transform at all points of the grid, from C − iS of each kz.
    private func alongXY(_ cosine: [Float], _ sine: [Float]) -> (real: [Float], imaginary: [Float]) {
        let (side, half, row) = (side, side / 2, 2 * reach + 1)
        var real = [Float](repeating: 0, count: (reach + 1) * row * row)
        var imaginary = real
        let zeros = [Float](repeating: 0, count: side)
        // Sums over y of the rows of C and of S: with cosines of what is even in y, with sines of what is odd.
        var (cc, cs, sc, ss) = (zeros, zeros, zeros, zeros)
        var (evenC, oddC, evenS, oddS) = (zeros, zeros, zeros, zeros)
        for kz in 0...reach {
            for ky in 0...reach {
                for x in 0..<side { (cc[x], cs[x], sc[x], ss[x]) = (0, 0, 0, 0) }
                for y in 0...half {
                    let (c, s) = (cosines[ky * (half + 1) + y], sines[ky * (half + 1) + y])
                    let (above, below) = ((kz * side + half + y) * side, (kz * side + half - y) * side)
                    for x in 0..<side {
                        evenC[x] = y == 0 ? cosine[above &+ x] : cosine[above &+ x] + cosine[below &+ x]
                        evenS[x] = y == 0 ? sine[above &+ x] : sine[above &+ x] + sine[below &+ x]
                        oddC[x] = cosine[above &+ x] - cosine[below &+ x]
                        oddS[x] = sine[above &+ x] - sine[below &+ x]
                        cc[x] += c * evenC[x]
                        sc[x] += c * evenS[x]
                        cs[x] += s * oddC[x]
                        ss[x] += s * oddS[x]
                    }
                }
                // (cos ky y ∓ i sin ky y)(C − iS), for ky and −ky.
                for sign in ky == 0 ? [Float(1)] : [1, -1] {
                    for x in 0..<side {
                        evenC[x] = cc[x] - sign * ss[x]
                        evenS[x] = -sc[x] - sign * cs[x]
                    }
                    let place = (kz * row + (sign > 0 ? ky : -ky) + reach) * row + reach
                    alongX(evenC, evenS, &real, &imaginary, place)
                }
            }
        }
        return (real, imaginary)
    }

    /// The transform of one complex row a + ib for −n … n, at the places about `place`.
    private func alongX(_ a: [Float], _ b: [Float], _ real: inout [Float], _ imaginary: inout [Float], _ place: Int) {
        let half = side / 2
        for k in 0...reach {
            var (ac, as_, bc, bs) = (a[half], Float(0), b[half], Float(0))
            for x in 1..<max(half + 1, 1) {
                let (c, s) = (cosines[k * (half + 1) + x], sines[k * (half + 1) + x])
                ac += c * (a[half + x] + a[half - x])
                bc += c * (b[half + x] + b[half - x])
                as_ += s * (a[half + x] - a[half - x])
                bs += s * (b[half + x] - b[half - x])
            }
            (real[place + k], imaginary[place + k]) = (ac + bs, bc - as_)
            (real[place - k], imaginary[place - k]) = (ac - bs, bc + as_)
        }
    }

    /// Adds a multiple of some numbers to others.
    @inline(__always)
    private static func add(_ factor: Float, _ from: [Float], _ first: Int, to: inout [Float], _ place: Int, _ count: Int) {
        from.withUnsafeBufferPointer { from in
            to.withUnsafeMutableBufferPointer { to in
                for i in 0..<count { to[place &+ i] += factor * from[first &+ i] }
            }
        }
    }
}
