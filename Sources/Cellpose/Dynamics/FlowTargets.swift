public import Basics
public import ImageProcessing
internal import Tensors

/// Computes the flow field of labelled objects, on which CellPose's network is trained and with which masks are checked:
/// CellPose's `labels_to_flows` on a CPU.
///
/// Heat diffuses through each object from its centre, the pixel nearest to the mean of its pixels. The flow is the gradient of
/// the heat, normalised to length 1. Parts of an object that are not connected with its centre have no flow. Objects do not
/// influence each other, and the values of their labels do not matter. The result equals that of CellPose 3.1.1.3 in every bit.
public struct FlowTargets: Hashable, Sendable {
    /// The number of diffusion steps; nil for twice the sum of the sides of each object's bounding box, with a border of 1 pixel.
    public let iterations: Int?

    /// - Throws: ``FlowError`` unless the iterations are in 0 … 1,000,000.
    public init(iterations: Int? = nil) throws(FlowError) {
        guard (0...1_000_000).contains(iterations ?? 0) else {
            throw .parameter("the number of iterations of the diffusion", iterations ?? 0, mustBe: "in 0 … 1000000")
        }
        self.iterations = iterations
    }

    /// The flows of all objects: vectors of length 1 on objects, 0 on background (labels below 1).
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
                // A pixel belongs to one object, so no two threads write to the same pixel.
                Threads.perform(diffusions.count) { index in
                    diffusions[index].forEachFlow { pixel, y, x in vectors[pixel] = SIMD2(Float(y), Float(x)) }
                }
            }
        }
        return FlowField(vectors)
    }
}

/// The diffusion of heat through one object from its centre; the gradient is the flow that CellPose's network learns (Stringer et
/// al., *Nature Methods* 18, 2021).
///
/// The centre is the pixel nearest to the mean of all pixels. In each iteration 1 is added there; then each pixel of the object
/// becomes the mean of its 3 × 3 neighbourhood, in which pixels outside the object count as 0. Values are float64, and the nine
/// values are added in CellPose's order, so that results are equal in every bit.
private struct CentreDiffusion {
    private let object: LabelledObject
    private let labels: UnsafeBufferPointer<Int32>
    private let width: Int
    private let iterations: Int

    /// - Parameters:
    ///   - labels: the labels of the object's image, `[y][x]`, in rows of `width` pixels.
    ///   - iterations: the number of iterations; by default twice the sum of the sides of the object's box, with a border of 1.
    init(of object: LabelledObject, in labels: UnsafeBufferPointer<Int32>, width: Int, iterations: Int? = nil) {
        self.object = object
        self.labels = labels
        self.width = width
        self.iterations = iterations ?? 2 * (object.rows.count + 2 + object.columns.count + 2)
    }

    /// The approximate cost, pixels of the box times iterations: the most expensive objects start first.
    var cost: Int { object.rows.count * object.columns.count * iterations }

    /// Calls the body for each pixel of the object, in raster order, with the index of the pixel in the image and the flow there:
    /// of length 1, or 0 where no heat has arrived.
    func forEachFlow(_ body: (_ pixel: Int, _ y: Double, _ x: Double) -> Void) {
        // A row has one pixel before the box, one after it, and the pixels that the last step of the inner loop may touch beyond.
        let stride = object.columns.count + 2 + Self.lanes
        let count = (object.rows.count + 2) * stride
        withUnsafeTemporaryAllocation(of: Double.self, capacity: 3 * count) { memory in
            memory.initialize(repeating: 0)
            let isInside = UnsafeMutableBufferPointer(rebasing: memory[..<count])
            var heat = UnsafeMutableBufferPointer(rebasing: memory[count..<2 * count])
            var next = UnsafeMutableBufferPointer(rebasing: memory[(2 * count)...])
            let spans = markPixels(isInside, stride: stride)
            let (centreY, centreX) = centre()
            for _ in 0..<iterations {
                heat[centreY * stride + centreX] += 1
                for (row, span) in spans.enumerated() {
                    let first = (row + 1) * stride
                    for index in Swift.stride(from: first + span.lowerBound, to: first + span.upperBound, by: Self.lanes) {
                        Self.spread(heat, stride: stride, at: index, isInside, into: next)
                    }
                }
                swap(&heat, &next)
            }
            forEachPixel { pixel, y, x in
                let index = y * stride + x
                let (dy, dx) = (heat[index + stride] - heat[index - stride], heat[index + 1] - heat[index - 1])
                let length = 1e-60 + (dy * dy + dx * dx).squareRoot()
                body(pixel, dy / length, dx / length)
            }
        }
    }

    /// The number of pixels in a step of the inner loop.
    private static let lanes = 8

    /// Sets eight pixels of `next` to the means of their 3 × 3 neighbourhoods, or to 0 outside the object.
    @inline(__always)
    private static func spread(
        _ heat: UnsafeMutableBufferPointer<Double>, stride: Int, at index: Int, _ isInside: UnsafeMutableBufferPointer<Double>,
        into next: UnsafeMutableBufferPointer<Double>
    ) {
        let source = UnsafeRawPointer(heat.baseAddress.unsafelyUnwrapped)
        func load(_ offset: Int) -> SIMD8<Double> {
            source.loadUnaligned(fromByteOffset: (index &+ offset) &* 8, as: SIMD8<Double>.self)
        }
        var sum = load(0) + load(-stride) + load(stride) + load(-1) + load(1)
        sum += load(-stride &- 1)
        sum += load(1 &- stride)
        sum += load(stride &- 1)
        sum += load(stride &+ 1)
        let inside = UnsafeRawPointer(isInside.baseAddress.unsafelyUnwrapped).loadUnaligned(
            fromByteOffset: index &* 8, as: SIMD8<Double>.self)
        // The factor is 0 outside the object: pixels of its rows that lie beyond it or in another object get no heat.
        UnsafeMutableRawPointer(next.baseAddress.unsafelyUnwrapped).storeBytes(
            of: (1 / 9.0 * sum) * inside, toByteOffset: index &* 8, as: SIMD8<Double>.self)
    }

    /// Writes 1 for each pixel of the object; returns for each row the range from its first to its last pixel.
    private func markPixels(_ isInside: UnsafeMutableBufferPointer<Double>, stride: Int) -> [Range<Int>] {
        var spans = [Range<Int>](repeating: 0..<0, count: object.rows.count)
        forEachPixel { _, y, x in
            isInside[y * stride + x] = 1
            spans[y - 1] = (spans[y - 1].isEmpty ? x : spans[y - 1].lowerBound)..<x + 1
        }
        return spans
    }

    /// The pixel nearest to the mean of all pixels; the first one in raster order if several are.
    private func centre() -> (y: Int, x: Int) {
        var (sumY, sumX) = (0, 0)
        forEachPixel { _, y, x in
            sumY += y
            sumX += x
        }
        let (meanY, meanX) = (Double(sumY) / Double(object.area), Double(sumX) / Double(object.area))
        var (centre, least) = ((y: 1, x: 1), Double.infinity)
        forEachPixel { _, y, x in
            let (dy, dx) = (Double(y) - meanY, Double(x) - meanX)
            let distance = dx * dx + dy * dy
            if distance < least { (centre, least) = ((y, x), distance) }
        }
        return centre
    }

    /// Calls the body for each pixel of the object, with its index in the image and its row and column in the box, counted from
    /// 1.
    private func forEachPixel(_ body: (_ pixel: Int, _ y: Int, _ x: Int) -> Void) {
        for y in object.rows {
            for x in object.columns where labels[y * width + x] == object.label {
                body(y * width + x, y - object.rows.lowerBound + 1, x - object.columns.lowerBound + 1)
            }
        }
    }
}

/// Drops masks whose shape contradicts the network's flows: CellPose's `remove_bad_flow_masks`.
///
/// The flows that follow from the shape of a mask (``FlowTargets``) are compared with those of the network. If pixels were
/// grouped by chance, in noise or between two objects, the two differ.
public struct FlowErrorCheck: Hashable, Sendable {
    /// The largest flow error of a mask that is kept: a mean squared difference. Opposite flows differ by 4, perpendicular ones
    /// by 2.
    public let limit: Double

    /// - Throws: ``FlowError`` unless the limit is positive. An infinite limit keeps all masks.
    public init(limit: Double = 0.4) throws(FlowError) {
        guard limit > 0 else { throw .parameter("the limit of the flow error", limit, mustBe: "positive") }
        self.limit = limit
    }

    /// The label image without the objects whose flow error exceeds the limit; these become 0, the others keep their labels.
    ///
    /// - Throws: ``FlowError`` if the sizes differ.
    /// - Complexity: as for ``FlowTargets``.
    public func callAsFunction(_ labels: Image<Int32>, flows: FlowField) throws(FlowError) -> Image<Int32> {
        let contradicting = Set(try errors(of: labels, flows: flows).filter { $0.error > limit }.map(\.label))
        return contradicting.isEmpty ? labels : labels.map { $0 > 0 && contradicting.contains($0) ? 0 : $0 }
    }

    /// The flow error of each object, in ascending order of labels: the mean over its pixels of |f − v / 5|², where f is the flow
    /// that follows from the object's shape, and v the network's flow.
    ///
    /// - Throws: ``FlowError`` if the sizes differ.
    /// - Complexity: as for ``FlowTargets``.
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
