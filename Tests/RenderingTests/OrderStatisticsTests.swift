import Basics
import TestSupport
import Testing

@testable import Rendering

@Suite("Order statistics")
struct OrderStatisticsTests {
    @Test("percentiles are those of the sorted values, whatever their signs and sizes")
    func equalsSorting() {
        var random = RandomStream(state: 11)
        for count in [1, 2, 3, 10, 101, 5000] {
            let values = (0..<count).map { _ in
                let mantissa = Float(Int64(truncatingIfNeeded: random.next()))
                return mantissa * Float(sign: .plus, exponent: Int(random.next() % 60) - 90, significand: 1)
            }
            let sorted = values.sorted()
            let order = OrderStatistics(values + [.nan, .infinity, -.infinity])
            for percentile in [0, 0.5, 1, 25, 50, 75, 99.5, 100] {
                #expect(order.percentile(percentile) == sorted[Int((percentile / 100 * Double(count - 1)).rounded())])
            }
        }
    }

    @Test("zeros of both signs, and nothing at all")
    func edges() {
        #expect(OrderStatistics([0, -0.0, 0]).percentile(50) == 0)
        #expect(OrderStatistics([]).percentile(50) == nil)
        #expect(OrderStatistics([.nan, .infinity]).percentile(50) == nil)
    }
}
