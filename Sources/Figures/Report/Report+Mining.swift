import Basics
import Catalog
import Engine
import Pipeline
import Rendering

/// What the sample is made of: membranes by class, compartments, where particles are, and kinds of particles.
extension Report {
    /// Tables of `cellar stats membranes`, `compartments`, `context` and `kinds` for the tomograms of the page, each only where there is
    /// something; plots of kinds and neighbours; and pictures of particles of each kind.
    func addMining(to page: inout HTMLPage) throws {
        let condition = "tomogram_id IN (\(idList))"
        let membranes = try answer(.membranes, condition)
        let compartments = try answer(.compartments, condition)
        let context = try answer(.context, "\(condition) AND state IS NOT NULL")
        let kinds = try answer(.kinds, condition)
        guard !(membranes + compartments + context + kinds).isEmpty else { return }
        page.heading("Membranes, compartments and kinds")
        if !membranes.isEmpty {
            page.table(
                [
                    "membranes", "pieces", "tomograms", "area, nm²", "thickness, Å", "mean curvature, 1/nm",
                    "Gaussian curvature, 1/nm²", "roughness, Å", "to the next sheet, Å", "part that has one",
                ], cells(membranes, texts: 1))
        }
        if !compartments.isEmpty {
            page.table(
                [
                    "compartments by state", "enclosed by", "number", "volume, nm³", "standard deviation", "diameter, nm",
                    "sphericity",
                    "gap, Å", "depth, Å",
                ], cells(compartments, texts: 1))
        }
        if !context.isEmpty {
            page.table(
                [
                    "particles", "in compartments", "enclosed by", "number", "tomograms", "depth below the membrane, Å",
                    "standard deviation", "least", "greatest",
                ], cells(context, texts: 2))
        }
        if !kinds.isEmpty {
            page.table(
                [
                    "kind", "name", "particles", "tomograms", "certainty", "to the membrane, Å", "standard deviation",
                    "diameter, nm", "confidence",
                ], cells(kinds, texts: 2))
        }
        try addMiningPlots(hasKinds: !kinds.isEmpty, condition, to: &page)
        if !kinds.isEmpty, pictureCount > 0 { try addGallery(condition, to: &page) }
        page.paragraph(
            "These are of all tomograms together, of the items `\(MeasureStep.name)`, `\(CompartmentsStep.name)` and "
                + "`\(MeasurePicksStep.name)` of each. Means of membranes are weighted with the area. Kind 0 is what is unlike all "
                + "kinds. Depths are negative outside of all compartments.")
    }

    private func addMiningPlots(hasKinds: Bool, _ condition: String, to page: inout HTMLPage) throws {
        if hasKinds {
            // A bar for each tomogram where they are of one dataset; of thousands nobody reads a bar.
            let isOne = Set(tomograms.map(\.dataset)).count == 1 && tomograms.count <= 40
            let figure = try figure {
                try FigureRequest(
                    .composition(column: "kind"), grouping: isOne ? "tomogram" : "dataset", condition: condition
                ).figure(of: catalog, in: connection)
            }
            if let figure { page.figure(figure.drawing()) }
        }
        let store = self.store
        let near = try figure { try NeighbourFigure(of: catalog, store: store(), where: condition).figure }
        if let near { page.figure(near.drawing()) }
    }

    /// A row of pictures for each kind.
    private func addGallery(_ condition: String, to page: inout HTMLPage) throws {
        let gallery = try KindGallery(of: catalog, in: connection, where: condition)
        for kind in gallery.kinds { try page.figure(png: PNGEncoder().encode(kind.sheet), caption: kind.caption, isWide: true) }
        for failure in gallery.failures { page.paragraph("Particles of a tomogram cannot be drawn: \(failure)") }
    }

    /// nil where there is nothing to draw, or too much of it.
    private func figure(_ make: () throws -> Figure) throws -> Figure? {
        do {
            return try make()
        } catch let error as CatalogError where [.notFound, .invalid].contains(error.code) {
            return nil
        }
    }

    private func answer(_ topic: Statistics.Topic, _ condition: String) throws -> [[QueryValue]] {
        try rows(Statistics(topic, where: condition).sql(for: connection))
    }

    /// - Parameter texts: how many columns are names, and not numbers.
    private func cells(_ rows: [[QueryValue]], texts: Int) -> [[HTMLPage.Cell]] {
        rows.map { row in
            row.enumerated().map { index, value in
                index < texts
                    ? HTMLPage.Cell(text: value.plainText) : HTMLPage.Cell(text: value.number?.brief ?? "", isNumber: true)
            }
        }
    }
}
