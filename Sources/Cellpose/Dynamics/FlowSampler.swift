internal import ImageProcessing

/// The network's flows of the foreground as steps in pixels, and the way of points that take them.
struct FlowSampler {
    /// (y, x) of each pixel, with the last row and the last column twice, so that each position has four pixels around it.
    private let steps: [SIMD2<Float>]
    private let stride: Int
    private let limit: SIMD2<Float>

    /// The sizes are equal. On background nothing moves.
    init(_ flows: FlowField, in foreground: Mask) {
        let (height, width) = (flows.height, flows.width)
        let stride = width + 1
        steps = Array(unsafeUninitializedCapacity: (height + 1) * stride) { steps, count in
            for row in 0...height {
                for column in 0...width {
                    let pixel = min(row, height - 1) * width + min(column, width - 1)
                    steps[row * stride + column] =
                        foreground.values[pixel]
                        ? SIMD2(flows.y.values[pixel], flows.x.values[pixel]) / FlowField.networkScale : .zero
                }
            }
            count = (height + 1) * stride
        }
        self.stride = stride
        limit = SIMD2(Float(height - 1), Float(width - 1))
    }

    /// Moves each point, all within the image, by a number of steps.
    func follow(_ points: UnsafeMutableBufferPointer<SIMD2<Float>>, iterations: Int) {
        steps.withUnsafeBufferPointer { steps in
            // Several points go side by side: their steps do not wait for each other.
            let together = 8
            withUnsafeTemporaryAllocation(of: SIMD2<Float>.self, capacity: together) { earlier in
                for first in Swift.stride(from: 0, to: points.count, by: together) {
                    let group = UnsafeMutableBufferPointer(rebasing: points[first..<min(first + together, points.count)])
                    follow(group, iterations: iterations, remembering: earlier, steps)
                }
            }
        }
    }

    /// Moves some points that go side by side. Once all are where they were some steps before, they go in circles (most stand
    /// still): whole rounds are left out, and the result is the same in every bit.
    private func follow(
        _ group: UnsafeMutableBufferPointer<SIMD2<Float>>, iterations: Int,
        remembering earlier: UnsafeMutableBufferPointer<SIMD2<Float>>, _ steps: UnsafeBufferPointer<SIMD2<Float>>
    ) {
        func takeStep() { for index in group.indices { group[index] = step(from: group[index], steps) } }
        var left = iterations
        while left > 0 {
            _ = earlier.initialize(fromContentsOf: group)
            for taken in 1...min(left, Self.longestCircle) {
                takeStep()
                if group.indices.allSatisfy({ group[$0] == earlier[$0] }) {
                    for _ in 0..<(left - taken) % taken { takeStep() }
                    return
                }
            }
            left -= Self.longestCircle
        }
    }

    /// After so many steps points are remembered anew: longer circles are not noticed.
    private static let longestCircle = 8

    /// One Euler step: bilinear between the four pixels around.
    ///
    /// CellPose's loop is compiled so that 1 − y and 1 − x are float64, but y and x are float32: products with them are rounded
    /// before they meet the others. A point between two ways shows it, so it is done alike.
    @inline(__always)
    private func step(from point: SIMD2<Float>, _ steps: UnsafeBufferPointer<SIMD2<Float>>) -> SIMD2<Float> {
        let (row, column) = (Int(point.x), Int(point.y))
        let (y, x) = (point.x - Float(row), point.y - Float(column))
        let (restY, restX) = (1 - Double(y), 1 - Double(x))
        let corner = row &* stride &+ column
        let (above, below) = (corner, corner &+ stride)
        var sum = SIMD2<Double>(steps[above]) * restY * restX
        sum += SIMD2<Double>(steps[above &+ 1]) * restY * Double(x)
        sum += SIMD2<Double>(steps[below] * y) * restX
        sum += SIMD2<Double>(steps[below &+ 1] * y * x)
        let target = point + SIMD2<Float>(sum)
        // Plain comparisons: numbers are finite, and pointwiseMin would look for NaN.
        let inside = target.replacing(with: 0, where: target .< 0)
        return inside.replacing(with: limit, where: inside .> limit)
    }
}
