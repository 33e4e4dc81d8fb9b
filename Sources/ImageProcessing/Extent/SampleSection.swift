public import Volumes

/// The part of a slice that lies in the sample: in each row a range of columns.
///
/// ```swift
/// let section = extent.section(z: 40, height: shape.y, width: shape.x, margin: 2)
/// section.clear(&labels, to: 0)
/// ```
public struct SampleSection: Hashable, Sendable {
    /// The number of columns of the slice.
    public let width: Int
    /// For each row of the slice the columns that are inside; an empty range where none is.
    public let rows: [Range<Int>]

    /// Whether no pixel of the slice is inside.
    public var isEmpty: Bool { rows.allSatisfy(\.isEmpty) }
    /// Whether all pixels of the slice are inside.
    public var isWhole: Bool { rows.allSatisfy { $0.count == width } }

    /// Gives all pixels that are outside one value.
    ///
    /// - Parameter pixels: `[y][x]`, of the size of the slice.
    /// - Complexity: linear in the number of pixels that are outside.
    public func clear<Pixel>(_ pixels: inout [Pixel], to ground: Pixel) {
        guard !isWhole else { return }
        pixels.withUnsafeMutableBufferPointer { clear($0, to: ground) }
    }

    fileprivate func clear<Pixel>(_ pixels: UnsafeMutableBufferPointer<Pixel>, to ground: Pixel) {
        precondition(pixels.count == width * rows.count, "\(pixels.count) pixels are no \(rows.count) rows of \(width)")
        for (y, inside) in rows.enumerated() where inside.count < width {
            let first = y * width
            for x in 0..<inside.lowerBound { pixels[first + x] = ground }
            for x in inside.upperBound..<width { pixels[first + x] = ground }
        }
    }
}

extension Image {
    /// The image with one value for all pixels outside of a section of its size.
    ///
    /// - Complexity: one copy.
    public func cleared(outside section: SampleSection, to ground: Pixel) -> Image {
        Image(sizeOf: self) { pixels in
            _ = pixels.initialize(fromContentsOf: values)
            section.clear(pixels, to: ground)
        }
    }
}

extension SampleExtent {
    /// The part of a slice that lies in the sample: the pixels for whose middles ``contains(_:margin:)`` is true, exactly.
    ///
    /// A plane rises or falls along a row all the way, so that its columns are found by bisection.
    ///
    /// - Parameters:
    ///   - z: the slice, from 0.
    ///   - height: the number of its rows.
    ///   - width: the number of its columns.
    ///   - margin: how far beyond a surface, along z and in voxels, something still counts as inside.
    /// - Complexity: for each row logarithmic in its length.
    public func section(z: Int, height: Int, width: Int, margin: Double = 0) -> SampleSection {
        let (z, whole) = (Double(z), 0..<width)
        return SampleSection(
            width: width,
            rows: (0..<height).map { y in
                let above = lower.map { $0.columns(whole, y: y) { Self.isAbove(z, $0, margin) } } ?? whole
                let below = upper.map { $0.columns(whole, y: y) { Self.isBelow(z, $0, margin) } } ?? whole
                let (first, end) = (max(above.lowerBound, below.lowerBound), min(above.upperBound, below.upperBound))
                return first < end ? first..<end : 0..<0
            })
    }

    /// The slices in which some pixel lies in the sample; nil where none does.
    ///
    /// - Parameter shape: that of the tomogram.
    public func slices(of shape: VolumeShape) -> Range<Int>? {
        // A plane is highest and lowest at corners.
        let first = lower.map { ($0.heights(over: shape).lowerBound).rounded(.up) } ?? 0
        let last = upper.map { ($0.heights(over: shape).upperBound).rounded(.down) } ?? Double(shape.z - 1)
        guard first <= last, last >= 0, first <= Double(shape.z - 1) else { return nil }
        return Int(max(first, 0))..<Int(min(last, Double(shape.z - 1))) + 1
    }
}

extension SurfacePlane {
    /// The heights between which the surface lies over the slices of a tomogram, in voxels.
    public func heights(over shape: VolumeShape) -> ClosedRange<Double> {
        let corners = [(0, 0), (shape.x - 1, 0), (0, shape.y - 1), (shape.x - 1, shape.y - 1)].map {
            height(x: Double($0.0), y: Double($0.1))
        }
        return (corners.min() ?? z)...(corners.max() ?? z)
    }

    /// The line in which the surface crosses a slice; nil where it does not, or lies in the slice.
    ///
    /// - Parameters:
    ///   - z: the slice, from 0.
    ///   - shape: that of the tomogram.
    /// - Returns: the ends (x, y) of the line, on the border of the slice, in voxels from the middle of the first pixel.
    public func crossing(z slice: Int, shape: VolumeShape) -> (SIMD2<Double>, SIMD2<Double>)? {
        let slope = SIMD2(slopeX, slopeY)
        let square = (slope * slope).sum()
        guard square > 0, square.isFinite else { return nil }
        // The point of the line next to the middle, and how far the line goes from there on either side until it leaves the slice.
        let point = SIMD2(middleX, middleY) + slope * ((Double(slice) - z) / square)
        let direction = SIMD2(-slopeY, slopeX) / square.squareRoot()
        var (from, to) = (-Double.infinity, Double.infinity)
        for (axis, length) in [shape.x, shape.y].enumerated() {
            let (low, high) = (-0.5 - point[axis], Double(length) - 0.5 - point[axis])
            if direction[axis] == 0 {
                guard low <= 0, high >= 0 else { return nil }
            } else {
                let (a, b) = (low / direction[axis], high / direction[axis])
                (from, to) = (max(from, min(a, b)), min(to, max(a, b)))
            }
        }
        guard from < to, from.isFinite, to.isFinite else { return nil }
        return (point + direction * from, point + direction * to)
    }

    /// The columns of a row over which the height passes a test that all lower heights pass, too, or all higher ones.
    fileprivate func columns(_ whole: Range<Int>, y: Int, where test: (_ height: Double) -> Bool) -> Range<Int> {
        func passes(at x: Int) -> Bool { test(height(x: Double(x), y: Double(y))) }
        guard !whole.isEmpty else { return whole }
        let isFirst = passes(at: whole.lowerBound)
        guard isFirst != passes(at: whole.upperBound - 1) else { return isFirst ? whole : 0..<0 }
        // From `low` on the answer is that of the first column, at `high` it is the other.
        var (low, high) = (whole.lowerBound, whole.upperBound - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if passes(at: middle) == isFirst { low = middle } else { high = middle }
        }
        return isFirst ? whole.lowerBound..<high : high..<whole.upperBound
    }
}
