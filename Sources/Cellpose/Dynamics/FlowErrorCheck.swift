public import Basics
public import ImageProcessing
internal import Tensors

/// Drops masks that contradict the flows they were made from: CellPose's `remove_bad_flow_masks`.
///
/// The flows that a mask should have (``FlowTargets``) are compared with what the network said. Pixels that came together by
/// chance, in noise or between two objects, do not make a shape from which such flows would come.
public struct FlowErrorCheck: Hashable, Sendable {
    /// The greatest mean squared difference of a mask that is kept. Opposite flows differ by 4, flows at right angles by 2.
    public let limit: Double

    /// - Throws: ``FlowError`` unless the limit is positive. An infinite limit keeps all.
    public init(limit: Double = 0.4) throws(FlowError) {
        guard limit > 0 else { throw .parameter("the limit of the flow error", limit, mustBe: "positive") }
        self.limit = limit
    }

    /// The labels whose flows agree with those of the network; others become 0. Labels keep their numbers.
    ///
    /// - Throws: ``FlowError`` where the sizes differ.
    /// - Complexity: as for ``FlowTargets``.
    public func callAsFunction(_ labels: Image<Int32>, flows: FlowField) throws(FlowError) -> Image<Int32> {
        let contradicting = Set(try errors(of: labels, flows: flows).filter { $0.error > limit }.map(\.label))
        return contradicting.isEmpty ? labels : labels.map { $0 > 0 && contradicting.contains($0) ? 0 : $0 }
    }

    /// For each object, by ascending label, the mean over its pixels of |f − v / 5|², where f is the flow that follows from the
    /// object's shape and v the network's.
    ///
    /// - Throws: ``FlowError`` where the sizes differ.
    public func errors(of labels: Image<Int32>, flows: FlowField) throws(FlowError) -> [(label: Int32, error: Double)] {
        try labels.requireSize(of: flows.y, "the labels have", "the flows")
        let objects = LabelledObject.all(in: labels).sorted { $0.area > $1.area }
        var errors = [Double](repeating: 0, count: objects.count)
        labels.values.withUnsafeBufferPointer { values in
            errors.withUnsafeMutableBufferPointer { errors in
                Threads.perform(objects.count) { index in
                    let diffusion = CentreDiffusion(of: objects[index], in: values, width: labels.width)
                    var (sumY, sumX) = (0.0, 0.0)
                    diffusion.forEachFlow { pixel, y, x in
                        let differenceY = y - Double(flows.y.values[pixel] / FlowField.networkScale)
                        let differenceX = x - Double(flows.x.values[pixel] / FlowField.networkScale)
                        sumY += differenceY * differenceY
                        sumX += differenceX * differenceX
                    }
                    let area = Double(objects[index].area)
                    errors[index] = sumY / area + sumX / area
                }
            }
        }
        return zip(objects, errors).map { ($0.label, $1) }.sorted { $0.label < $1.label }
    }
}
