import ArgumentParser
import CellarKit
import Foundation

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write a page about a dataset: its numbers, plots, pictures, and where all of them come from.",
        discussion: """
            One HTML file, index.html, that needs nothing else: send it, or keep it with the paper. Each number links to the item that \
            gave it, with its parameters and inputs. It shows the results that stand; `cellar plan` says which of them are stale.

            cellar report report --dataset pombe
            cellar report report --where "dataset = 'pombe' AND voxel_size < 14" --pictures 4
            """)

    @Argument(help: "A folder, made where there is none; a page in it that is older is replaced.")
    var directory: String

    @Option(help: "Only tomograms of this dataset.")
    var dataset: String?

    @Option(help: "How many tomograms are drawn, evenly spread over the list.")
    var pictures: WholeNumber<0, 1000> = 12

    @OptionGroup var selectionOptions: SelectionOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let workspace = try catalogOptions.open()
        let report = try Report(
            workspace, selection: selectionOptions.selection(in: workspace.directory), dataset: dataset, pictures: pictures.value)
        let page = try report.page()
        let path = "\(directory)/index.html"
        try NewFolder.make(directory)
        do {
            try Data(page.text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw CatalogError(.storage, "\(path) cannot be written: \(error.localizedDescription) Name another folder")
        }
        print("\(path): \(report.tomograms.count) tomograms, \(page.text.utf8.count / 1024) KiB")
    }
}
