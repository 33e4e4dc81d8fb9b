internal import CKernels

/// Max or average pooling of channels-last volumes, forward and backward. Windows do not overlap (stride = window). Voxels at the
/// end that do not fill a window are left out, as in PyTorch.
public struct Pooling3D: Hashable, Sendable {
    /// How the voxels of a window are combined.
    public enum Kind: Hashable, Sendable {
        /// Max pooling. Backward, the first voxel with the largest value gets the gradient; NaN counts as the largest.
        case largest
        /// Average pooling.
        case mean
    }

    public let kind: Kind
    /// Size and stride of the windows, in voxels.
    public let window: Extent3D

    /// - Precondition: all lengths of the window are positive.
    public init(_ kind: Kind, window: Extent3D) {
        precondition(window.lengths.allSatisfy { $0 > 0 }, "no window has an extent of \(window)")
        (self.kind, self.window) = (kind, window)
    }

    /// `[N, D, H, W, C]` → `[N, D / depth, H / height, W / width, C]`
    ///
    /// - Complexity: reads each voxel of x once.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let result = x.extent.combined(window, /)
        let channels = x.shape[4]
        let factor = 1 / Float(window.count)
        let shape = [x.shape[0]] + result.lengths + [channels]
        return Tensor(
            shape: shape,
            storage: .filled(count: Tensor.count(of: shape)) { target in
                forEachWindow(of: x, result) { voxel, sources in
                    let pixel = target + voxel * channels
                    for (number, source) in sources.enumerated() {
                        let from = x.storage.base + source * channels
                        if number == 0 {
                            pixel.update(from: from, count: channels)
                        } else if kind == .largest {
                            ck_largest(from, pixel, channels)
                        } else {
                            ck_add(pixel, from, channels)
                        }
                    }
                    if kind == .mean { for channel in 0..<channels { pixel[channel] *= factor } }
                }
            })
    }

    /// The gradient with respect to x, of x's shape.
    ///
    /// - Parameters:
    ///   - x: the input of the pooling.
    ///   - pooled: its result.
    ///   - gradient: the gradient with respect to the result, of the result's shape.
    public func inputGradient(_ x: Tensor, pooled: Tensor, _ gradient: Tensor) -> Tensor {
        let extent = x.extent.combined(window, /)
        let channels = x.shape[4]
        precondition(gradient.shape == pooled.shape && gradient.extent == extent, "\(gradient.shape) does not come of \(x.shape)")
        let factor = 1 / Float(window.count)
        var result: Tensor
        if x.extent.combined(window, %).lengths.allSatisfy({ $0 == 0 }) {
            result = Tensor(shape: x.shape) { _ in }
        } else {
            result = Tensor(shape: x.shape)
        }
        result.withUnsafeMutableBufferPointer { buffer in
            guard let target = buffer.baseAddress else { return }
            forEachWindow(of: x, extent) { voxel, sources in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: channels) { rest in
                    guard let rest = rest.baseAddress else { return }
                    rest.update(from: gradient.storage.base + voxel * channels, count: channels)
                    if kind == .mean { for channel in 0..<channels { rest[channel] *= factor } }
                    for source in sources {
                        if kind == .largest {
                            ck_largest_gradient(
                                x.storage.base + source * channels, pooled.storage.base + voxel * channels, rest,
                                target + source * channels, channels)
                        } else {
                            (target + source * channels).update(from: rest, count: channels)
                        }
                    }
                }
            }
        }
        return result
    }

    /// Calls the body for each result voxel with its index, and with the indices of the voxels of x in its window; on several
    /// threads, one line of results at a time.
    private func forEachWindow(of x: Tensor, _ result: Extent3D, _ body: (_ voxel: Int, _ sources: [Int]) -> Void) {
        let extent = x.extent
        // Relative to the window's first voxel.
        let offsets = (0..<window.count).map { number in
            let (z, rest) = number.quotientAndRemainder(dividingBy: window.height * window.width)
            return (z * extent.height + rest / window.width) * extent.width + rest % window.width
        }
        Threads.perform(x.shape[0] * result.depth * result.height) { line in
            let (slice, y) = line.quotientAndRemainder(dividingBy: result.height)
            let (image, z) = slice.quotientAndRemainder(dividingBy: result.depth)
            let first = ((image * extent.depth + z * window.depth) * extent.height + y * window.height) * extent.width
            var sources = offsets
            for column in 0..<result.width {
                for index in offsets.indices { sources[index] = first + column * window.width + offsets[index] }
                body(line * result.width + column, sources)
            }
        }
    }
}
