/// What a file says about one of its tensors.
public struct TensorEntry: Hashable, Sendable {
    public let name: String
    public let elementType: ElementType
    /// Outermost axis first, row-major; empty for a scalar.
    public let shape: [Int]
    /// Where the elements lie, from the beginning of the file.
    public let byteRange: Range<Int>

    /// The number of elements.
    public var count: Int { byteRange.count / elementType.byteCount }

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
