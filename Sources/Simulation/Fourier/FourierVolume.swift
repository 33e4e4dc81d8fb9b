import Dispatch

/// A real volume that is transformed in place to one half of its Fourier spectrum and back.
///
/// In real space a row holds its `x` voxels and then unused floats. In Fourier space the same row holds the real parts of
/// the frequencies kx = 0...x/2, and `rowHalf` floats further on their imaginary parts; the other half follows from
/// F(−k) = conj F(k). Along y and z frequency k of n stands for k − n where k > n/2.
///
/// ```
/// real space   | v0 v1 v2 … v(x−1) | –                     |
/// Fourier      | re0 re1 … re(x/2) – | im0 im1 … im(x/2) – |
///              0                     rowHalf               rowStride
/// ```
struct FourierVolume: Sendable {
    let x: Int
    let y: Int
    let z: Int
    /// The floats of half a row: a multiple of the SIMD width that holds x/2 + 1 frequencies.
    let rowHalf: Int
    /// The rows, padded: `[z][y][rowStride]`.
    var values: [Float]

    private let transforms: (x: FourierTransform, y: FourierTransform, z: FourierTransform)

    var rowStride: Int { 2 * rowHalf }
    /// The frequencies kx that are kept.
    var frequencyCount: Int { x / 2 + 1 }

    /// Zeros, of as many voxels along each axis as its transform is long.
    ///
    /// - Complexity: four bytes for each voxel, and up to sixteen floats more for each row.
    init(x alongX: FourierTransform, y alongY: FourierTransform, z alongZ: FourierTransform) {
        let lanes = LineWorkspace.laneCount
        x = alongX.length
        y = alongY.length
        z = alongZ.length
        rowHalf = (x / 2 + 1 + lanes - 1) / lanes * lanes
        transforms = (alongX, alongY, alongZ)
        values = [Float](repeating: 0, count: 2 * rowHalf * y * z)
    }

    /// Real space to Fourier space, unscaled.
    ///
    /// - Complexity: 5/2 n log₂ n operations on n voxels, on all cores, in place.
    mutating func forward() {
        withLines { lines, transforms in
            DispatchQueue.concurrentPerform(iterations: lines.z) { lines.transformRows(of: $0, transforms.x) }
            DispatchQueue.concurrentPerform(iterations: lines.z) { lines.alongY(at: $0) { transforms.y.forward($0) } }
            DispatchQueue.concurrentPerform(iterations: lines.y) { lines.alongZ(at: $0) { transforms.z.forward($0) } }
        }
    }

    /// Fourier space back to real space, scaled by 1/n, so that it undoes ``forward()``.
    ///
    /// - Complexity: as ``forward()``.
    mutating func inverse() {
        withLines { lines, transforms in
            DispatchQueue.concurrentPerform(iterations: lines.y) { lines.alongZ(at: $0) { transforms.z.inverse($0) } }
            DispatchQueue.concurrentPerform(iterations: lines.z) { lines.alongY(at: $0) { transforms.y.inverse($0) } }
            DispatchQueue.concurrentPerform(iterations: lines.z) { lines.restoreRows(of: $0, transforms.x) }
        }
    }

    private mutating func withLines(
        _ body: (FourierLines, (x: FourierTransform, y: FourierTransform, z: FourierTransform)) -> Void
    ) {
        // The closure must not capture self: a second reference to the values would copy them.
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
