import Volumes

/// The pages of `cellar serve`: one HTML file, one style sheet, and ES modules, embedded in the program as they lie in this folder.
///
/// Nothing is read from disk at run time, and no path of a request reaches the file system: a name is looked up in a table.
enum Pages {
    /// A file of the pages, by the path of a request: `/`, `/app.css`, `/js/NAME.js`.
    ///
    /// - Returns: nil where there is no such file.
    static func file(_ path: String) -> (bytes: [UInt8], contentType: String)? {
        switch path {
        case "/", "/index.html": (PackageResources.index_html, "text/html; charset=utf-8")
        case "/app.css": (PackageResources.app_css, "text/css; charset=utf-8")
        default: modules[path].map { ($0, "text/javascript; charset=utf-8") }
        }
    }

    /// A file compressed as HTTP's coding `deflate`, a zlib stream (RFC 9110, 8.4.1.2): a quarter of the bytes, for those who read over a
    /// line.
    ///
    /// - Returns: nil where there is no such file, or zlib had no memory.
    static func deflated(_ path: String) -> [UInt8]? { deflatedFiles[path] }

    private static let deflatedFiles: [String: [UInt8]] = {
        let pairs = paths.compactMap { path in
            file(path).flatMap { file in file.bytes.withUnsafeBytes { Deflate.zlib($0, level: 9) } }.map { (path, $0) }
        }
        return Dictionary(pairs) { first, _ in first }
    }()

    /// The paths of all files, the first page as `/`. For tests.
    static var paths: [String] { ["/", "/app.css"] + modules.keys.sorted() }

    private static let modules: [String: [UInt8]] = [
        "/js/api.js": PackageResources.api_js,
        "/js/app.js": PackageResources.app_js,
        "/js/changes.js": PackageResources.changes_js,
        "/js/collection.js": PackageResources.collection_js,
        "/js/details.js": PackageResources.details_js,
        "/js/dom.js": PackageResources.dom_js,
        "/js/facets.js": PackageResources.facets_js,
        "/js/filters.js": PackageResources.filters_js,
        "/js/glb.js": PackageResources.glb_js,
        "/js/layers.js": PackageResources.layers_js,
        "/js/numbers.js": PackageResources.numbers_js,
        "/js/palette.js": PackageResources.palette_js,
        "/js/particles.js": PackageResources.particles_js,
        "/js/readout.js": PackageResources.readout_js,
        "/js/runs.js": PackageResources.runs_js,
        "/js/similar.js": PackageResources.similar_js,
        "/js/slices.js": PackageResources.slices_js,
        "/js/solid.js": PackageResources.solid_js,
        "/js/sql.js": PackageResources.sql_js,
        "/js/table.js": PackageResources.table_js,
        "/js/tomogram.js": PackageResources.tomogram_js,
        "/js/tomokeys.js": PackageResources.tomokeys_js,
        "/js/view.js": PackageResources.view_js,
        "/js/zstrip.js": PackageResources.zstrip_js,
    ]
}
