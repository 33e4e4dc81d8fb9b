/// Rows and columns of zeros around an image.
public struct Padding2D: Sendable, Hashable {
    public var top: Int
    public var left: Int
    public var bottom: Int
    public var right: Int

    public init(top: Int, left: Int, bottom: Int, right: Int) {
        (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
    }

    /// The same on all four sides.
    public init(_ width: Int) {
        self.init(top: width, left: width, bottom: width, right: width)
    }
}
