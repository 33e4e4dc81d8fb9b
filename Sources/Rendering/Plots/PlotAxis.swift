import Foundation

/// An axis of a plot: what it is called, and which values it shows.
public struct PlotAxis: Hashable, Sendable {
    /// How values are laid out along an axis.
    public enum Scale: Hashable, Sendable {
        case linear
        /// Equal factors take equal lengths; values that are not positive are left out.
        case logarithmic
        /// Logarithmic where all values are positive and the largest is more than fifty times the smallest.
        case automatic
    }

    public var label: String
    public var scale: Scale
    /// The values at its ends; nil for those that there are, and a margin.
    public var range: ClosedRange<Double>?
    /// Whether values are whole numbers, as epochs are.
    public var isWhole: Bool
    /// What stands at 1, 2 and so on, instead of numbers; nil where the axis shows numbers.
    public var categories: [String]?

    /// An axis of numbers.
    public init(_ label: String, scale: Scale = .linear, range: ClosedRange<Double>? = nil, isWhole: Bool = false) {
        self.label = label
        self.scale = scale
        self.range = range
        self.isWhole = isWhole
    }

    /// An axis of names, the first at 1.
    public init(_ label: String, categories: [String]) {
        self.init(label, range: 0.5...Double(max(categories.count, 1)) + 0.5)
        self.categories = categories
    }
}

/// An axis that knows its ends.
struct ResolvedAxis: Hashable {
    let label: String
    let isLogarithmic: Bool
    /// Positive where the axis is logarithmic, and never empty.
    let range: ClosedRange<Double>
    private let isWhole: Bool
    private let categories: [String]?
    /// The longest name that stands beside an axis, in points.
    private static let widestName = 200

    /// Beyond this, differences of values could overflow.
    private static let largest = 1e150
    /// Below this, what a logarithmic axis shows could become zero.
    private static let smallest = 1e-150

    /// - Parameter values: what is to be shown; those that are not finite do not count.
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

    private static func linearRange(from low: Double, to high: Double, isWhole: Bool) -> ClosedRange<Double> {
        let extent = high - low
        guard extent > max(abs(low), abs(high)) * 1e-9, extent > 1e-250 else {
            let margin = isWhole ? 0.5 : abs(low) > 1e-250 ? abs(low) / 10 : 1
            return low - margin...high + margin
        }
        let margin = extent * (isWhole ? 0.02 : 0.05)
        // Heights are compared with nothing, where nothing is near.
        let isNearZero = !isWhole && low >= 0 && low < high / 2
        return (isNearZero ? 0 : low - margin)...high + margin
    }

    func ticks(count: Int) -> AxisTicks {
        if let categories {
            return AxisTicks(
                values: categories.indices.map { Double($0 + 1) },
                labels: categories.map { BitmapFont.standard.shortened($0, toWidth: Self.widestName) })
        }
        return isLogarithmic
            ? AxisTicks(logarithmicIn: range, count: count) : AxisTicks(in: range, count: count, areWhole: isWhole)
    }

    /// Where a value lies, 0 at the beginning of the axis and 1 at its end; nil where it lies nowhere.
    func place(_ value: Double) -> Double? {
        guard abs(value) < Self.largest, !isLogarithmic || value > Self.smallest else { return nil }
        func position(_ value: Double) -> Double { isLogarithmic ? log10(value) : value }
        let (low, high) = (position(range.lowerBound), position(range.upperBound))
        return (position(value) - low) / (high - low)
    }
}
