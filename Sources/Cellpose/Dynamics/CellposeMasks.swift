public import Basics
public import ImageProcessing

/// Turns the maps of CellPose's network into labelled masks: CellPose's `resize_and_compute_masks` in two dimensions, on a CPU.
///
/// Points start at the foreground pixels and follow the flows (``FlowDynamics``). Pixels whose points end together form an object
/// (``MaskAssembly``). Objects that contradict the flows are dropped (``FlowErrorCheck``); holes are filled, and small objects
/// dropped (``MaskCleanup``).
public struct CellposeMasks: Hashable, Sendable {
    /// Pixels whose cell probability, a logit, exceeds this threshold are foreground.
    public let probabilityThreshold: Float
    public let dynamics: FlowDynamics
    public let assembly: MaskAssembly
    /// Nil if objects are not checked.
    public let errorCheck: FlowErrorCheck?
    public let cleanup: MaskCleanup

    /// - Parameters:
    ///   - probabilityThreshold: the threshold of the cell probability, a logit.
    ///   - iterations: the number of steps along the flows: 200 if the network saw the image at the same scale, 200 / r if the
    ///     image was enlarged r times for the network.
    ///   - errorLimit: the largest flow error of an object; nil disables the check.
    ///   - largestFraction: the largest part of the image that one object may cover.
    ///   - smallestArea: the smallest number of pixels of an object.
    ///   - counting: how small objects are found; ``MaskCleanup/Counting/cellpose`` repeats CellPose's mistakes.
    /// - Throws: ``FlowError`` if a parameter is out of range.
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

    /// The labels of the objects of an image: 0 for background, 1 … n for objects in the order of their first pixels in a raster
    /// scan (unless ``MaskCleanup/Counting/cellpose`` leaves gaps).
    ///
    /// - Parameters:
    ///   - flowY: the network's flow along y: five times the step in pixels.
    ///   - flowX: the same along x.
    ///   - probability: the network's cell probability, a logit.
    ///   - size: the height and width to which masks are resized (nearest pixel) before they are cleaned up; nil keeps their
    ///     size.
    /// - Throws: ``FlowError`` if the sizes differ, a number is not finite, or the masks cannot be resized to this size.
    /// - Complexity: the sum of that of ``FlowDynamics``, ``MaskAssembly``, ``FlowErrorCheck`` and ``MaskCleanup``.
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
