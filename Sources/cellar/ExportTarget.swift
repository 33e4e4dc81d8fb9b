import ArgumentParser
import BlobStore
import CellarKit

/// Whose results are written, and where.
struct ExportTarget: ParsableArguments {
    @Argument(help: "A tomogram: its name, dataset/name, or id.")
    var target: String

    @Option(help: ArgumentHelp("The file to write; one that is there is replaced.", valueName: "file"))
    var output: String

    @OptionGroup var catalogOptions: CatalogOptions

    /// The tomogram, with what is needed to write volumes of its size.
    ///
    /// - Throws: ``CatalogError`` where there is no such tomogram.
    func volume() throws -> VolumeExport {
        let catalog = try catalogOptions.open().catalog
        let record = try catalog.tomogram(named: target)
        guard let id = record.id, let shape = try catalog.tomogramShape(id: id) else {
            throw CatalogError(.notFound, "there is no tomogram \(target); `cellar list tomograms` shows what there is")
        }
        return VolumeExport(
            catalog: catalog, store: try BlobStore(directory: catalog.directory.blobs), tomogram: record, id: id, shape: shape,
            path: output)
    }
}
