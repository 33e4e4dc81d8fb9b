import Basics
import Catalog
import CatalogSchema
import Foundation
import Pipeline
import Rendering
import TestSupport
import Testing
import Volumes

@testable import Figures

@Suite("The gallery of kinds") struct KindGalleryTests {
    /// Particles of kinds, at places along x in voxels of 10 Å.
    private func catalog(_ particles: [(kind: Int?, certainty: Double, x: Double)]) throws -> FigureCatalog {
        let results = try FigureCatalog()
        try results.catalog.collection.noteKinds([1, 2])
        try results.catalog.collection.nameKind(1, "ribosome")
        let objects = particles.enumerated().map { index, particle in
            let place = SIMD3<Double>(10 * particle.x, 160, 30)
            return FoundObject(
                number: index + 1, class: "macromolecule", centroidInAngstroms: place, radiusInAngstroms: 40, voxels: 8,
                volumeInCubicNanometers: 30, boxMinimumInAngstroms: place - 20, boxMaximumInAngstroms: place + 20,
                kind: particle.kind.map { FoundObject.Kind(number: $0, certainty: particle.certainty) })
        }
        try results.publish(MeasurePicksStep.name, objects: objects)
        return results
    }

    private func gallery(_ results: FigureCatalog, where condition: String = "1") throws -> KindGallery {
        try KindGallery(of: results.catalog, in: QueryConnection(results.catalog), where: condition)
    }

    @Test("a kind has a row, the surest particle left, and few of many at even distances")
    func rows() throws {
        let many = (0..<37).map { (kind: Optional(1), certainty: 0.5 + Double($0) / 80, x: Double($0)) }
        let results = try catalog(many + [(2, 0.75, 10), (0, 0.5, 20), (nil, 0, 30)])
        defer { withExtendedLifetime(results) {} }
        let found = try gallery(results)
        #expect(
            found.kinds.map(\.caption) == [
                "kind 0, unlike all: 1 of 1 particles, certainty 0.5 to 0.5; a picture is 16 nm wide",
                "kind 1 (ribosome): 10 of 37 particles, certainty 0.95 to 0.5; a picture is 16 nm wide",
                "kind 2: 1 of 1 particles, certainty 0.75 to 0.75; a picture is 16 nm wide",
            ])
        #expect(found.kinds.map(\.sheet.width) == [96, 10 * 96 + 9 * 4, 96] && found.kinds.allSatisfy { $0.sheet.height == 96 })
        #expect(found.failures.isEmpty)
        // The left one is the particle at x = 36: right of the middle lies what is outside of the tomogram, from 4 voxels on.
        let sheet = found.kinds[1].sheet
        #expect(sheet[y: 48, x: 90] == Color(red: 128, green: 128, blue: 128) && sheet[y: 48, x: 40] != sheet[y: 48, x: 44])
        // The right one is the particle at x = 0: left of it lies nothing.
        #expect(sheet[y: 48, x: 9 * 100 + 4] == Color(red: 128, green: 128, blue: 128))
        #expect(try gallery(results, where: "kind = 2").kinds.count == 1)
        #expect(try gallery(results, where: "kind = 5").kinds.isEmpty)
    }

    @Test("a report shows it, also where the file of a tomogram is away, and not without pictures")
    func report() throws {
        let results = try catalog([(1, 1, 10), (1, 0.504, 20), (0, 0.5, 30)])
        defer { withExtendedLifetime(results) {} }
        func page(pictures: Int) throws -> String {
            let report = try Report(results.catalog, results.store, selection: nil, dataset: nil, pictures: pictures)
            var page = HTMLPage(title: "t")
            try report.addMining(to: &page)
            return page.text
        }
        let text = try page(pictures: 1)
        #expect(
            text.contains("kind 1 (ribosome): 2 of 2 particles, certainty 1 to 0.5")
                && text.contains("<figure class=\"wide\"><img"))
        #expect(try !page(pictures: 0).contains("<figure class=\"wide\">"))
        try FileManager.default.removeItem(atPath: results.folder.file("t.mrc"))
        let without = try page(pictures: 1)
        #expect(without.contains("Particles of a tomogram cannot be drawn: ") && !without.contains("<figure class=\"wide\">"))
    }

    @Test("a place outside of a tomogram that became smaller has no picture")
    func outside() throws {
        let results = try catalog([(1, 1, 10), (1, 0.5, 90)])
        defer { withExtendedLifetime(results) {} }
        let found = try gallery(results)
        #expect(found.kinds.map(\.caption) == ["kind 1 (ribosome): 1 of 2 particles, certainty 1 to 1; a picture is 16 nm wide"])
    }
}
