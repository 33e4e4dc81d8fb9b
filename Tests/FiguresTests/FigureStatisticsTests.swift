import Rendering
import Testing

@testable import Figures

/// What figures keep of the values that are streamed to them: counts, quantiles, samples, means.
@Suite struct FigureStatisticsTests {
    @Test("values fall into bins by their width or their factor, and what lies outside into the last one")
    func bins() {
        let scale = BinScale(low: 0, high: 10, count: 5, isLogarithmic: false)
        #expect(scale.edges == [0, 2, 4, 6, 8, 10])
        #expect([0, 1.9, 2, 9.9, 10, 11, -1].map(scale.bin) == [0, 0, 1, 4, 4, 4, 0])
        let factors = BinScale(low: 1, high: 1000, count: 3, isLogarithmic: true)
        #expect([1, 9, 11, 99, 101, 1000].map(factors.bin) == [0, 0, 1, 1, 2, 2])
        let one = BinScale(low: 5, high: 5, count: 4, isLogarithmic: false)
        #expect(one.edges[0] < 5 && one.edges[4] > 5)
    }

    @Test("an edge belongs to the bin above it, and every value to the bin whose edges enclose it", arguments: [false, true])
    func edges(isLogarithmic: Bool) {
        let scale = BinScale(low: 0.5, high: 200, count: 37, isLogarithmic: isLogarithmic)
        #expect(scale.edges.count == 38 && scale.edges == scale.edges.sorted())
        #expect(abs(scale.edges[0] - 0.5) < 1e-9 && abs(scale.edges[37] - 200) < 1e-9)
        for index in 0..<2000 {
            let value = 0.5 + 199.5 * (Double(index) + 0.5) / 2000
            let bin = scale.bin(of: value)
            #expect(scale.edges[bin] <= value * (1 + 1e-12) && value <= scale.edges[bin + 1] * (1 + 1e-12))
        }
    }

    @Test("quantiles of values in order are those of sorting them", arguments: [1, 2, 3, 10, 101, 1000])
    func quantiles(count: Int) {
        let values = (0..<count).map { _ in Double.random(in: -5...5) }.sorted()
        let fractions = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]
        var quantiles = OrderedQuantiles(count: count, fractions: fractions)
        for value in values { quantiles.append(value) }
        for (fraction, quantile) in zip(fractions, quantiles.values) {
            let rank = fraction * Double(count - 1)
            let (low, high) = (values[Int(rank.rounded(.down))], values[Int(rank.rounded(.up))])
            #expect(abs(quantile - (low + (high - low) * (rank - rank.rounded(.down)))) < 1e-12)
        }
    }

    @Test("a sample of points has at most so many, is the same each time, and takes from everywhere alike")
    func sample() {
        func sample() -> [PlotSeries] {
            var sample = PointSample(limit: 100)
            for index in 0..<10_000 { sample.add(index.isMultiple(of: 2) ? "a" : "b", SIMD2(Double(index), 0)) }
            #expect(sample.count == 10_000)
            return sample.series
        }
        let series = sample()
        #expect(series.map(\.name) == ["a (5000)", "b (5000)"])
        let points = series.flatMap(\.points).map(\.x)
        #expect(points.count == 100)
        // The mean of a hundred of 0 ..< 10000 has a standard error of 289.
        #expect(abs(points.reduce(0, +) / 100 - 5000) < 1500)
        #expect(sample() == series)
    }

    @Test("every point of a stream has the same probability to be in the sample")
    func uniformity() {
        let (points, limit, rounds) = (60, 12, 1000)
        var counts = [Int](repeating: 0, count: points)
        for seed in 1...UInt64(rounds) {
            var sample = PointSample(limit: limit, seed: seed)
            for index in 0..<points { sample.add("a", SIMD2(Double(index), 0)) }
            let drawn = sample.series.flatMap(\.points).map { Int($0.x) }
            #expect(Set(drawn).count == limit)
            for index in drawn { counts[index] += 1 }
        }
        // Each count is binomial with p = 12 / 60. The sum of squared deviations over p (1 − p) rounds is near 60, with a deviation of
        // about 11.
        let p = Double(limit) / Double(points)
        let (expected, variance) = (p * Double(rounds), p * (1 - p) * Double(rounds))
        let deviation = counts.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / variance }
        #expect(deviation < 110, "\(deviation), \(counts)")
    }

    @Test("the mean at a run is over the latest value of each scope")
    func runMeans() {
        var means = RunMeans()
        means.add(1, scope: 1, run: 1)
        means.add(3, scope: 2, run: 1)
        means.add(5, scope: 1, run: 4)
        #expect(means.points == [SIMD2(1, 2), SIMD2(4, 4)])
        #expect(means.scopes == 2)
    }

    @Test("names of measures become labels with units")
    func labels() {
        #expect(MeasureLabel.text("membrane/dice") == "membrane: Dice")
        #expect(MeasureLabel.text("volume_nm3") == "volume (nm³)")
        #expect(MeasureLabel.text("a/b/surface_distance_angstrom") == "a/b: surface distance (Å)")
        #expect(MeasureLabel.text("density_std") == "density std")
    }
}
