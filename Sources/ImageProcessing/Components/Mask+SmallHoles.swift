extension Image<Bool> {
    /// The mask with its small holes filled: 4-connected background that does not touch the border, of up to `area` pixels.
    ///
    /// - Complexity: as for ``components(_:)``.
    public func holesFilled(upTo area: Int) -> Mask {
        let background = map { !$0 }.components(.four)
        var isFilled = [false] + background.areas.map { $0 <= area }
        func keepOpen(_ index: Int) { isFilled[Int(background.labels.values[index])] = false }
        for x in 0..<width {
            keepOpen(x)
            keepOpen((height - 1) * width + x)
        }
        for y in 0..<height {
            keepOpen(y * width)
            keepOpen(y * width + width - 1)
        }
        // Foreground has the label 0.
        isFilled[0] = true
        return background.labels.map { isFilled[Int($0)] }
    }
}
