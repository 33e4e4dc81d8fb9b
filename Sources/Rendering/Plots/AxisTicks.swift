import Foundation

/// Round values along an axis, and what is written beside them.
struct AxisTicks: Hashable {
    /// Ascending.
    let values: [Double]
    /// As many as values.
    let labels: [String]

    /// Multiples of 1, 2 or 5 times a power of ten.
    ///
    /// - Parameters:
    ///   - count: about how many.
    ///   - areWhole: whether there is nothing between whole numbers.
    init(in range: ClosedRange<Double>, count: Int, areWhole: Bool = false) {
        let extent = range.upperBound - range.lowerBound
        guard extent > 0, extent.isFinite else {
            (values, labels) = ([range.lowerBound], [Self.label(range.lowerBound)])
            return
        }
        var (mantissa, exponent) = Self.roundStep(atLeast: extent / Double(max(count, 1)))
        if areWhole, exponent < 0 { (mantissa, exponent) = (1, 0) }
        let step = Double(mantissa) * pow(10, Double(exponent))
        // The tolerance keeps ends that are multiples themselves.
        let first = (range.lowerBound / step - 1e-9).rounded(.up)
        let last = (range.upperBound / step + 1e-9).rounded(.down)
        guard first <= last, last - first <= 1000 else {
            (values, labels) = ([], [])
            return
        }
        // A division by a power of ten is exact to the last digit where a product is not: 3 / 10 is 0.3.
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

    /// Powers of ten, with twice and five times them where there would be few; linear ones where there would be fewer still.
    ///
    /// - Parameter range: of positive numbers.
    init(logarithmicIn range: ClosedRange<Double>, count: Int) {
        let round = Self.logarithmic(in: range, count: count)
        guard round.count >= 3 else {
            self.init(in: range, count: count)
            return
        }
        self.init(values: round, labels: round.map(Self.label))
    }

    /// - Parameter labels: as many as values.
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

    /// The least of 1, 2 or 5 times a power of ten that is not below a number.
    private static func roundStep(atLeast least: Double) -> (mantissa: Int, exponent: Int) {
        let exponent = Int(log10(least).rounded(.down))
        let power = pow(10, Double(exponent))
        // The last candidate is for what lies above 5, the tolerance for a logarithm that was rounded.
        for mantissa in [1, 2, 5] where Double(mantissa) * power >= least * (1 - 1e-9) { return (mantissa, exponent) }
        return (1, exponent + 1)
    }

    /// A number with as many digits as it needs, up to six.
    static func label(_ value: Double) -> String {
        if value == 0 { return "0" }
        let magnitude = abs(value)
        guard magnitude >= 1e-4, magnitude < 1e6 else {
            let text = scientific(value, digits: 3)
            return text.replacing(/\.?0+e/, with: "e")
        }
        return String(format: "%g", value)
    }

    /// `2.5e-7`
    private static func scientific(_ value: Double, digits: Int) -> String {
        String(format: "%.\(min(digits, 15))e", value).replacing(/e([+-])0*(\d+)/) { match in
            "e" + (match.1 == "-" ? "-" : "") + match.2
        }
    }
}
