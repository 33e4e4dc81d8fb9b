import Basics
import CKernels

/// A real volume `[z][y][x]` that is Fourier transformed in place to its half spectrum (kx ≥ 0) and back.
///
/// In real space a row holds its `x` voxels, followed by unused floats. In Fourier space the same row holds the real parts of
/// the coefficients kx = 0...x/2, and from `rowHalf` on their imaginary parts; the other half follows from
/// F(−k) = conj F(k). Along y and z index k of n means the frequency k − n where k > n/2.
///
/// ```
/// real space   | v0 v1 v2 … v(x−1) | –                     |
/// Fourier      | re0 re1 … re(x/2) – | im0 im1 … im(x/2) – |
///              0                     rowHalf               rowStride
/// ```
package struct FourierVolume: Sendable {
    package let x: Int
    package let y: Int
    package let z: Int
    /// The number of floats of half a row: x/2 + 1, rounded up to a multiple of the SIMD width.
    package let rowHalf: Int
    /// The padded rows, `[z][y][rowStride]`.
    package var values: [Float]

    private let transforms: (x: FourierTransform, y: FourierTransform, z: FourierTransform)

    /// The number of floats from one row to the next.
    package var rowStride: Int { 2 * rowHalf }
    /// The number of frequencies kx = 0...x/2 in a row.
    package var frequencyCount: Int { x / 2 + 1 }

    /// A volume of zeros. Along each axis it has as many voxels as the length of that axis' transform.
    ///
    /// - Complexity: four bytes for each voxel, and up to sixteen more floats for each row.
    package init(x alongX: FourierTransform, y alongY: FourierTransform, z alongZ: FourierTransform) {
        let lanes = LineWorkspace.laneCount
        x = alongX.length
        y = alongY.length
        z = alongZ.length
        rowHalf = (x / 2 + 1).rounded(upToMultipleOf: lanes)
        transforms = (alongX, alongY, alongZ)
        values = [Float](repeating: 0, count: 2 * rowHalf * y * z)
    }

    /// Transforms real space to Fourier space, unscaled.
    ///
    /// - Complexity: 5/2 n log₂ n operations on n voxels, on all cores, in place.
    package mutating func forward() {
        withLines { lines, transforms in
            Threads.perform(lines.z) { lines.transformRows(of: $0, transforms.x) }
            Threads.perform(lines.z) { lines.alongY(at: $0) { transforms.y.forward($0) } }
            Threads.perform(lines.y) { lines.alongZ(at: $0) { transforms.z.forward($0) } }
        }
    }

    /// Transforms Fourier space back to real space, scaled by 1/n (n voxels), so that it is the inverse of ``forward()``.
    ///
    /// - Parameter skippingZeros: leaves out lines along z and y, eight at a time, that are zero throughout. The result differs at most in the
    ///   signs of zeros. It pays for spectra of which a filter left little.
    /// - Complexity: as ``forward()``.
    package mutating func inverse(skippingZeros: Bool = false) {
        withLines { lines, transforms in
            Threads.perform(lines.y) { lines.alongZ(at: $0, skippingZeros) { transforms.z.inverse($0) } }
            Threads.perform(lines.z) { lines.alongY(at: $0, skippingZeros) { transforms.y.inverse($0) } }
            Threads.perform(lines.z) { lines.restoreRows(of: $0, transforms.x) }
        }
    }

    private mutating func withLines(
        _ body: (FourierLines, (x: FourierTransform, y: FourierTransform, z: FourierTransform)) -> Void
    ) {
        // The closure must not capture self: a second reference to the values would force a copy of them.
        let transforms = transforms
        let half = rowHalf
        values.withUnsafeMutableBufferPointer { buffer in
            body(
                FourierLines(
                    buffer: buffer, x: transforms.x.length, y: transforms.y.length, z: transforms.z.length, half: half),
                transforms)
        }
    }
}

/// Access to the rows, columns and z lines of a ``FourierVolume`` for one-dimensional transforms.
///
/// It is Sendable because different slices (for lines along z: different row indices) share no value, so that they can be
/// transformed at once. It must not outlive the access to the buffer.
private struct FourierLines: @unchecked Sendable {
    let buffer: UnsafeMutableBufferPointer<Float>
    let x: Int
    let y: Int
    let z: Int
    let half: Int

    private var stride: Int { 2 * half }

    private func row(_ slice: Int, _ row: Int) -> UnsafeMutablePointer<Float>? {
        buffer.baseAddress.map { $0 + (slice * y + row) * stride }
    }

    /// Transforms the columns of one slice, eight at a time.
    func alongY(at slice: Int, _ skippingZeros: Bool = false, _ transform: (LineWorkspace) -> Void) {
        guard let first = row(slice, 0) else { return }
        visitLines(from: first, length: y, step: stride, skippingZeros, transform)
    }

    /// Transforms the lines along z through one row, eight at a time.
    func alongZ(at rowIndex: Int, _ skippingZeros: Bool = false, _ transform: (LineWorkspace) -> Void) {
        guard let first = row(0, rowIndex) else { return }
        visitLines(from: first, length: z, step: stride * y, skippingZeros, transform)
    }

    /// Loads `length` complex values, `step` floats apart, of eight neighbouring lines, transforms them, and stores them again.
    private func visitLines(
        from first: UnsafeMutablePointer<Float>, length: Int, step: Int, _ skippingZeros: Bool,
        _ transform: (LineWorkspace) -> Void
    ) {
        let workspace = LineWorkspace(length: length)
        for column in Swift.stride(from: 0, to: half, by: LineWorkspace.laneCount) {
            var bits = SIMD8<UInt32>.zero
            for index in 0..<length {
                let source = UnsafeRawPointer(first + index * step + column)
                let real = source.loadUnaligned(as: SIMD8<Float>.self)
                let imaginary = (source + half * 4).loadUnaligned(as: SIMD8<Float>.self)
                workspace.real[index] = real
                workspace.imaginary[index] = imaginary
                if skippingZeros {
                    bits |= unsafeBitCast(real, to: SIMD8<UInt32>.self) | unsafeBitCast(imaginary, to: SIMD8<UInt32>.self)
                }
            }
            if skippingZeros && bits == .zero { continue }
            transform(workspace)
            for index in 0..<length {
                let target = UnsafeMutableRawPointer(first + index * step + column)
                target.storeBytes(of: workspace.real[index], as: SIMD8<Float>.self)
                (target + half * 4).storeBytes(of: workspace.imaginary[index], as: SIMD8<Float>.self)
            }
        }
    }

    // Two real rows a and b are transformed together as the complex row a + ib; its spectrum Z gives theirs by symmetry:
    // A(k) = (Z(k) + conj Z(n−k)) / 2, B(k) = (Z(k) − conj Z(n−k)) / 2i.

    /// Transforms the real rows of a slice to their half spectra.
    func transformRows(of slice: Int, _ transform: FourierTransform) {
        let workspace = LineWorkspace(length: x)
        forEachSixteenRows(of: slice) { pairs in
            for lane in pairs.indices {
                for i in 0..<x {
                    workspace.real[i][lane] = pairs[lane].0[i]
                    workspace.imaginary[i][lane] = pairs[lane].1?[i] ?? 0
                }
            }
            transform.forward(workspace)
            for k in 0...x / 2 {
                let mirror = k == 0 ? 0 : x - k
                let here = workspace[k]
                let there = workspace[mirror]
                let aReal = 0.5 * (here.real + there.real)
                let aImaginary = 0.5 * (here.imaginary - there.imaginary)
                let bReal = 0.5 * (here.imaginary + there.imaginary)
                let bImaginary = 0.5 * (there.real - here.real)
                for lane in pairs.indices {
                    pairs[lane].0[k] = aReal[lane]
                    pairs[lane].0[half + k] = aImaginary[lane]
                    pairs[lane].1?[k] = bReal[lane]
                    pairs[lane].1?[half + k] = bImaginary[lane]
                }
            }
        }
    }

    /// Transforms the half spectra of a slice back to real rows, scaled by 1/n for the n voxels of the volume.
    func restoreRows(of slice: Int, _ transform: FourierTransform) {
        let workspace = LineWorkspace(length: x)
        let scale = 1 / Float(x * y * z)
        for first in Swift.stride(from: 0, to: y, by: 2 * LineWorkspace.laneCount) {
            guard let values = row(slice, first) else { return }
            let rows = min(2 * LineWorkspace.laneCount, y - first)
            let (real, imaginary) = workspace.floats
            ck_fourier_gather(values, stride, rows, x, real, imaginary)
            transform.inverse(workspace)
            let (restored, second) = workspace.floats
            ck_fourier_scatter(restored, second, scale, values, stride, rows, x)
        }
    }

    /// Calls the closure with up to eight pairs of rows at a time; the second row of the last pair is nil where y is odd.
    private func forEachSixteenRows(
        of slice: Int, _ body: ([(UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>?)]) -> Void
    ) {
        for first in Swift.stride(from: 0, to: y, by: 2 * LineWorkspace.laneCount) {
            let last = min(first + 2 * LineWorkspace.laneCount, y)
            body(
                Swift.stride(from: first, to: last, by: 2).compactMap { index in
                    row(slice, index).map { ($0, index + 1 < last ? row(slice, index + 1) : nil) }
                })
        }
    }
}
