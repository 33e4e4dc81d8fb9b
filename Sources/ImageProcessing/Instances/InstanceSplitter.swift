public import Basics

/// Divides a mask into instances without a trained model: it separates round bodies that touch each other, and cuts off thin
/// structures that touch them.
///
/// 1. Gaps and holes that are small in comparison with a particle are closed.
/// 2. The distance to the background is smoothed. Its maxima, merged by ``SaddleMerging``, are the markers of a ``Watershed``
///    of the negative distance, which divides bodies at their necks.
/// 3. Each part is opened by a disc whose radius is ``body`` times the greatest distance in the part, and its largest piece is
///    kept. A membrane that is as thick as its connection to a particle has no saddle, but the disc does not fit into it.
///
/// An instance may also be a piece of membrane; ``ShapeGate`` rejects those.
public struct InstanceSplitter: Sendable, Hashable {
    /// The diameters of the particles.
    public let diameters: ParticleDiameters
    /// Two bodies are separated where the neck between them is narrower than this fraction of the smaller body's width.
    public let neck: Double
    /// The radius of the disc that opens a part, as a fraction of the part's greatest distance to the background.
    public let body: Double
    private let merging: SaddleMerging
    private let closing: StructuringElement
    private let kernel: GaussianKernel?
    private let holeArea: Int

    /// - Parameters:
    ///   - diameters: the diameters of the particles.
    ///   - neck: above 0, at most 1; larger values separate more bodies.
    ///   - body: at least 0, below 1; 0 keeps whole parts.
    ///   - closing: the radius of the disc that closes gaps, as a multiple of the smallest diameter, in 0 … 0.5.
    ///   - smoothing: the σ of the smoothing of distances, as a multiple of the smallest diameter, in 0 … 0.5.
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
        // 127 is the largest radius of an element. Half of the largest diameter, 500 pixels, exceeds it; 127 is then enough.
        self.closing = try StructuringElement(.disc, radius: min(127, Int((closing * diameters.smallest).rounded())))
        let sigma = smoothing * diameters.smallest
        kernel = sigma > 0.1 ? try GaussianKernel(sigma: sigma) : nil
        holeArea = Int(Self.discArea(diameters.smallest) / 2)
    }

    /// Divides a mask `[y][x]`.
    ///
    /// - Returns: labels `[y][x]`, numbered from 1, 0 elsewhere. Instances may cover closed gaps and holes of the mask.
    /// - Throws: ``ImageError`` where the image has 2³¹ pixels or more.
    /// - Complexity: n log n in the foreground pixels, linear in the others. Memory is about forty bytes for each pixel.
    public func callAsFunction(_ mask: Mask) throws(ImageError) -> Image<Int32> {
        let closed = (closing.radius == 0 ? mask : mask.closed(by: closing)).holesFilled(upTo: holeArea)
        let distances = closed.distancesToBackground()
        let heights = kernel.map { distances.blurred(by: $0) } ?? distances
        let markers = try merging(heights, mask: closed)
        let parts = try Watershed(connectivity: .eight)(heights.map { -$0 }, markers: markers, mask: closed)
        let largest = Self.discArea(diameters.largest)
        return BodyOpening(ratio: body) { area, halfWidth in
            // A thin structure larger than a particle is no particle, and its opening would take by far the most time.
            Double(area) > largest && 2 * Double(halfWidth) < diameters.smallest
        }(parts, distances: distances)
    }

    private static func discArea(_ diameter: Double) -> Double { .pi / 4 * diameter * diameter }
}

/// The diameters of the smallest and of the largest kind of particle.
///
/// All parameters that distinguish particles from other structures are multiples of these diameters, so that they do not
/// depend on the voxel size.
public struct ParticleDiameters: Sendable, Hashable, Codable {
    /// The diameter of the smallest particles in pixels.
    public let smallest: Double
    /// The diameter of the largest particles in pixels.
    public let largest: Double

    /// - Parameters:
    ///   - smallest: the diameter of the smallest particles in pixels.
    ///   - largest: the diameter of the largest particles in pixels.
    /// - Throws: ``ImageError`` unless both are in 1 … 1000 pixels and `smallest` is at most `largest`.
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

    /// - Parameters:
    ///   - diameters: the smallest and the largest diameter in Å.
    ///   - voxelSizeInAngstroms: the voxel size in Å.
    /// - Throws: ``ImageError`` unless both diameters are in 1 … 1000 voxels, and the voxel size is above 0.
    public init(inAngstroms diameters: ClosedRange<Double>, voxelSizeInAngstroms: Double) throws(ImageError) {
        guard voxelSizeInAngstroms > 0, voxelSizeInAngstroms.isFinite else {
            throw .parameter("the voxel size", voxelSizeInAngstroms, mustBe: "above 0 Å")
        }
        try self.init(
            smallest: diameters.lowerBound / voxelSizeInAngstroms, largest: diameters.upperBound / voxelSizeInAngstroms)
    }
}

/// The morphological opening of each part of a labelled image by a disc of its own size. Only the largest piece of each part
/// is kept.
struct BodyOpening {
    /// The radius of the disc as a fraction of the part's greatest distance to the background.
    let ratio: Double
    /// Whether a part is not opened, from its area and its greatest distance to the background.
    let staysWhole: (_ area: Int, _ halfWidth: Float) -> Bool

    init(ratio: Double, staysWhole: @escaping (_ area: Int, _ halfWidth: Float) -> Bool) {
        self.ratio = ratio
        self.staysWhole = staysWhole
    }

    private struct Part {
        var area = 0
        /// The greatest distance to the background.
        var halfWidth: Float = 0
        /// The bounding box of the pixels where the disc fits, which are the centres of discs.
        var y = Int.max..<Int.max
        var x = Int.max..<Int.max
    }

    /// - Parameters:
    ///   - labels: 0 … n, with n at most the number of pixels.
    ///   - distances: the distance of each pixel to the background.
    /// - Returns: the opened parts, numbered from 1 in the order of their labels.
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

    /// The area, half width and disc centres of each label.
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

    /// Writes the largest piece of the opened part to `result`. The opening is computed in the part's bounding box.
    private func writeBody(
        of label: Int, _ part: Part, _ labels: Image<Int32>, _ distances: Image<Float>, into result: inout Image<Int32>,
        as number: Int32
    ) {
        let radius = radius(of: part)
        let reach = Int(radius.rounded(.up))
        let rows = max(0, part.y.lowerBound - reach)..<min(labels.height, part.y.upperBound + reach)
        let columns = max(0, part.x.lowerBound - reach)..<min(labels.width, part.x.upperBound + reach)
        /// A mask of the bounding box. `index` counts pixels of the image, `place` those of the mask.
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
        // Of several largest pieces the first is kept.
        guard let most = pieces.areas.max(), let largest = pieces.areas.firstIndex(of: most) else { return }
        for (row, y) in rows.enumerated() {
            for (column, x) in columns.enumerated() where Int(pieces.labels[y: row, x: column]) == largest + 1 {
                result[y: y, x: x] = number
            }
        }
    }
}
