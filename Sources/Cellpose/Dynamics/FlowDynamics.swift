public import Basics
public import ImageProcessing
internal import Tensors

/// Moves points from the foreground pixels along the flows towards the centres of objects (Euler integration): CellPose's
/// `follow_flows` on a CPU, with interpolation.
///
/// Each step of a point is a fifth of the network's flow at its position. The flow is 0 on background, and interpolated
/// bilinearly between pixels. Points do not leave the image. The result equals that of CellPose 3.1.1.3 in every bit.
public struct FlowDynamics: Hashable, Sendable {
    /// The number of steps. CellPose takes 200 for objects of the size in its training, and 200 / r for an image that was
    /// enlarged r times for the network.
    public let iterations: Int

    /// - Throws: ``FlowError`` unless the iterations are in 0 … 1,000,000.
    public init(iterations: Int = 200) throws(FlowError) {
        guard (0...1_000_000).contains(iterations) else {
            throw .parameter("the number of steps along the flows", iterations, mustBe: "in 0 … 1000000")
        }
        self.iterations = iterations
    }

    /// The end position of the point of each foreground pixel.
    ///
    /// - Throws: ``FlowError`` if the sizes differ.
    /// - Complexity: some 8 ns for each step of a point until it stands still; memory is 8 bytes for each pixel and 16 for each
    ///   foreground pixel. Points are distributed over the threads of `Tensors`.
    public func callAsFunction(_ flows: FlowField, in foreground: Mask) throws(FlowError) -> EndPoints {
        try foreground.requireSize(of: flows.y, "the foreground has", "the flows")
        let sampler = FlowSampler(flows, in: foreground)
        let pixels = foreground.values.indices.filter { foreground.values[$0] }
        let width = foreground.width
        let pointsOfChunk = 4096
        let positions = [SIMD2<Float>](unsafeUninitializedCapacity: pixels.count) { points, count in
            Threads.perform((pixels.count + pointsOfChunk - 1) / pointsOfChunk) { chunk in
                let range = chunk * pointsOfChunk..<min((chunk + 1) * pointsOfChunk, pixels.count)
                for index in range {
                    let (y, x) = pixels[index].quotientAndRemainder(dividingBy: width)
                    points[index] = SIMD2(Float(y), Float(x))
                }
                sampler.follow(UnsafeMutableBufferPointer(rebasing: points[range]), iterations: iterations)
            }
            count = pixels.count
        }
        return EndPoints(of: foreground, positions: positions)
    }
}

/// A vector for each pixel, which points along the way to the centre of the pixel's object.
///
/// ``FlowTargets`` makes vectors of length 1 on objects and 0 elsewhere. The vectors of CellPose's network are five times as
/// long; code that reads them divides by ``networkScale``.
public struct FlowField: Hashable, Sendable {
    /// The factor from the vectors of ``FlowTargets`` to those of the network.
    public static let networkScale: Float = 5

    /// The component along y, downwards.
    public let y: Image<Float>
    /// The component along x, to the right.
    public let x: Image<Float>

    public var height: Int { y.height }
    public var width: Int { y.width }

    /// - Throws: ``FlowError`` if the sizes differ, or a number is not finite.
    public init(y: Image<Float>, x: Image<Float>) throws(FlowError) {
        try y.requireSize(of: x, "the flow along y has", "that along x")
        try y.requireFinite("flow along y")
        try x.requireFinite("flow along x")
        self.y = y
        self.x = x
    }

    /// The field of an image of vectors (y, x), which must be finite.
    init(_ vectors: Image<SIMD2<Float>>) {
        y = vectors.map { $0.x }
        x = vectors.map { $0.y }
    }
}

/// The end positions of the points that started at the foreground pixels of an image and followed the flows.
public struct EndPoints: Sendable {
    /// The pixels at which points started.
    public let foreground: Mask
    /// For each foreground pixel, in raster order, the end position of its point: (y, x) in pixels, within the image.
    public let positions: [SIMD2<Float>]

    init(of foreground: Mask, positions: [SIMD2<Float>]) {
        self.foreground = foreground
        self.positions = positions
    }
}

/// The flow field as steps in pixels, 0 on background, and the integration of points along it.
struct FlowSampler {
    /// The step (y, x) of each pixel. The last row and column are stored twice, so that each position has four pixels around it.
    private let steps: [SIMD2<Float>]
    private let stride: Int
    private let limit: SIMD2<Float>

    /// - Precondition: the flows and the foreground have the same size.
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

    /// Moves each point (y, x) by a number of steps. All points must lie within the image.
    func follow(_ points: UnsafeMutableBufferPointer<SIMD2<Float>>, iterations: Int) {
        steps.withUnsafeBufferPointer { steps in
            // Eight points move together: their steps are independent, so the processor can overlap them.
            let together = 8
            withUnsafeTemporaryAllocation(of: SIMD2<Float>.self, capacity: together) { earlier in
                for first in Swift.stride(from: 0, to: points.count, by: together) {
                    let group = UnsafeMutableBufferPointer(rebasing: points[first..<min(first + together, points.count)])
                    follow(group, iterations: iterations, remembering: earlier, steps)
                }
            }
        }
    }

    /// Moves a group of points together. If all are back, in every bit, at an earlier position, they move in a cycle (most stand
    /// still, a cycle of one step). Whole cycles are skipped, so that the result is the same in every bit.
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

    /// The number of steps after which the positions are remembered again; longer cycles are not detected.
    private static let longestCircle = 8

    /// One Euler step, with the flow interpolated bilinearly between the four pixels around the point.
    ///
    /// In CellPose's loop, as numba compiles it, 1 − y and 1 − x are float64, but y and x are float32, and products with y and x
    /// are rounded to float32 before they are added. Where flows diverge, this rounding decides the path of a point, so it is
    /// repeated.
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
        // Plain comparisons are faster than pointwiseMin, which also checks for NaN: all numbers are finite here.
        let inside = target.replacing(with: 0, where: target .< 0)
        return inside.replacing(with: limit, where: inside .> limit)
    }
}
