extension RGBImage {
    /// The picture reduced by the least whole factor with which no side is longer than a limit; each pixel is the mean of those
    /// that it stands for.
    ///
    /// - Parameter side: in pixels, at least 1.
    /// - Complexity: one pass over the pixels.
    public func reduced(toSide side: Int) -> RGBImage {
        let factor = (max(height, width) + max(side, 1) - 1) / max(side, 1)
        let size = (height: (height + factor - 1) / factor, width: (width + factor - 1) / factor)
        guard factor > 1, var result = RGBImage(height: size.height, width: size.width) else { return self }
        for y in 0..<size.height {
            let rows = y * factor..<min((y + 1) * factor, height)
            for x in 0..<size.width {
                let columns = x * factor..<min((x + 1) * factor, width)
                let count = rows.count * columns.count
                for channel in 0..<3 {
                    var sum = count / 2
                    for row in rows {
                        for column in columns { sum += Int(bytes[3 * (row * width + column) + channel]) }
                    }
                    result.bytes[3 * (y * size.width + x) + channel] = UInt8(sum / count)
                }
            }
        }
        return result
    }
}
