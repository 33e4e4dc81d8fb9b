public import Basics
public import ImageProcessing
internal import Tensors

/// Lets pixels follow the flows to where the centres of objects are: CellPose's `follow_flows` on a CPU, with interpolation.
///
/// Each foreground pixel takes steps of a fifth of the network's flow, which is interpolated linearly between pixels and 0 on
/// background, and does not leave the image. Equal to CellPose 3.1.1.3 in every bit.
public struct FlowDynamics: Hashable, Sendable {
    /// The number of steps. CellPose takes 200 for objects of the size that its network was trained with, and 200 / r for an image
    /// that the network saw enlarged r times.
    public let iterations: Int

    /// - Throws: ``FlowError`` unless the iterations are in 0 … 1,000,000.
    public init(iterations: Int = 200) throws(FlowError) {
        guard (0...1_000_000).contains(iterations) else {
            throw .parameter("the number of steps along the flows", iterations, mustBe: "in 0 … 1000000")
        }
        self.iterations = iterations
    }

    /// Where each foreground pixel comes to.
    ///
    /// - Throws: ``FlowError`` where the sizes differ.
    /// - Complexity: some 8 ns for each step of a foreground pixel, and none once it stands still; memory is 8 bytes a pixel and 16 a
    ///   foreground pixel. Pixels share the threads of `Tensors`.
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

/// For each pixel a vector: where to go from there to come to the centre of the object that the pixel belongs to.
///
/// ``FlowTargets`` makes vectors of length 1 on objects and 0 elsewhere. CellPose's network gives five times as much, and
/// what reads the network's fields divides by ``networkScale``.
public struct FlowField: Hashable, Sendable {
    /// How much longer the network's vectors are than those of ``FlowTargets``.
    public static let networkScale: Float = 5

    /// The part along y, downwards.
    public let y: Image<Float>
    /// The part along x, to the right.
    public let x: Image<Float>

    public var height: Int { y.height }
    public var width: Int { y.width }

    /// - Throws: ``FlowError`` where the sizes differ, or a number is not finite.
    public init(y: Image<Float>, x: Image<Float>) throws(FlowError) {
        try y.requireSize(of: x, "the flow along y has", "that along x")
        try y.requireFinite("flow along y")
        try x.requireFinite("flow along x")
        self.y = y
        self.x = x
    }

    /// The parts of vectors (y, x), which are finite.
    init(_ vectors: Image<SIMD2<Float>>) {
        y = vectors.map { $0.x }
        x = vectors.map { $0.y }
    }
}

/// Where the foreground pixels of an image come to when they follow the flows.
public struct EndPoints: Sendable {
    public let foreground: Mask
    /// For each foreground pixel, in raster order, where it came to: (y, x) in pixels, within the image.
    public let positions: [SIMD2<Float>]

    init(of foreground: Mask, positions: [SIMD2<Float>]) {
        self.foreground = foreground
        self.positions = positions
    }
}

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
