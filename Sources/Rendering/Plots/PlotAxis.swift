import Foundation

/// An axis of a plot: its label, its scale and its range.
public struct PlotAxis: Hashable, Sendable {
    /// How values map to positions along an axis.
    public enum Scale: Hashable, Sendable {
        case linear
        /// Positions follow log₁₀ of the value; values that are not positive are left out.
        case logarithmic
        /// Logarithmic where all values are positive and the largest is more than fifty times the smallest; otherwise linear.
        case automatic
    }

    /// The text beside the axis, with the unit in parentheses: `volume (nm³)`.
    public var label: String
    public var scale: Scale
    /// The values at the two ends; nil for the range of the data and a margin.
    public var range: ClosedRange<Double>?
    /// Whether all values are whole numbers (epochs): ticks are then whole numbers too.
    public var isWhole: Bool
    /// The names at positions 1, 2, … of a categorical axis; nil where the axis shows numbers.
    public var categories: [String]?

    /// Creates an axis of numbers.
    public init(_ label: String, scale: Scale = .linear, range: ClosedRange<Double>? = nil, isWhole: Bool = false) {
        self.label = label
        self.scale = scale
        self.range = range
        self.isWhole = isWhole
    }

    /// Creates a categorical axis; the first name is at position 1.
    public init(_ label: String, categories: [String]) {
        self.init(label, range: 0.5...Double(max(categories.count, 1)) + 0.5)
        self.categories = categories
    }
}

/// An axis whose scale and range are fixed: ``PlotAxis/Scale/automatic`` and a nil range are replaced using the data.
struct ResolvedAxis: Hashable {
    let label: String
    let isLogarithmic: Bool
    /// The values at the two ends. The bounds differ, and are positive where the axis is logarithmic.
    let range: ClosedRange<Double>
    private let isWhole: Bool
    private let categories: [String]?
    /// The greatest width of a category's name, in points; longer names are shortened.
    private static let widestName = 200

    /// Larger magnitudes are not shown: differences of them could overflow.
    private static let largest = 1e150
    /// The smallest value on a logarithmic axis: quotients of smaller ones could become zero.
    private static let smallest = 1e-150

    /// - Parameter values: the data; values that are not finite are ignored.
    init(_ axis: PlotAxis, showing values: [Double]) {
        label = axis.label
        isWhole = axis.isWhole
        categories = axis.categories
        let values = values.filter { abs($0) < Self.largest }
        let positive = values.filter { $0 > Self.smallest }
        let (low, high) = (positive.min() ?? 1, positive.max() ?? 1)
        switch axis.scale {
        case .linear: isLogarithmic = false
        case .logarithmic: isLogarithmic = axis.range.map { $0.lowerBound > Self.smallest } ?? true
        case .automatic:
            isLogarithmic =
                positive.count == values.count && high > 50 * low && axis.range.map { $0.lowerBound > Self.smallest } ?? true
        }
        if let range = axis.range, range.upperBound > range.lowerBound, abs(range.lowerBound) < Self.largest,
            abs(range.upperBound) < Self.largest
        {
            self.range = range
        } else if isLogarithmic {
            let margin = high > low * (1 + 1e-9) ? pow(high / low, 0.04) : 2
            range = low / margin...high * margin
        } else {
            range = Self.linearRange(from: values.min() ?? 0, to: values.max() ?? 1, isWhole: axis.isWhole)
        }
    }

    /// The range of the data and a margin of 5 % (whole numbers: 2 %) on each side; it begins at zero where the least value is
    /// not negative and below half of the greatest (not for whole numbers).
    private static func linearRange(from low: Double, to high: Double, isWhole: Bool) -> ClosedRange<Double> {
        let extent = high - low
        guard extent > max(abs(low), abs(high)) * 1e-9, extent > 1e-250 else {
            let margin = isWhole ? 0.5 : abs(low) > 1e-250 ? abs(low) / 10 : 1
            return low - margin...high + margin
        }
        let margin = extent * (isWhole ? 0.02 : 0.05)
        // Readers compare bars and lines with zero, so the axis shows zero where zero is near.
        let isNearZero = !isWhole && low >= 0 && low < high / 2
        return (isNearZero ? 0 : low - margin)...high + margin
    }

    /// The ticks of the axis: about `count` numbers, or all categories.
    func ticks(count: Int) -> AxisTicks {
        if let categories {
            return AxisTicks(
                values: categories.indices.map { Double($0 + 1) },
                labels: categories.map { BitmapFont.standard.shortened($0, toWidth: Self.widestName) })
        }
        return isLogarithmic
            ? AxisTicks(logarithmicIn: range, count: count) : AxisTicks(in: range, count: count, areWhole: isWhole)
    }

    /// The position of a value along the axis: 0 at its beginning, 1 at its end, less or more outside. Nil where the axis
    /// cannot show the value.
    func place(_ value: Double) -> Double? {
        guard abs(value) < Self.largest, !isLogarithmic || value > Self.smallest else { return nil }
        func position(_ value: Double) -> Double { isLogarithmic ? log10(value) : value }
        let (low, high) = (position(range.lowerBound), position(range.upperBound))
        return (position(value) - low) / (high - low)
    }
}

/// Round values along an axis and their labels.
struct AxisTicks: Hashable {
    /// The positions of the ticks, ascending.
    let values: [Double]
    /// One label for each value.
    let labels: [String]

    /// Linear ticks: multiples of 1, 2 or 5 times a power of ten.
    ///
    /// - Parameters:
    ///   - count: the approximate number of ticks.
    ///   - areWhole: whether ticks must be whole numbers.
    init(in range: ClosedRange<Double>, count: Int, areWhole: Bool = false) {
        let extent = range.upperBound - range.lowerBound
        guard extent > 0, extent.isFinite else {
            (values, labels) = ([range.lowerBound], [Self.label(range.lowerBound)])
            return
        }
        var (mantissa, exponent) = Self.roundStep(atLeast: extent / Double(max(count, 1)))
        if areWhole, exponent < 0 { (mantissa, exponent) = (1, 0) }
        let step = Double(mantissa) * pow(10, Double(exponent))
        // The tolerance keeps a tick at a bound of the range that is itself a multiple.
        let first = (range.lowerBound / step - 1e-9).rounded(.up)
        let last = (range.upperBound / step + 1e-9).rounded(.down)
        guard first <= last, last - first <= 1000 else {
            (values, labels) = ([], [])
            return
        }
        // Dividing by a power of ten is correctly rounded, multiplying by its inverse is not: 3 / 10 is 0.3, 3 * 0.1 is not.
        values = stride(from: first, through: last, by: 1).map { multiple in
            let number = multiple * Double(mantissa)
            return exponent < 0 ? number / pow(10, Double(-exponent)) : number * pow(10, Double(exponent))
        }
        let largest = values.map(abs).max() ?? 0
        labels = values.map { value in
            if value == 0 { return "0" }
            guard largest >= 1e6 || exponent < -4 else { return String(format: "%.\(max(-exponent, 0))f", value) }
            return Self.scientific(value, digits: max(Int(log10(abs(value) * (1 + 1e-12)).rounded(.down)) - exponent, 0))
        }
    }

    /// Logarithmic ticks: powers of ten; with fewer than three of those also 2 and 5 times them; with still fewer than three,
    /// linear ticks.
    ///
    /// - Parameter range: positive numbers.
    init(logarithmicIn range: ClosedRange<Double>, count: Int) {
        let round = Self.logarithmic(in: range, count: count)
        guard round.count >= 3 else {
            self.init(in: range, count: count)
            return
        }
        self.init(values: round, labels: round.map(Self.label))
    }

    /// - Parameter labels: one label for each value.
    init(values: [Double], labels: [String]) { (self.values, self.labels) = (values, labels) }

    private static func logarithmic(in range: ClosedRange<Double>, count: Int) -> [Double] {
        let first = Int((log10(range.lowerBound) + 1e-9).rounded(.down))
        let last = Int((log10(range.upperBound) + 1e-9).rounded(.down))
        let tolerant = range.lowerBound * (1 - 1e-9)...range.upperBound * (1 + 1e-9)
        func ticks(_ mantissas: [Double], from first: Int, every: Int) -> [Double] {
            var values: [Double] = []
            for exponent in stride(from: first, through: last, by: every) {
                let power = pow(10, Double(abs(exponent)))
                for mantissa in mantissas { values.append(exponent < 0 ? mantissa / power : mantissa * power) }
            }
            return values.filter(tolerant.contains)
        }
        let decades = ticks(
            [1], from: Int((log10(range.lowerBound) - 1e-9).rounded(.up)), every: max(1, (last - first) / max(count, 1)))
        return decades.count < 3 ? ticks([1, 2, 5], from: first, every: 1) : decades
    }

    /// The smallest number m · 10ᵉ with m = 1, 2 or 5 that is not below `least`.
    private static func roundStep(atLeast least: Double) -> (mantissa: Int, exponent: Int) {
        let exponent = Int(log10(least).rounded(.down))
        let power = pow(10, Double(exponent))
        // The tolerance compensates for the rounding of the logarithm; above 5 the result is the next power of ten.
        for mantissa in [1, 2, 5] where Double(mantissa) * power >= least * (1 - 1e-9) { return (mantissa, exponent) }
        return (1, exponent + 1)
    }

    /// A number with as many digits as it needs, up to six significant ones; scientific below 1e-4 and from 1e6 on.
    static func label(_ value: Double) -> String {
        if value == 0 { return "0" }
        let magnitude = abs(value)
        guard magnitude >= 1e-4, magnitude < 1e6 else {
            let text = scientific(value, digits: 3)
            return text.replacing(/\.?0+e/, with: "e")
        }
        return String(format: "%g", value)
    }

    /// Scientific notation without a plus sign or leading zeros in the exponent: `2.5e-7`.
    private static func scientific(_ value: Double, digits: Int) -> String {
        String(format: "%.\(min(digits, 15))e", value).replacing(/e([+-])0*(\d+)/) { match in
            "e" + (match.1 == "-" ? "-" : "") + match.2
        }
    }
}
