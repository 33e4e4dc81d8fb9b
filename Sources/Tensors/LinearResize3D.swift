internal import CKernels

/// Trilinear resizing of channels-last volumes, axis by axis, forward and backward. Sample positions are those of PyTorch's
/// `interpolate` with `align_corners=False`.
public struct LinearResize3D: Hashable, Sendable {
    /// Extent of the input.
    public let from: Extent3D
    /// Extent of the result.
    public let to: Extent3D

    /// - Precondition: no length is 0.
    public init(from: Extent3D, to: Extent3D) {
        precondition(from.count > 0 && to.count > 0, "nothing can be resized from \(from) to \(to)")
        (self.from, self.to) = (from, to)
    }

    /// `[N, D, H, W, C]` with D, H, W of `from` → `[N, D′, H′, W′, C]` of `to`.
    ///
    /// - Complexity: one pass over the volume for each axis whose length changes.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        precondition(x.extent == from, "\(x.shape) is no volume of \(from)")
        return steps.reduce(x) { $1.axis.apply($0, target: $1.target, isBackward: false) }
    }

    /// The gradient with respect to the input: `[N, D′, H′, W′, C]` of `to` → `[N, D, H, W, C]` of `from`.
    public func inputGradient(_ gradient: Tensor) -> Tensor {
        precondition(gradient.extent == to, "\(gradient.shape) is no volume of \(to)")
        return steps.reversed().reduce(gradient) { $1.axis.apply($0, target: $1.source, isBackward: true) }
    }

    /// The axes whose length changes, in order, each with the extents before and after it.
    private var steps: [(axis: Axis, source: Extent3D, target: Extent3D)] {
        var steps: [(axis: Axis, source: Extent3D, target: Extent3D)] = []
        var extent = from
        for axis in 0..<3 where from.lengths[axis] != to.lengths[axis] {
            var lengths = extent.lengths
            lengths[axis] = to.lengths[axis]
            let next = Extent3D(lengths[0], lengths[1], lengths[2])
            steps.append((Axis(number: axis, from: from.lengths[axis], to: to.lengths[axis]), extent, next))
            extent = next
        }
        return steps
    }

    /// Interpolation along one axis: position i of the result is (1 − weight[i]) · x[lower[i]] + weight[i] · x[upper[i]].
    private struct Axis {
        let number: Int
        let lower: [Int]
        let upper: [Int]
        let weight: [Float]

        init(number: Int, from: Int, to: Int) {
            self.number = number
            let positions = (0..<to).map { max((Double($0) + 0.5) * Double(from) / Double(to) - 0.5, 0) }
            lower = positions.map { min(Int($0), from - 1) }
            upper = lower.map { min($0 + 1, from - 1) }
            weight = zip(positions, lower).map { Float($0 - Double($1)) }
        }

        /// - Parameter isBackward: whether to apply the transpose: x lies on the result's positions, and each value is added to
        ///   both neighbours.
        func apply(_ x: Tensor, target: Extent3D, isBackward: Bool) -> Tensor {
            let channels = x.shape[4]
            let lengths = target.lengths
            let outer = x.shape[0] * lengths.prefix(number).reduce(1, *)
            let inner = lengths.dropFirst(number + 1).reduce(1, *) * channels
            let (source, length) = (x.extent.lengths[number], lengths[number])
            return Tensor(
                shape: [x.shape[0]] + lengths + [channels],
                storage: .filled(count: outer * length * inner) { result in
                    Threads.perform(outer) { number in
                        let (from, to) = (x.storage.base + number * source * inner, result + number * length * inner)
                        to.update(repeating: 0, count: length * inner)
                        for index in lower.indices {
                            for (neighbour, factor) in [(lower[index], 1 - weight[index]), (upper[index], weight[index])] {
                                let (read, write) = isBackward ? (index, neighbour) : (neighbour, index)
                                ck_accumulate(to + write * inner, from + read * inner, factor, inner)
                            }
                        }
                    }
                })
        }
    }
}
