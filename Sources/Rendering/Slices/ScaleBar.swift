import Foundation

/// A scale bar of a round length (1, 2 or 5 times a power of ten, in nm) with its label.
public struct ScaleBar: Hashable, Sendable {
    /// The length that the bar stands for.
    public let lengthInNanometers: Double
    /// The length of the bar in pixels, rounded, at least one.
    public let lengthInPixels: Int
    /// The length with its unit: `100 nm`, `1 µm`, `5 Å`.
    public let label: String

    /// The longest bar of a round length that takes at most `fraction` of the width of a picture (in pixels).
    ///
    /// Returns nil if the pixel size is not positive and finite, or if that bar is shorter than a pixel.
    public init?(imageWidth: Int, pixelSizeInAngstroms: Double, fraction: Double = 0.25) {
        let limit = Double(imageWidth) * fraction * pixelSizeInAngstroms / 10
        guard limit.isFinite, limit > 0, pixelSizeInAngstroms > 0 else { return nil }
        let exponent = Int(log10(limit).rounded(.down))
        // The tolerance keeps a limit that is itself a round length.
        // The last candidate is needed where the logarithm was rounded up to the next power.
        let candidates = [(5, exponent), (2, exponent), (1, exponent), (5, exponent - 1)]
        let fitting = candidates.first { Double($0) * pow(10, Double($1)) <= limit * (1 + 1e-9) }
        guard let (mantissa, power) = fitting else { return nil }
        lengthInNanometers = Double(mantissa) * pow(10, Double(power))
        let pixels = (lengthInNanometers * 10 / pixelSizeInAngstroms).rounded()
        guard pixels >= 1, let lengthInPixels = Int(exactly: pixels) else { return nil }
        self.lengthInPixels = lengthInPixels
        label = Self.label(mantissa: mantissa, power: power)
    }

    private static func label(mantissa: Int, power: Int) -> String {
        func number(_ power: Int) -> String {
            power >= 0
                ? "\(mantissa)" + String(repeating: "0", count: power)
                : "0." + String(repeating: "0", count: -power - 1) + "\(mantissa)"
        }
        return power >= 3 ? "\(number(power - 3)) µm" : power >= 0 ? "\(number(power)) nm" : "\(number(power + 1)) Å"
    }
}

extension RGBImage {
    /// Draws a white scale bar with a black edge, and its label above it, in the lower left corner of a rectangle.
    ///
    /// A bar that does not fit into the rectangle with its margins is not drawn.
    ///
    /// - Parameter scale: the side of a font pixel in picture pixels; bar and margins grow with it. Clamped to 1 … 64.
    public mutating func draw(_ bar: ScaleBar, inY y: Range<Int>, x: Range<Int>, scale: Int = 1) {
        let scale = min(max(scale, 1), 64)
        let (y, x) = (y.clamped(to: 0..<height), x.clamped(to: 0..<width))
        let margin = 8 * scale
        let thickness = 3 * scale
        let labelWidth = Self.widthOfText(bar.label, scale: scale)
        let boxWidth = max(labelWidth, bar.lengthInPixels)
        let boxHeight = BitmapFont.ascent * scale + 4 * scale + thickness
        guard y.count >= boxHeight + 2 * margin, x.count >= boxWidth + 2 * margin else { return }
        let left = x.lowerBound + margin
        let barTop = y.upperBound - margin - thickness
        let barLeft = left + (boxWidth - bar.lengthInPixels) / 2
        fill(
            y: barTop - scale..<barTop + thickness + scale,
            x: barLeft - scale..<barLeft + bar.lengthInPixels + scale, .black)
        fill(y: barTop..<barTop + thickness, x: barLeft..<barLeft + bar.lengthInPixels, .white)
        drawText(
            bar.label, y: y.upperBound - margin - boxHeight, x: left + (boxWidth - labelWidth) / 2,
            .white, scale: scale, outline: .black)
    }
}
