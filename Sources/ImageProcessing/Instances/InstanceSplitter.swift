public import Basics

/// Divides a mask into instances, without weights: round bodies come apart where they touch, and from the thin structures that
/// they touch.
///
/// 1. Gaps and holes that are small beside a particle are closed.
/// 2. Distances to the background are smoothed. Their hills are markers (``SaddleMerging``), from which they are flooded
///    (``Watershed``): bodies are divided at necks.
/// 3. Of each part only the body stays: what a disc of ``body`` times its half width reaches. A membrane as thick as the neck
///    by which it hangs on to a particle has no saddle; it is too thin for the disc.
///
/// What is returned may also be a piece of membrane: ``ShapeGate`` tells.
public struct InstanceSplitter: Sendable, Hashable {
    public let diameters: ParticleDiameters
    /// Two bodies are one where the neck is at least so wide, as a part of the smaller body's width.
    public let neck: Double
    /// What stays of a part: all that a disc of this part of its greatest half width reaches.
    public let body: Double
    private let merging: SaddleMerging
    private let closing: StructuringElement
    private let kernel: GaussianKernel?
    private let holeArea: Int

    /// - Parameters:
    ///   - diameters: of the particles looked for.
    ///   - neck: above 0, up to 1; more divides more.
    ///   - body: 0 keeps whole parts; below 1.
    ///   - closing: the radius of the disc that closes gaps, in smallest diameters, up to 0.5.
    ///   - smoothing: the σ of the smoothing of distances, in smallest diameters, up to 0.5.
    /// - Throws: ``ImageError`` where a parameter is out of range.
    public init(
        _ diameters: ParticleDiameters, neck: Double = 0.7, body: Double = 0.6, closing: Double = 0.15, smoothing: Double = 0.12
    ) throws(ImageError) {
        guard (0..<1).contains(body) else { throw .parameter("the body's part of a half width", body, mustBe: "in 0 ..< 1") }
        guard (0...0.5).contains(closing) else { throw .parameter("the closing", closing, mustBe: "in 0 … 0.5 diameters") }
        guard (0...0.5).contains(smoothing) else { throw .parameter("the smoothing", smoothing, mustBe: "in 0 … 0.5 diameters") }
        self.diameters = diameters
        self.neck = neck
        self.body = body
        merging = try SaddleMerging(ratio: neck)
        // Half of the largest diameter is beyond the radius of an element: such particles need no more than this.
        self.closing = try StructuringElement(.disc, radius: min(127, Int((closing * diameters.smallest).rounded())))
        let sigma = smoothing * diameters.smallest
        kernel = sigma > 0.1 ? try GaussianKernel(sigma: sigma) : nil
        holeArea = Int(Self.discArea(diameters.smallest) / 2)
    }

    /// - Returns: instances numbered from 1, 0 elsewhere; they may cover gaps and holes of the mask.
    /// - Throws: ``ImageError`` where the image has 2³¹ pixels and more.
    /// - Complexity: n log n in the foreground, linear in the rest; memory is some forty bytes a pixel.
    public func callAsFunction(_ mask: Mask) throws(ImageError) -> Image<Int32> {
        let closed = (closing.radius == 0 ? mask : mask.closed(by: closing)).holesFilled(upTo: holeArea)
        let distances = closed.distancesToBackground()
        let heights = kernel.map { distances.blurred(by: $0) } ?? distances
        let markers = try merging(heights, mask: closed)
        let parts = try Watershed(connectivity: .eight)(heights.map { -$0 }, markers: markers, mask: closed)
        let largest = Self.discArea(diameters.largest)
        return BodyOpening(ratio: body) { area, halfWidth in
            // A thin thing as large as a particle is none, and its opening would be by far the costliest.
            Double(area) > largest && 2 * Double(halfWidth) < diameters.smallest
        }(parts, distances: distances)
    }

    private static func discArea(_ diameter: Double) -> Double { .pi / 4 * diameter * diameter }
}

/// How large the particles are that are looked for: the diameters of the smallest and of the largest kind.
///
/// Everything that tells particles from other structures is measured in them, so that nothing has to be set anew for another
/// voxel size.
public struct ParticleDiameters: Sendable, Hashable, Codable {
    /// In pixels.
    public let smallest: Double
    /// In pixels.
    public let largest: Double

    /// - Parameters: diameters in pixels.
    /// - Throws: ``ImageError`` unless both lie in 1 … 1000 pixels, the smallest first.
    public init(smallest: Double, largest: Double) throws(ImageError) {
        for diameter in [smallest, largest] where !(1...1000).contains(diameter) {
            throw .parameter("a particle's diameter", diameter, mustBe: "in 1 … 1000 pixels")
        }
        guard smallest <= largest else {
            throw .parameter("the smallest diameter", smallest, mustBe: "at most the largest, \(largest) pixels")
        }
        self.smallest = smallest
        self.largest = largest
    }

    /// - Throws: ``ImageError`` unless both are in 1 … 1000 voxels.
    public init(inAngstroms diameters: ClosedRange<Double>, voxelSizeInAngstroms: Double) throws(ImageError) {
        guard voxelSizeInAngstroms > 0, voxelSizeInAngstroms.isFinite else {
            throw .parameter("the voxel size", voxelSizeInAngstroms, mustBe: "above 0 Å")
        }
        try self.init(
            smallest: diameters.lowerBound / voxelSizeInAngstroms, largest: diameters.upperBound / voxelSizeInAngstroms)
    }
}

/// Opens each part of a labelled image by a disc of its own size, and keeps the largest piece of each.
struct BodyOpening {
    /// The radius of the disc as a part of the part's greatest distance to the background.
    let ratio: Double
    /// Parts that stay whole, by their area and greatest distance.
    let staysWhole: (_ area: Int, _ halfWidth: Float) -> Bool

    init(ratio: Double, staysWhole: @escaping (_ area: Int, _ halfWidth: Float) -> Bool) {
        self.ratio = ratio
        self.staysWhole = staysWhole
    }

    private struct Part {
        var area = 0
        var halfWidth: Float = 0
        /// Where the centres of discs lie.
        var y = Int.max..<Int.max
        var x = Int.max..<Int.max
    }

    /// - Parameter labels: 0 … n, n at most the number of pixels.
    /// - Returns: the bodies, numbered from 1 in the order of their parts.
    func callAsFunction(_ labels: Image<Int32>, distances: Image<Float>) -> Image<Int32> {
        let parts = measured(labels, distances)
        var numbers = [Int32](repeating: 0, count: parts.count)
        var opened: [(label: Int, number: Int32)] = []
        var count: Int32 = 0
        for (label, part) in parts.enumerated() where part.area > 0 {
            count += 1
            if ratio > 0, part.halfWidth.isFinite, !staysWhole(part.area, part.halfWidth) {
                opened.append((label, count))
            } else {
                numbers[label] = count
            }
        }
        var result = labels.relabelled(by: numbers)
        for (label, number) in opened { writeBody(of: label, parts[label], labels, distances, into: &result, as: number) }
        return result
    }

    private func radius(of part: Part) -> Float { Float(ratio) * part.halfWidth }

    private func measured(_ labels: Image<Int32>, _ distances: Image<Float>) -> [Part] {
        var parts = [Part](repeating: Part(), count: Int(labels.values.max() ?? 0) + 1)
        for (label, distance) in zip(labels.values, distances.values) where label > 0 {
            parts[Int(label)].area += 1
            parts[Int(label)].halfWidth = max(parts[Int(label)].halfWidth, distance)
        }
        for y in 0..<labels.height {
            for x in 0..<labels.width {
                let index = y * labels.width + x
                let label = Int(labels.values[index])
                guard label > 0, distances.values[index] >= radius(of: parts[label]) else { continue }
                let part = parts[label]
                parts[label].y = min(part.y.lowerBound, y)..<(y + 1)
                parts[label].x = min(part.x.lowerBound, x)..<max(part.x.isEmpty ? 0 : part.x.upperBound, x + 1)
            }
        }
        return parts
    }

    private func writeBody(
        of label: Int, _ part: Part, _ labels: Image<Int32>, _ distances: Image<Float>, into result: inout Image<Int32>,
        as number: Int32
    ) {
        let radius = radius(of: part)
        let reach = Int(radius.rounded(.up))
        let rows = max(0, part.y.lowerBound - reach)..<min(labels.height, part.y.upperBound + reach)
        let columns = max(0, part.x.lowerBound - reach)..<min(labels.width, part.x.upperBound + reach)
        /// A rectangle of the image as a mask of its own.
        func mask(where isTrue: (_ index: Int, _ place: Int) -> Bool) -> Mask {
            Mask(uncheckedHeight: rows.count, width: columns.count) { mask in
                for (row, y) in rows.enumerated() {
                    for (column, x) in columns.enumerated() {
                        let place = row * columns.count + column
                        mask[place] = isTrue(y * labels.width + x, place)
                    }
                }
            }
        }
        let isNoCenter = mask { index, _ in labels.values[index] != label || distances.values[index] < radius }
        let reached = isNoCenter.distancesToBackground()
        let pieces = mask { labels.values[$0] == label && reached.values[$1] < radius }.components()
        // The first of the largest.
        guard let most = pieces.areas.max(), let largest = pieces.areas.firstIndex(of: most) else { return }
        for (row, y) in rows.enumerated() {
            for (column, x) in columns.enumerated() where Int(pieces.labels[y: row, x: column]) == largest + 1 {
                result[y: y, x: x] = number
            }
        }
    }
}
