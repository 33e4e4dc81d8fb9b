import Basics
import Catalog
import CatalogSchema
package import CellarKit
import Foundation

/// What the page and other programs can ask and change, as functions: each resource of `/api/v1` is one of them, and needs no HTTP.
///
/// All may be called from any thread, and return when they are done: the database is synchronous. What people write in SQL runs
/// on a ``QueryConnection`` of its own, as that of `cellar query`.
package struct ViewerAPI: Sendable {
    /// How long a filter of tomograms may take, in seconds: it is typed letter by letter.
    static let filterSeconds = 10.0
    /// How long a query or a plot may take, in seconds: that of `cellar query`.
    static let querySeconds = 60.0
    /// The most rows of a page.
    static let pageLimit = 500

    let project: Project
    /// The same catalog on a connection of its own: a plan of many tomograms takes long, and nothing else shall wait for it.
    let planning: Project
    let images: TomogramImages
    let zarr: ServedZarr
    let isReadOnly: Bool
    let version: String
    let orders: TomogramOrders

    /// - Parameters:
    ///   - isReadOnly: whether nothing may be changed.
    ///   - version: of the program.
    ///   - cacheBytes: the most that images and chunks keep in memory, together.
    /// - Throws: ``CatalogError`` where the catalog cannot be opened once more.
    package init(_ project: Project, isReadOnly: Bool, version: String, cacheBytes: Int = 192 << 20) throws {
        self.project = project
        planning = try Project(at: project.directory, steps: project.graph.steps)
        self.isReadOnly = isReadOnly || !project.catalog.isWritable
        self.version = version
        images = TomogramImages(project, bytes: cacheBytes / 2)
        zarr = ServedZarr(project, images: images, bytes: cacheBytes / 2)
        orders = TomogramOrders(project.catalog)
    }

    /// Runs a query over the public views, and returns its rows.
    func rows(
        _ sql: String, _ parameters: [String: QueryValue] = [:], seconds: Double = querySeconds
    ) throws -> [JSONRow] {
        var (columns, rows): ([String], [JSONRow]) = ([], [])
        try QueryConnection(project.catalog, timeLimitInSeconds: seconds).run(sql, parameters: parameters) {
            columns = $0
        } row: {
            rows.append(JSONRow(columns, $0))
        }
        return rows
    }

    // MARK: The catalog as a whole

    package struct Session: Encodable, Sendable {
        let version: String
        let readOnly: Bool
        /// The name of the folder of the project.
        let catalog: String
        /// Who runs the server, and in whose name something is changed.
        let user: String
        let tomograms: Int
        let slabs: Int
        /// Of the path `/t/TOKEN/zarr/…`, for other programs.
        let shareToken: String
    }

    package func session(shareToken: String) throws -> Session {
        let summary = try project.catalog.summary()
        let folder = URL(fileURLWithPath: project.directory.path)
        let name = folder.lastPathComponent
        return Session(
            version: version, readOnly: isReadOnly,
            catalog: name == CatalogDirectory.name ? folder.deletingLastPathComponent().lastPathComponent : name,
            user: Project.userName, tomograms: summary.tomograms, slabs: summary.slabs,
            shareToken: shareToken)
    }

    package struct Views: Encodable, Sendable {
        struct View: Encodable, Sendable {
            let name: String
            let about: String
            let columns: [Column]
        }
        struct Column: Encodable, Sendable {
            let name: String
            let type: String
            let unit: OrNull<String>
            let meaning: String
        }
        let views: [View]
    }

    /// The public views with their documentation, for those who write SQL.
    package func views() -> Views {
        Views(
            views: ViewDocumentation.all.map { view in
                Views.View(
                    name: view.name, about: view.about,
                    columns: view.columns.map { .init(name: $0.name, type: $0.type, unit: OrNull($0.unit), meaning: $0.meaning) })
            })
    }
}
