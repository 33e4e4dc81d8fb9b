internal import ImageProcessing

extension Image<Float> {
    /// The pixels between which percentiles are looked for, beyond which an image is thinned out: 224³.
    private static let percentilePixels = 11_239_424

    /// The image with its 1st percentile at 0 and its 99th at 1, as CellPose wants it: `(x − p₁) / (p₉₉ − p₁)`.
    ///
    /// Where the percentiles lie no more than 10⁻³ apart, in a constant image too, all pixels become 0. Percentiles of an image of
    /// more than 224³ pixels are those of every (side / 224)-th row and column.
    ///
    /// - Precondition: all pixels are finite.
    /// - Complexity: sorts the pixels.
    func normalizedByPercentiles() throws(ImageError) -> Image {
        guard let bounds = try thinnedOut().percentiles([1, 99]), bounds[1] - bounds[0] > 1e-3 else { return map { _ in 0 } }
        let range = bounds[1] - bounds[0]
        return map { ($0 - bounds[0]) / range }
    }

    private func thinnedOut() -> Image {
        guard values.count > Self.percentilePixels else { return self }
        let (rows, columns) = (max(1, height / 224), max(1, width / 224))
        let kept = stride(from: 0, to: height, by: rows).flatMap { y in
            stride(from: y * width, to: (y + 1) * width, by: columns).map { values[$0] }
        }
        return Image(height: 1, width: kept.count, values: kept) ?? self
    }
}
