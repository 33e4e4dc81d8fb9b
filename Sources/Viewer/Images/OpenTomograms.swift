import Basics
import Catalog
import CatalogSchema
import CellarKit
import Volumes

/// A tomogram whose file is open.
struct OpenTomogram: Sendable {
    let id: Int64
    let record: TomogramRecord
    let volume: any Volume
    /// Another one where the file is another one, or has changed.
    let version: String
}

/// The files of tomograms that were used last.
final class OpenTomograms: Sendable {
    private let project: Project
    private let volumes = BoundedCache<String, any Volume>(limit: 8)

    init(_ project: Project) { self.project = project }

    /// - Throws: ``CatalogError`` where there is no such tomogram, ``VolumeError`` where its file cannot be opened.
    /// - Complexity: one query and one stat(2); opens the file where it was not used lately, or has changed.
    func tomogram(_ id: Int64) throws -> OpenTomogram {
        try opened(project.catalog.collection.tomogram(named: "\(CatalogReference.idPrefix)\(id)"))
    }

    /// - Throws: ``VolumeError`` where the file cannot be opened.
    func opened(_ record: TomogramRecord) throws -> OpenTomogram {
        let version = Self.version(of: record.location)
        let volume = try volumes.value(for: version, cost: 1) { try record.location.open() }
        return OpenTomogram(id: try record.requiredID, record: record, volume: volume, version: version)
    }

    /// Another text where the file of a location is another one, or has changed; that of a folder tells its own changes only.
    static func version(of location: VolumeLocation) -> String {
        // A file that is not there is an error when it is opened.
        guard let status = try? FileStatus(of: location.path) else { return "\(location)" }
        let (seconds, nanoseconds) = status.modified
        return "\(location) \(status.identity.device).\(status.identity.inode) \(status.byteCount) \(seconds).\(nanoseconds)"
    }
}
