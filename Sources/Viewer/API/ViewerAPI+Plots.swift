import Basics
import Catalog
import CellarKit
import Figures
import Rendering

/// The figures of `cellar plot` as SVG, and surfaces.
extension ViewerAPI {
    /// The options of `cellar plot`, by their names there.
    package struct PlotRequest: Sendable {
        /// `histogram`, `box`, `scatter`, `precision-recall` (or `pr`), `runs` or `curves`.
        package var kind: String
        package var column: String?
        package var metric: String?
        package var x: String?
        package var y: String?
        package var grouping: String?
        package var condition: String?
        package var isLogarithmic = false
        package var bins = 40
        /// Of `curves`: a training set; nil for the current one.
        package var trainingSet: String?

        package init(kind: String) { self.kind = kind }
    }

    /// - Returns: an SVG without scripts.
    /// - Throws: ``ViewerError`` where an option is missing, ``CatalogError`` where there is nothing to draw.
    package func plot(_ request: PlotRequest) throws -> String {
        if request.kind == "curves" { return try curves(ofTrainingSet: request.trainingSet) }
        let figure = FigureRequest(
            try content(request), grouping: request.grouping, condition: request.condition, isLogarithmic: request.isLogarithmic)
        return try figure.figure(of: project.catalog, timeLimitInSeconds: Self.querySeconds).drawing().svg()
    }

    private func content(_ request: PlotRequest) throws -> FigureRequest.Content {
        func quantity() throws -> FigureQuantity {
            switch (request.column, request.metric) {
            case (let column?, nil): .column(column)
            case (nil, let metric?): .metric(metric)
            default: throw ViewerError(.invalid, "column or metric says what to draw: give one of them")
            }
        }
        switch request.kind {
        case "histogram": return .histogram(try quantity(), bins: request.bins)
        case "box": return .box(try quantity())
        case "scatter":
            guard let x = request.x, let y = request.y else { throw ViewerError(.invalid, "x and y say what to draw: give both") }
            return .scatter(x: x, y: y)
        case "precision-recall", "pr": return .precisionRecall
        case "runs":
            guard let metric = request.metric else { throw ViewerError(.invalid, "metric says what to draw: give it") }
            return .runs(metric: metric)
        default:
            throw ViewerError(
                .invalid,
                "there is no plot \(request.kind.prefix(40)); kind is histogram, box, scatter, precision-recall, runs or curves")
        }
    }

    private func curves(ofTrainingSet name: String?) throws -> String {
        let collection = project.catalog.collection
        guard let set = try name.map(collection.trainingSet(named:)) ?? collection.currentTrainingSet() else {
            throw CatalogError(.notFound, "there is no current training set; `cellar training add NAME` makes one")
        }
        return try TrainingCurvesFigure(of: set, in: project.catalog).sheet.drawing().svg()
    }

    // MARK: Surfaces

    /// Surfaces and balls of a tomogram as a binary glTF file, as `cellar export mesh` writes it.
    ///
    /// - Parameters:
    ///   - class: nil for all classes.
    ///   - smoothing: σ in Å; nil for the length of a voxel.
    /// - Complexity: see ``Project/mesh(of:classes:smoothing:triangles:source:)``; about 24 MB at most.
    package func mesh(of id: Int64, class name: String?, smoothing: Double?) throws -> [UInt8] {
        try planning.mesh(of: Self.reference(id), classes: name.map { [$0] } ?? [], smoothing: smoothing).bytes
    }
}
