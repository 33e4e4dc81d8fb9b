public import Basics

/// Arranges pictures in a grid on one sheet, row after row. A column is as wide as its widest picture, a row as high as its
/// highest.
public struct PictureSheet: Sendable {
    /// The number of pictures in a row.
    public let columns: Int
    /// The space between pictures, in pixels.
    public let gap: Int

    /// - Throws: ``RenderingError`` where `columns` is not positive, or `gap` is outside 0 … 1024.
    public init(columns: Int, gap: Int = 8) throws(RenderingError) {
        guard columns > 0, (0...1024).contains(gap) else {
            throw RenderingError(
                .invalidParameter,
                "a sheet cannot have \(columns) columns and a gap of \(gap) pixels; give 1 column or more, and 0 to 1024 pixels")
        }
        (self.columns, self.gap) = (columns, gap)
    }

    /// Draws the pictures on a dark sheet, each centred in its column.
    ///
    /// - Throws: ``RenderingError`` where there is no picture, or the sheet would be too large.
    public func callAsFunction(_ pictures: [RGBImage]) throws(RenderingError) -> RGBImage {
        let rows = stride(from: 0, to: pictures.count, by: columns).map {
            Array(pictures[$0..<min($0 + columns, pictures.count)])
        }
        let widths = (0..<min(columns, pictures.count)).map { column in
            rows.compactMap { $0.indices.contains(column) ? $0[column].width : nil }.max() ?? 0
        }
        let heights = rows.map { $0.map(\.height).max() ?? 0 }
        let width = widths.reduce(-gap) { $0 + $1 + gap }
        let height = heights.reduce(-gap) { $0 + $1 + gap }
        guard !pictures.isEmpty else {
            throw RenderingError(.invalidParameter, "there is no picture to put on a sheet; give one or more")
        }
        guard var sheet = RGBImage(height: height, width: width, filledWith: CaptionStrip.background) else {
            throw .tooLarge(height: height, width: width)
        }
        var y = 0
        for (row, rowHeight) in zip(rows, heights) {
            var x = 0
            for (picture, columnWidth) in zip(row, widths) {
                sheet.draw(picture, y: y, x: x + (columnWidth - picture.width) / 2)
                x += columnWidth + gap
            }
            y += rowHeight + gap
        }
        return sheet
    }
}
