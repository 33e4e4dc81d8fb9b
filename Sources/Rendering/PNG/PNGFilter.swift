/// The filters of PNG: each row is stored as its differences from what is predicted out of its neighbours.
///
/// Source: PNG specification (W3C, third edition), section 9.
enum PNGFilter: UInt8, CaseIterable {
    case none, sub, up, average, paeth

    /// Filters a row, and returns the sum of the differences as signed numbers: small where the prediction is good.
    ///
    /// - Parameters:
    ///   - row: the bytes of the row.
    ///   - above: the bytes of the row above; zeros above the first row.
    ///   - distance: the number of bytes of a pixel.
    ///   - result: as many bytes as the row has.
    func apply(
        _ row: UnsafeBufferPointer<UInt8>, above: UnsafeBufferPointer<UInt8>, distance: Int,
        into result: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        let border = min(distance, row.count)
        switch self {
        case .none:
            for x in 0..<row.count { result[x] = row[x] }
        case .sub:
            for x in 0..<border { result[x] = row[x] }
            for x in border..<row.count { result[x] = row[x] &- row[x - distance] }
        case .up:
            for x in 0..<row.count { result[x] = row[x] &- above[x] }
        case .average:
            for x in 0..<border { result[x] = row[x] &- above[x] / 2 }
            for x in border..<row.count {
                result[x] = row[x] &- UInt8(truncatingIfNeeded: (UInt16(row[x - distance]) &+ UInt16(above[x])) / 2)
            }
        case .paeth:
            for x in 0..<border { result[x] = row[x] &- above[x] }
            for x in border..<row.count {
                result[x] = row[x] &- Self.predictor(left: row[x - distance], above: above[x], corner: above[x - distance])
            }
        }
        var sum = 0
        for x in 0..<row.count { sum &+= Int(Int8(bitPattern: result[x]).magnitude) }
        return sum
    }

    /// Whichever neighbour is nearest to left + above − corner; ties go to the left, then above.
    private static func predictor(left: UInt8, above: UInt8, corner: UInt8) -> UInt8 {
        let (a, b, c) = (Int16(left), Int16(above), Int16(corner))
        let toLeft = abs(b &- c)
        let toAbove = abs(a &- c)
        let toCorner = abs(a &+ b &- c &- c)
        return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner
    }
}
