import Foundation
public import Volumes

/// The text below a picture of a slice.
public struct SliceCaption: Hashable, Sendable {
    /// The name of the tomogram.
    public let name: String
    /// The index of the slice, 0-based; nil is not written.
    public let z: Int?
    /// The voxel size, where it is known.
    public let voxelSize: VoxelSize?
    /// The names of the colours of labels.
    public let legend: [LegendEntry]

    public init(name: String, z: Int? = nil, voxelSize: VoxelSize? = nil, legend: [LegendEntry] = []) {
        self.name = name
        self.z = z
        self.voxelSize = voxelSize
        self.legend = legend
    }

    /// The text beside the name: `z 120 · 13.48 Å`.
    var details: String {
        [z.map { "z \($0)" }, voxelSize.map(Self.text)].compactMap(\.self).joined(separator: " · ")
    }

    private static func text(_ size: VoxelSize) -> String {
        // Headers store float32; 0.001 Å is finer than any calibration of the pixel size.
        let edges = [size.xInAngstroms, size.yInAngstroms, size.zInAngstroms].map { edge in
            var text = String(format: "%.3f", edge)
            while text.hasSuffix("0") { text.removeLast() }
            return text.hasSuffix(".") ? String(text.dropLast()) : text
        }
        return Set(edges).count == 1 ? "\(edges[0]) Å" : edges.joined(separator: " × ") + " Å"
    }
}

/// The layout of a caption: the name on the left, the details on the right, or in a second line where both do not fit into
/// one; below them the legend, where there is one.
struct CaptionStrip {
    static let background = Color(red: 0x14, green: 0x17, blue: 0x1C)
    private static let nameColor = Color(red: 0xF2, green: 0xF4, blue: 0xF7)
    private static let detailsColor = Color(red: 0xA9, green: 0xB4, blue: 0xC2)
    /// The least width of the strip in pixels: under a narrower picture the strip is wider than the picture.
    private static let narrowest = 256

    /// The side of a font pixel, in picture pixels.
    let scale: Int
    /// The width of the strip, in picture pixels.
    let width: Int
    /// The height of the strip, in picture pixels.
    let height: Int
    private let name: String
    private let details: String
    private let isOneLine: Bool
    private let legend: [[(entry: LegendEntry, offset: Double)]]

    init(_ caption: SliceCaption, pictureWidth: Int) {
        width = max(pictureWidth, Self.narrowest)
        scale = width < 384 ? 1 : min(max(2, (width + 200) / 400), 16)
        let available = width / scale - 2 * Self.margin
        let gap = 12
        let font = BitmapFont.standard
        details = font.shortened(caption.details, toWidth: available)
        isOneLine = details.isEmpty || font.width(of: caption.name) + gap + font.width(of: details) <= available
        name = font.shortened(caption.name, toWidth: available)
        let entries = caption.legend.map {
            LegendEntry(name: font.shortened($0.name, toWidth: available - Self.lead), color: $0.color)
        }
        legend = LegendEntry.lines(of: entries, width: Double(available), lead: Double(Self.lead), gap: Double(gap)) {
            Double(font.width(of: $0))
        }
        let lines = (isOneLine ? 1 : 2) + legend.count
        height = scale * (2 * Self.margin + lines * BitmapFont.ascent + (lines - 1) * Self.leading)
    }

    /// The space around the text, in font pixels.
    private static let margin = 8
    /// The space between two lines, in font pixels.
    private static let leading = 6
    /// The width of a square of the legend and the space after it, in font pixels.
    private static let lead = BitmapFont.ascent + 4

    /// Draws the caption with its upper edge at row `y`; the background is not drawn.
    func draw(on picture: inout RGBImage, y: Int) {
        let top = y + Self.margin * scale
        picture.drawText(name, y: top, x: Self.margin * scale, Self.nameColor, scale: scale)
        if isOneLine {
            let right = width - Self.margin * scale - BitmapFont.standard.width(of: details) * scale
            picture.drawText(details, y: top, x: right, Self.detailsColor, scale: scale)
        } else {
            let second = top + (BitmapFont.ascent + Self.leading) * scale
            picture.drawText(details, y: second, x: Self.margin * scale, Self.detailsColor, scale: scale)
        }
        for (index, line) in legend.enumerated() {
            let row = top + (index + (isOneLine ? 1 : 2)) * (BitmapFont.ascent + Self.leading) * scale
            for (entry, offset) in line {
                let left = (Self.margin + Int(offset)) * scale
                let side = BitmapFont.ascent * scale
                picture.fill(y: row..<row + side, x: left..<left + side, entry.color)
                picture.drawText(entry.name, y: row, x: left + Self.lead * scale, Self.detailsColor, scale: scale)
            }
        }
    }
}
