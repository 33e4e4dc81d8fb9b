internal import ImageProcessing

/// Heat that spreads over one object from its centre, whose slope is the flow that CellPose's network learns (Stringer et al.,
/// *Nature Methods* 18, 2021).
///
/// The centre is the pixel nearest to the mean of all pixels. Again and again 1 is added there, and each pixel of the object
/// becomes the mean of the nine around it, what lies outside the object counting 0. Float64, and the nine are added in
/// CellPose's order, so that its results are met in every bit.
struct CentreDiffusion {
    private let object: LabelledObject
    private let labels: UnsafeBufferPointer<Int32>
    private let width: Int
    private let iterations: Int

    /// - Parameters:
    ///   - labels: the pixels of the image that the object is of, in rows of `width`.
    ///   - iterations: how often the mean is taken; by default twice the sum of the sides of the object's box, with a border of 1.
    init(of object: LabelledObject, in labels: UnsafeBufferPointer<Int32>, width: Int, iterations: Int? = nil) {
        self.object = object
        self.labels = labels
        self.width = width
        self.iterations = iterations ?? 2 * (object.rows.count + 2 + object.columns.count + 2)
    }

    /// About how long it takes, to start the longest first.
    var cost: Int { object.rows.count * object.columns.count * iterations }

    /// Calls the body for each pixel of the object, in raster order, with the flow there: of length 1, or 0 where no heat came.
    func forEachFlow(_ body: (_ pixel: Int, _ y: Double, _ x: Double) -> Void) {
        // A row has one pixel before the box and one behind it, and those that a step of the loop may reach beyond.
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
                    for place in Swift.stride(from: first + span.lowerBound, to: first + span.upperBound, by: Self.lanes) {
                        Self.spread(heat, stride: stride, at: place, isInside, into: next)
                    }
                }
                swap(&heat, &next)
            }
            forEachPixel { pixel, y, x in
                let place = y * stride + x
                let (dy, dx) = (heat[place + stride] - heat[place - stride], heat[place + 1] - heat[place - 1])
                let length = 1e-60 + (dy * dy + dx * dx).squareRoot()
                body(pixel, dy / length, dx / length)
            }
        }
    }

    /// Pixels of a step of the inner loop.
    private static let lanes = 8

    @inline(__always)
    private static func spread(
        _ heat: UnsafeMutableBufferPointer<Double>, stride: Int, at place: Int, _ isInside: UnsafeMutableBufferPointer<Double>,
        into next: UnsafeMutableBufferPointer<Double>
    ) {
        let source = UnsafeRawPointer(heat.baseAddress.unsafelyUnwrapped)
        func load(_ offset: Int) -> SIMD8<Double> {
            source.loadUnaligned(fromByteOffset: (place &+ offset) &* 8, as: SIMD8<Double>.self)
        }
        var sum = load(0) + load(-stride) + load(stride) + load(-1) + load(1)
        sum += load(-stride &- 1)
        sum += load(1 &- stride)
        sum += load(stride &- 1)
        sum += load(stride &+ 1)
        let inside = UnsafeRawPointer(isInside.baseAddress.unsafelyUnwrapped).loadUnaligned(
            fromByteOffset: place &* 8, as: SIMD8<Double>.self)
        // Outside, 0: what is beyond the object in its row, or in another object, stays cold.
        UnsafeMutableRawPointer(next.baseAddress.unsafelyUnwrapped).storeBytes(
            of: (1 / 9.0 * sum) * inside, toByteOffset: place &* 8, as: SIMD8<Double>.self)
    }

    /// Sets 1 at each pixel of the object; returns for each row the places from its first to its last.
    private func markPixels(_ isInside: UnsafeMutableBufferPointer<Double>, stride: Int) -> [Range<Int>] {
        var spans = [Range<Int>](repeating: 0..<0, count: object.rows.count)
        forEachPixel { _, y, x in
            isInside[y * stride + x] = 1
            spans[y - 1] = (spans[y - 1].isEmpty ? x : spans[y - 1].lowerBound)..<x + 1
        }
        return spans
    }

    /// The pixel nearest to the mean, the first of several.
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

    /// Calls the body for each pixel of the object, with its place in the box, counted from 1.
    private func forEachPixel(_ body: (_ pixel: Int, _ y: Int, _ x: Int) -> Void) {
        for y in object.rows {
            for x in object.columns where labels[y * width + x] == object.label {
                body(y * width + x, y - object.rows.lowerBound + 1, x - object.columns.lowerBound + 1)
            }
        }
    }
}
