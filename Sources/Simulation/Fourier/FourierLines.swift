/// The lines of a ``FourierVolume``, as a transform visits them.
///
/// Sendable, because different slices (along z: different rows) share no value and may be visited at once; it must not
/// outlive the access to the buffer.
struct FourierLines: @unchecked Sendable {
    let buffer: UnsafeMutableBufferPointer<Float>
    let x: Int
    let y: Int
    let z: Int
    let half: Int

    private var stride: Int { 2 * half }

    private func row(_ slice: Int, _ row: Int) -> UnsafeMutablePointer<Float>? {
        buffer.baseAddress.map { $0 + (slice * y + row) * stride }
    }

    /// Transforms the columns of one slice.
    func alongY(at slice: Int, _ transform: (LineWorkspace) -> Void) {
        guard let first = row(slice, 0) else { return }
        visitLines(from: first, length: y, step: stride, transform)
    }

    /// Transforms the lines along z that cross one row of each slice.
    func alongZ(at rowIndex: Int, _ transform: (LineWorkspace) -> Void) {
        guard let first = row(0, rowIndex) else { return }
        visitLines(from: first, length: z, step: stride * y, transform)
    }

    private func visitLines(
        from first: UnsafeMutablePointer<Float>, length: Int, step: Int, _ transform: (LineWorkspace) -> Void
    ) {
        let workspace = LineWorkspace(length: length)
        for column in Swift.stride(from: 0, to: half, by: LineWorkspace.laneCount) {
            for index in 0..<length {
                let source = UnsafeRawPointer(first + index * step + column)
                workspace.real[index] = source.loadUnaligned(as: SIMD8<Float>.self)
                workspace.imaginary[index] = (source + half * 4).loadUnaligned(as: SIMD8<Float>.self)
            }
            transform(workspace)
            for index in 0..<length {
                let target = UnsafeMutableRawPointer(first + index * step + column)
                target.storeBytes(of: workspace.real[index], as: SIMD8<Float>.self)
                (target + half * 4).storeBytes(of: workspace.imaginary[index], as: SIMD8<Float>.self)
            }
        }
    }

    // Two real rows a and b go through one complex transform as a + ib; their spectra come apart by symmetry:
    // A(k) = (Z(k) + conj Z(n−k)) / 2, B(k) = (Z(k) − conj Z(n−k)) / 2i.

    /// Real rows to their half spectra.
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

    /// Half spectra to real rows, scaled by 1/n of the whole volume.
    func restoreRows(of slice: Int, _ transform: FourierTransform) {
        let workspace = LineWorkspace(length: x)
        let scale = 1 / Float(x * y * z)
        forEachSixteenRows(of: slice) { pairs in
            for k in 0...x / 2 {
                let mirror = k == 0 ? 0 : x - k
                for lane in pairs.indices {
                    let (a, b) = pairs[lane]
                    let aReal = a[k]
                    let aImaginary = a[half + k]
                    let bReal = b?[k] ?? 0
                    let bImaginary = b?[half + k] ?? 0
                    workspace.real[mirror][lane] = aReal + bImaginary
                    workspace.imaginary[mirror][lane] = bReal - aImaginary
                    workspace.real[k][lane] = aReal - bImaginary
                    workspace.imaginary[k][lane] = aImaginary + bReal
                }
            }
            transform.inverse(workspace)
            for lane in pairs.indices {
                for i in 0..<x {
                    pairs[lane].0[i] = scale * workspace.real[i][lane]
                    pairs[lane].1?[i] = scale * workspace.imaginary[i][lane]
                }
            }
        }
    }

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
