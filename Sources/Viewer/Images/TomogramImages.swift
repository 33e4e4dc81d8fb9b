import Catalog
package import CellarKit

/// Slices, layers and thumbnails of the tomograms of a catalog.
package final class TomogramImages: Sendable {
    private let project: Project

    /// - Parameter bytes: the most that its caches hold.
    package init(_ project: Project, bytes: Int) { self.project = project }

    package func slice(of tomogram: Int64, axis: SliceAxis, index: Int, level: Int) throws -> SliceBytes {
        throw CatalogError(.invalid, "slices are not there yet")
    }

    package func layers(of tomogram: Int64) throws -> [ViewerLayer] { [] }

    package func slice(of layer: String, tomogram: Int64, axis: SliceAxis, index: Int, level: Int) throws -> SliceBytes {
        throw CatalogError(.invalid, "slices of layers are not there yet")
    }

    package func points(of layer: String, tomogram: Int64) throws -> [ViewerPoint] { [] }

    /// PNG.
    package func thumbnail(of tomogram: Int64) throws -> [UInt8] { throw CatalogError(.invalid, "thumbnails are not there yet") }
}
