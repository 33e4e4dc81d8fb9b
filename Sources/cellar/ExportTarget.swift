import ArgumentParser
import Basics
import BlobStore
import CellarKit

/// Whose results are written, and where.
struct ExportTarget: ParsableArguments {
    @Argument(help: "A tomogram: its name, dataset/name, or id:N.")
    var target: String

    @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String

    @OptionGroup var writingOptions: WritingOptions
    @OptionGroup var catalogOptions: CatalogOptions

    /// The tomogram, with what is needed to write volumes of its size.
    ///
    /// - Throws: ``CatalogError`` where there is no such tomogram, ``VolumeError`` where the file must not be written.
    func volume() throws -> VolumeExport {
        let workspace = try catalogOptions.open()
        let record = try workspace.catalog.collection.tomogram(named: target)
        guard let id = record.id, let shape = try workspace.catalog.collection.shape(ofTomogram: id) else {
            throw CatalogError(.notFound, "there is no tomogram \(target); `cellar list tomograms` shows what there is")
        }
        return VolumeExport(
            workspace: workspace, store: try workspace.store(), tomogram: record, id: id, shape: shape,
            output: try writingOptions.file(output, knownTo: workspace.directory))
    }
}
