package import CellarKit

/// Tomograms as OME-Zarr 0.4, computed on the fly.
package final class ServedZarr: Sendable {
    private let project: Project
    private let images: TomogramImages

    package init(_ project: Project, images: TomogramImages, bytes: Int) { (self.project, self.images) = (project, images) }

    /// nil: there is no such file.
    package func file(_ path: [String]) throws -> (bytes: [UInt8], contentType: String)? { nil }
}
