public import ImageProcessing

/// What CellPose's network makes of an image: for each pixel the way to the centre of its cell, and whether it is in one.
public struct CellposeMaps: Hashable, Sendable {
    /// The flow along y, downwards; five times as long as a unit vector where the network is sure.
    public let flowY: Image<Float>
    /// The flow along x, to the right, likewise.
    public let flowX: Image<Float>
    /// The logit of being in a cell: 0 is a probability of one half.
    public let cellProbability: Image<Float>
    /// What the whole image looks like to the network, a vector of length 1: the mean over its tiles.
    public let style: [Float]
}
