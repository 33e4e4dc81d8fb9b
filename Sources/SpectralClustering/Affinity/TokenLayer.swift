public import Basics

/// The tokens of one layer: channels of each token of a grid.
public struct TokenLayer: Sendable {
    public let grid: TokenGrid
    public let channels: Int
    /// `[token][channel]`
    public let values: [Float]
    /// How much the layer counts in distances between tokens, beside other layers.
    public let weight: Double

    /// - Throws: ``SpectralError`` where there are not `channels` values for each token, or the weight is negative or not finite.
    public init(grid: TokenGrid, channels: Int, values: [Float], weight: Double = 1) throws(SpectralError) {
        guard (1...65_536).contains(channels) else { throw .parameter("channels", channels, mustBe: "between 1 and 65536") }
        guard values.count == grid.count * channels else {
            throw .size("\(grid) tokens of \(channels) channels are \(grid.count * channels) values, not \(values.count)")
        }
        guard weight.isFinite, weight >= 0 else { throw .parameter("weight", weight, mustBe: "0 or greater") }
        (self.grid, self.channels, self.values, self.weight) = (grid, channels, values, weight)
    }
}
