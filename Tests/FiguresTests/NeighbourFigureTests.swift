import Basics
import BlobStore
import Catalog
import CatalogSchema
import Pipeline
import Rendering
import TestSupport
import Testing
import Volumes

@testable import Figures

@Suite("The figure of neighbours") struct NeighbourFigureTests {
    /// Two compartments of 6 slices of 32 × 40 voxels of 10 Å, side by side, and particles at these places in Å, in compartments.
    private func catalog(_ places: [(SIMD3<Double>, Int)]) throws -> FigureCatalog {
        let results = try FigureCatalog()
        let compartments = [1, 2].map { number in
            FoundObject(
                number: number, class: "compartment", centroidInAngstroms: .zero, voxels: 3840, volumeInCubicNanometers: 3840,
                boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one, compartment: nil,
                enclosure: .init(
                    state: .outer, level: number - 1, gapInAngstroms: 0, openPart: 0, depthInAngstroms: 40, sphericity: nil))
        }
        try results.publish(
            CompartmentsStep.name, objects: compartments,
            artifacts: [
                (
                    "map", StoredCompartments.kind,
                    { artifact in
                        try artifact.setAttribute("binning", .integer(1))
                        let writer = try artifact.createDataset(
                            "labels", shape: [6, 32, 40], scalarType: .uint16, chunk: [1, 32, 40])
                        for _ in 0..<6 { try writer.append((0..<1280).map { UInt16($0 % 40 < 20 ? 1 : 2) }) }
                    }
                )
            ])
        let map = try #require(
            try results.catalog.results.standingArtifact(
                step: CompartmentsStep.name, scopeID: results.tomogramID, output: "map"))
        let particles = places.enumerated().map { index, place in
            FoundObject(
                number: index + 1, class: "ribosome", centroidInAngstroms: place.0, radiusInAngstroms: 20, voxels: 8,
                volumeInCubicNanometers: 30, boxMinimumInAngstroms: place.0 - 20, boxMaximumInAngstroms: place.0 + 20,
                compartment: place.1)
        }
        try results.publish(
            MeasurePicksStep.name, inputs: [.init(name: "compartments.map", digest: map, value: nil)], objects: particles)
        return results
    }

    @Test("pairs are nearer than chance has it, and particles of two compartments are no neighbours")
    func pairs() throws {
        var places: [(SIMD3<Double>, Int)] = []
        for index in 0..<12 {
            let corner = SIMD3<Double>(30 + 40 * Double(index % 4), 30 + 90 * Double(index / 4), 20)
            places += [(corner, 1), (corner + SIMD3(8, 0, 0), 1)]
        }
        // Beyond the border at 195 Å, and alone in its compartment.
        places.append((SIMD3(201, 30, 20), 2))
        let results = try catalog(places)
        defer { withExtendedLifetime(results) {} }
        let figure = try NeighbourFigure(of: results.catalog, store: results.store, where: nil).figure
        let plot = try #require(figure.plot as? LinePlot)
        #expect(
            plot.title.hasPrefix("24 particles in 1 tomogram: 0.") && plot.title.hasSuffix("of random, p ≤ 0.02"), "\(plot.title)"
        )
        #expect(plot.series.map(\.name) == ["found", "random, mean of 99", "least and greatest", ""])
        // All have a neighbour at 8 Å; of random ones few do.
        let index = try #require(plot.series[0].points.firstIndex { $0.x > 8.1 })
        #expect(plot.series[0].points[index].y == 1 && plot.series[3].points[index].y < 0.4)
        #expect(figure.drawing().svg().contains("distance to the nearest"))
        let some = try NeighbourFigure(of: results.catalog, store: results.store, where: "number <= 2").figure
        #expect(some.plot.title.hasPrefix("2 particles"))

        // The report has the figure, and says where particles are.
        let report = try Report(results.catalog, results.store, selection: nil, dataset: nil, pictures: 0)
        var page = HTMLPage(title: "t")
        try report.addMining(to: &page)
        #expect(page.text.contains("Membranes, compartments and kinds") && page.text.contains("24 particles in 1 tomogram"))
        #expect(page.text.contains("<td>ribosome</td><td>outer</td>") && !page.text.contains("<th>kind</th>"))
    }

    @Test("where there is nothing to draw, the error says so")
    func nothing() throws {
        let empty = try FigureCatalog()
        defer { withExtendedLifetime(empty) {} }
        func error(_ results: FigureCatalog, _ condition: String? = nil) -> CatalogError? {
            #expect(throws: CatalogError.self) {
                try NeighbourFigure(of: results.catalog, store: results.store, where: condition)
            }
        }
        #expect(error(empty)?.code == .notFound)
        let single = try catalog([(SIMD3(30, 30, 30), 1), (SIMD3(230, 30, 30), 2)])
        defer { withExtendedLifetime(single) {} }
        #expect(error(single)?.message.contains("`cellar run --until measure-picks`") == true)
        #expect(error(single, "colour = 1")?.message.contains("colour") == true)
    }
}
