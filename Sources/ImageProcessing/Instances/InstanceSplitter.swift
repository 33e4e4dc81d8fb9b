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
