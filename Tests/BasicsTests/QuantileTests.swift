import Basics
import Testing

@Suite("Quantiles") struct QuantileTests {
    /// `numpy.percentile(values, percent)` of NumPy 2.
    private func percentile(_ percent: Double, of sorted: [Double]) -> Double {
        Quantile.value(atRank: Quantile.rank(ofPercentile: percent, count: sorted.count), count: sorted.count) { sorted[$0] }
    }

    @Test("percentiles are NumPy's: at a value, between two, at both ends")
    func percentiles() {
        let sorted: [Double] = [1, 2, 4, 8, 16]
        for (percent, expected) in [(0, 1), (25, 2), (30, 2.4), (50, 4), (87.5, 12), (100, 16)] as [(Double, Double)] {
            #expect(abs(percentile(percent, of: sorted) - expected) < 1e-12, "\(percent)")
        }
        #expect(percentile(99, of: [7]) == 7)
    }

    @Test("the values are asked at the rank and after it, and never beyond the last")
    func neighbours() {
        var asked: [Int] = []
        let value = Quantile.value(atRank: 1.25, count: 3) { index in
            asked.append(index)
            return Double(10 * index)
        }
        #expect(value == 12.5 && asked == [1, 2])
        #expect(Quantile.value(atRank: 2, count: 3) { Double($0) } == 2)
    }

    @Test("the median is the middle value, or the mean of two")
    func median() {
        #expect(Quantile.median(of: []) == nil)
        #expect(Quantile.median(of: [3]) == 3)
        #expect(Quantile.median(of: [9, 1, 5]) == 5)
        #expect(Quantile.median(of: [9, 1, 5, 6]) == 5.5)
    }
}
