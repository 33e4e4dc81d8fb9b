import Testing

@testable import Rendering

@Suite("Axes") struct AxisTests {
    @Test("ticks are round, lie within the range, and their labels have the digits they need")
    func ticks() {
        let unit = AxisTicks(in: 0...1, count: 5)
        #expect(unit.values == [0, 0.2, 0.4, 0.6, 0.8, 1])
        #expect(unit.labels == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"])
        #expect(AxisTicks(in: -30...70, count: 4).labels == ["0", "50"])
        #expect(AxisTicks(in: -30...70, count: 5).labels == ["-20", "0", "20", "40", "60"])
        #expect(AxisTicks(in: 0...3e7, count: 3).labels == ["0", "1e7", "2e7", "3e7"])
        #expect(AxisTicks(in: 0...3e-6, count: 2).labels == ["0", "2e-6"])
        #expect(AxisTicks(in: 0...2.5e-6, count: 5).labels == ["0", "5e-7", "1.0e-6", "1.5e-6", "2.0e-6", "2.5e-6"])
        #expect(AxisTicks(in: 1...3, count: 9, areWhole: true).values == [1, 2, 3])
    }

    @Test("ticks of any range are ascending, within it, and few", arguments: [1e-12, 0.003, 0.7, 1, 19, 2e5, 3e40])
    func anyRange(extent: Double) {
        for offset in [-2.5, -1, 0, 0.1, 40] {
            for count in 1...9 {
                let range = offset * extent...(offset + 1) * extent
                let ticks = AxisTicks(in: range, count: count)
                #expect(ticks.values == ticks.values.sorted() && Set(ticks.values).count == ticks.values.count)
                #expect(ticks.labels.count == ticks.values.count && Set(ticks.labels).count == ticks.labels.count)
                #expect(ticks.values.count <= count + 1, "\(range) \(ticks.values)")
                #expect(
                    ticks.values.allSatisfy { $0 > range.lowerBound - 1e-6 * extent && $0 < range.upperBound + 1e-6 * extent })
            }
        }
    }

    @Test("logarithmic ticks are powers of ten, with 2 and 5 between them where there are few")
    func logarithmicTicks() {
        #expect(AxisTicks(logarithmicIn: 0.0005...20, count: 6).labels == ["0.001", "0.01", "0.1", "1", "10"])
        #expect(AxisTicks(logarithmicIn: 0.015...1, count: 6).labels == ["0.02", "0.05", "0.1", "0.2", "0.5", "1"])
        #expect(AxisTicks(logarithmicIn: 1e-9...1, count: 3).labels == ["1e-9", "1e-6", "0.001", "1"])
        // Less than a factor of two apart.
        #expect(AxisTicks(logarithmicIn: 1.1...1.4, count: 3).labels == ["1.1", "1.2", "1.3", "1.4"])
    }

    @Test("an axis shows what there is: from nothing where that is near, with a margin elsewhere")
    func ranges() {
        let near = ResolvedAxis(PlotAxis("loss"), showing: [0.2, 0.9, .nan, .infinity])
        #expect(near.range.lowerBound == 0 && near.range.upperBound > 0.9 && !near.isLogarithmic)
        let far = ResolvedAxis(PlotAxis("loss"), showing: [0.8, 0.9])
        #expect(far.range.lowerBound < 0.8 && far.range.lowerBound > 0.7)
        #expect(ResolvedAxis(PlotAxis("Dice", range: 0...1), showing: [0.5]).range == 0...1)
        #expect(ResolvedAxis(PlotAxis("loss", scale: .automatic), showing: [0.01, 1]).isLogarithmic)
        #expect(!ResolvedAxis(PlotAxis("loss", scale: .automatic), showing: [0.1, 1]).isLogarithmic)
        #expect(!ResolvedAxis(PlotAxis("loss", scale: .automatic), showing: [0, 1]).isLogarithmic)
        let logarithmic = ResolvedAxis(PlotAxis("loss", scale: .logarithmic, range: 1...100), showing: [])
        #expect(logarithmic.place(10) == 0.5)
        #expect(logarithmic.place(0) == nil && logarithmic.place(-1) == nil)
    }

    @Test(
        "values that are few, equal, huge, tiny or none have an axis all the same",
        arguments: [
            [], [3], [3, 3], [0, 0], [-5, -5], [.nan], [.infinity, 2], [1e308, -1e308], [.leastNonzeroMagnitude, 0],
            [1, 1 + .ulpOfOne], [1e-200],
        ] as [[Double]])
    func degenerate(values: [Double]) {
        for scale in [PlotAxis.Scale.linear, .logarithmic, .automatic] {
            for isWhole in [false, true] {
                let axis = ResolvedAxis(PlotAxis("", scale: scale, isWhole: isWhole), showing: values)
                #expect(axis.range.lowerBound < axis.range.upperBound)
                #expect(axis.range.lowerBound.isFinite && axis.range.upperBound.isFinite)
                for value in values where abs(value) < 1e150 && (value > 1e-150 || !axis.isLogarithmic) {
                    let place = axis.place(value)
                    #expect(place.map { $0 >= -1e-9 && $0 <= 1 + 1e-9 } == true, "\(value) in \(axis.range)")
                }
                #expect(axis.ticks(count: 5).values.count <= 20)
            }
        }
        #expect(ResolvedAxis(PlotAxis("epoch", isWhole: true), showing: [7]).ticks(count: 5).labels == ["7"])
    }
}
