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
