public import Basics
public import ImageProcessing

/// Makes labelled masks of what CellPose's network says about an image: its `resize_and_compute_masks` in two dimensions, on a CPU.
///
/// Foreground pixels follow the flows (``FlowDynamics``), those that come together are an object (``MaskAssembly``), objects that
/// contradict the flows are dropped (``FlowErrorCheck``), holes are filled and small objects dropped (``MaskCleanup``).
public struct CellposeMasks: Hashable, Sendable {
    /// Foreground is where the network's cell probability, a logit, is greater.
    public let probabilityThreshold: Float
    public let dynamics: FlowDynamics
    public let assembly: MaskAssembly
    /// Nil where objects are not checked.
    public let errorCheck: FlowErrorCheck?
    public let cleanup: MaskCleanup

    /// - Parameters:
    ///   - iterations: steps along the flows: 200 for an image of the scale that the network saw, 200 / r for one that it saw
    ///     enlarged r times.
    ///   - errorLimit: the greatest flow error of an object; nil checks none.
    ///   - largestFraction: the largest part of the image that one object may cover.
    ///   - smallestArea: the fewest pixels of an object.
    ///   - counting: how small objects are found; ``MaskCleanup/Counting/cellpose`` repeats CellPose's mistakes.
    /// - Throws: ``FlowError`` where a parameter lies outside its range.
    public init(
        probabilityThreshold: Float = 0, iterations: Int = 200, errorLimit: Double? = 0.4, largestFraction: Double = 0.4,
        smallestArea: Int = 15, counting: MaskCleanup.Counting = .byLabel
    ) throws(FlowError) {
        guard probabilityThreshold.isFinite else {
            throw .parameter("the threshold of the cell probability", probabilityThreshold, mustBe: "a finite number")
        }
        self.probabilityThreshold = probabilityThreshold
        dynamics = try FlowDynamics(iterations: iterations)
        assembly = try MaskAssembly(largestFraction: largestFraction)
        if let errorLimit { errorCheck = try FlowErrorCheck(limit: errorLimit) } else { errorCheck = nil }
        cleanup = try MaskCleanup(smallestArea: smallestArea, counting: counting)
    }

    /// The objects of an image: 0 is background, and objects have the labels 1 … n, in the order in which a raster scan
    /// first meets them.
    ///
    /// - Parameters:
    ///   - flowY: the network's flow along y: five times the step in pixels.
    ///   - flowX: the same along x.
    ///   - probability: the network's cell probability, a logit.
    ///   - size: where it is given, masks are resized to this height and width (nearest pixel) before they are cleaned up.
    /// - Throws: ``FlowError`` where the sizes differ, a number is not finite, or the masks cannot have the size that is wanted.
    public func callAsFunction(
        flowY: Image<Float>, flowX: Image<Float>, probability: Image<Float>, resizedTo size: (height: Int, width: Int)? = nil
    ) throws(FlowError) -> Image<Int32> {
        try probability.requireSize(of: flowY, "the cell probability has", "the flows")
        try probability.requireFinite("cell probability")
        let flows = try FlowField(y: flowY, x: flowX)
        let points = try dynamics(flows, in: probability.map { $0 > probabilityThreshold })
        var labels = assembly(points)
        if let errorCheck { labels = try errorCheck(labels, flows: flows) }
        if let size {
            do {
                labels = try labels.resizedToNearest(height: size.height, width: size.width)
            } catch {
                throw FlowError(error)
            }
        }
        return cleanup(labels)
    }
}
