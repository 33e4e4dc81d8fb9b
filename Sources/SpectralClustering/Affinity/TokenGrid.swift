/// The tokens of a tile: a grid of rows and columns, numbered row after row.
public struct TokenGrid: Hashable, Sendable, CustomStringConvertible {
    public let height: Int
    public let width: Int

    /// - Throws: ``SpectralError`` unless both sides are between 1 and 4,096.
    public init(height: Int, width: Int) throws(SpectralError) {
        guard (1...4096).contains(height), (1...4096).contains(width) else {
            throw .size("a grid of \(height) × \(width) tokens; each side must be between 1 and 4096")
        }
        (self.height, self.width) = (height, width)
    }

    /// How many tokens.
    public var count: Int { height * width }

    public var description: String { "\(height) × \(width)" }

    /// How many rows and columns of this grid share one token of a coarser one; nil where it does not divide this one.
    func factors(over coarser: TokenGrid) -> (rows: Int, columns: Int)? {
        guard height % coarser.height == 0, width % coarser.width == 0 else { return nil }
        return (height / coarser.height, width / coarser.width)
    }
}
