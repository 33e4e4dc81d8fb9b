/// What a file says about one of its tensors.
public struct TensorEntry: Hashable, Sendable {
    public let name: String
    public let elementType: ElementType
    /// Outermost axis first; empty for a scalar.
    public let shape: [Int]
    /// From the first byte of an element to behind the last, from the beginning of the file.
    public let byteRange: Range<Int>
    /// Elements from one entry of an axis to the next, where they do not lie row-major without gaps; else nil.
    public let strides: [Int]?

    init(name: String, elementType: ElementType, shape: [Int], byteRange: Range<Int>, strides: [Int]? = nil) {
        (self.name, self.elementType, self.shape) = (name, elementType, shape)
        (self.byteRange, self.strides) = (byteRange, strides)
    }

    /// The number of elements.
    public var count: Int {
        strides == nil ? byteRange.count / elementType.byteCount : shape.reduce(1, *)
    }

    /// The bytes that a tensor takes, or nil where the number overflows or an extent is negative.
    static func byteCount(_ shape: [Int], _ elementType: ElementType) -> Int? {
        var count = elementType.byteCount
        var isEmpty = false
        for extent in shape {
            guard extent >= 0 else { return nil }
            // An overflow before a later extent of 0 is still a lie.
            if extent == 0 {
                isEmpty = true
                continue
            }
            let (product, overflows) = count.multipliedReportingOverflow(by: extent)
            guard !overflows else { return nil }
            count = product
        }
        return isEmpty ? 0 : count
    }
}
