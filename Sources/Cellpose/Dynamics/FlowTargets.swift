public import Basics
public import ImageProcessing
internal import Tensors

/// The flows of labelled objects, by which CellPose's network is trained and its masks are checked: CellPose's
/// `labels_to_flows` on a CPU.
///
/// Each object is heated from its centre, the pixel nearest to the mean of its pixels, and flows go up the slope, with
/// length 1. The parts of an object that are not connected with its centre have no flow. Objects do not see each other, and
/// their numbers do not matter. Equal to CellPose 3.1.1.3 in every bit.
public struct FlowTargets: Hashable, Sendable {
    /// How often heat spreads by a pixel; nil for twice the sum of the sides of each object's box.
    public let iterations: Int?

    /// - Throws: ``FlowError`` unless the iterations are in 0 … 1,000,000.
    public init(iterations: Int? = nil) throws(FlowError) {
        guard (0...1_000_000).contains(iterations ?? 0) else {
            throw .parameter("the number of iterations of the diffusion", iterations ?? 0, mustBe: "in 0 … 1000000")
        }
        self.iterations = iterations
    }

    /// The flows of each object, and 0 on background: labels below 1.
    ///
    /// - Complexity: the pixels of each object's box times its iterations, about 1 ns each; memory is 24 bytes for each pixel
    ///   of the box. Objects share the threads of `Tensors`; one of 1000 × 1000 pixels takes some seconds, on one thread.
    public func callAsFunction(_ labels: Image<Int32>) -> FlowField {
        let vectors = Image<SIMD2<Float>>(sizeOf: labels) { vectors in
            vectors.initialize(repeating: .zero)
            labels.values.withUnsafeBufferPointer { values in
                let diffusions = LabelledObject.all(in: labels)
                    .map { CentreDiffusion(of: $0, in: values, width: labels.width, iterations: iterations) }
                    .sorted { $0.cost > $1.cost }
                // A pixel is of one object: no thread writes where another does.
                Threads.perform(diffusions.count) { index in
                    diffusions[index].forEachFlow { pixel, y, x in vectors[pixel] = SIMD2(Float(y), Float(x)) }
                }
            }
        }
        return FlowField(vectors)
    }
}
