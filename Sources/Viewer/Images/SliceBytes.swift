/// An axis across which a volume is cut.
package enum SliceAxis: String, CaseIterable, Sendable {
    /// A plane of constant x: z down, y to the right.
    case x
    /// A plane of constant y: z down, x to the right.
    case y
    /// A plane of constant z: y down, x to the right.
    case z
}

/// A slice as bytes: `[height][width]`.
package struct SliceBytes: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// Grey values, or values of labels (0 for none), `[height][width]`.
    package let bytes: [UInt8]
    /// The values of bytes 0 and 255. For labels it is 0 to 255, since bytes are the values themselves.
    package let range: ClosedRange<Float>

    package init(width: Int, height: Int, bytes: [UInt8], range: ClosedRange<Float>) {
        (self.width, self.height, self.bytes, self.range) = (width, height, bytes, range)
    }
}
