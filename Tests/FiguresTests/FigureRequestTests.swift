import Basics
import Catalog
import CatalogSchema
import Figures
import Pipeline
import Rendering
import TestSupport
import Testing

@Suite struct FigureRequestTests {
    @Test("a histogram counts the values of each group, and takes no more than the condition lets through")
    func histogram() throws {
        let results = try FigureCatalog()
        try results.publish(MeasureStep.name, objects: FigureCatalog.objects)
        var request = FigureRequest(.histogram(.column("volume_nm3"), bins: 9))
        let plot = try #require(try request.figure(of: results.catalog).plot as? HistogramPlot)
        #expect(plot.title == "30 objects" && plot.x.label == "volume (nm³)")
        #expect(plot.series.map(\.name) == ["membrane (10)", "ribosome (20)"])
        #expect(plot.edges.count == 10)
        for (series, isMembrane) in zip(plot.series, [true, false]) {
            let values = FigureCatalog.objects.filter { ($0.class == "membrane") == isMembrane }.map(\.volumeInCubicNanometers)
            for bin in 0..<9 {
                let inside = values.filter { $0 >= plot.edges[bin] && ($0 < plot.edges[bin + 1] || bin == 8) }
                #expect(series.counts[bin] == Double(inside.count))
            }
        }
        request.condition = "volume_nm3 > 400"
        request.grouping = "dataset"
        #expect(try request.figure(of: results.catalog).plot.title == "10 objects: d")
    }

    @Test("a box has the exact quantiles of its values")
    func box() throws {
        let results = try FigureCatalog()
        try results.publish(MeasureStep.name, objects: FigureCatalog.objects)
        let request = FigureRequest(.box(.column("volume_nm3")), grouping: "class")
        let plot = try #require(try request.figure(of: results.catalog).plot as? BoxPlot)
        #expect(plot.groups.map(\.name) == ["membrane", "ribosome"] && plot.groups.map(\.count) == [10, 20])
        // The membranes: 9, 36, 81, …, 900; the median lies between 15² and 18².
        let middle = try #require(BoxPlot.Group.fractions.firstIndex(of: 0.5))
        #expect(abs(plot.groups[0].quantiles[middle] - 274.5) < 1e-9)

        // Values of two steps are kept apart, and the step is named only where two have the column.
        var particle = FigureCatalog.objects[0]
        particle.radiusInAngstroms = 60
        try results.publish(MeasurePicksStep.name, objects: [particle])
        func names(_ column: String) throws -> [String]? {
            let figure = try FigureRequest(.box(.column(column)), grouping: "class").figure(of: results.catalog)
            return (figure.plot as? BoxPlot)?.groups.map(\.name)
        }
        #expect(try names("volume_nm3") == ["membrane, measure", "ribosome, measure", "ribosome, measure-picks"])
        #expect(try names("radius") == ["ribosome"])
    }

    @Test("a composition has the part of each value in each group, the most frequent first")
    func composition() throws {
        let results = try FigureCatalog()
        try results.publish(MeasureStep.name, objects: FigureCatalog.objects)
        var request = FigureRequest(.composition(column: "class"))
        let plot = try #require(try request.figure(of: results.catalog).plot as? StackedBarPlot)
        #expect(plot.title == "30 objects by class" && plot.parts == ["ribosome (20)", "membrane (10)"])
        #expect(plot.bars == [.init("d", counts: [20, 10])] && plot.y.categories == ["d (30)"])
        // Whole numbers are values, too; and there are only so many colours.
        request = FigureRequest(.composition(column: "number"), grouping: "class", condition: "number < 4")
        let numbers = try #require(try request.figure(of: results.catalog).plot as? StackedBarPlot)
        #expect(numbers.parts == ["1 (1)", "2 (1)", "3 (1)"])
        #expect(numbers.bars == [.init("membrane", counts: [0, 0, 1]), .init("ribosome", counts: [1, 1, 0])])
        request.condition = nil
        #expect(throws: CatalogError.self) { try request.figure(of: results.catalog) }
    }

    @Test("where there is nothing to draw the error says so, and what does not exist is named")
    func nothing() throws {
        let scene = try FigureCatalog()
        let catalog = scene.catalog
        defer { withExtendedLifetime(scene) {} }
        func error(_ request: FigureRequest) -> CatalogError? {
            #expect(throws: CatalogError.self) { try request.figure(of: catalog) }
        }
        for content: FigureRequest.Content in [
            .histogram(.column("volume_nm3")), .box(.column("volume_nm3")), .scatter(x: "volume_nm3", y: "elongation"),
            .composition(column: "class"),
            .precisionRecall, .runs(metric: "membrane/dice"), .box(.metric("membrane/dice")),
        ] { #expect(error(FigureRequest(content))?.code == .notFound, "\(content)") }
        #expect(error(FigureRequest(.histogram(.column("x; --"))))?.message.contains("has no column x; --") == true)
        #expect(error(FigureRequest(.histogram(.column("x"), bins: 0)))?.message.contains("give 1 to 1000") == true)
        #expect(
            error(FigureRequest(.box(.column("volume_nm3")), condition: "colour = 1"))?.message.contains("no such column: colour")
                == true)
    }
}
