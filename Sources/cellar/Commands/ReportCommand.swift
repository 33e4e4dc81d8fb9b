import ArgumentParser
import CellarKit

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

    @Argument(help: "A folder, made where there is none.")
    var directory: String

    @Option(help: "Only tomograms of this dataset.")
    var dataset: String?

    @Option(help: "How many tomograms are drawn, evenly spread over the list; 0 for no pictures, of kinds of particles too.")
    var pictures: WholeNumber<0, 1000> = 12

    @OptionGroup var selectionOptions: SelectionOptions
    @OptionGroup var writingOptions: WritingOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        guard !directory.isEmpty else { throw ValidationError("The folder has no name; give one.") }
    }

    func run() throws {
        let project = try catalogOptions.open()
        let report = try Report(
            project.catalog, project.store(), selection: selectionOptions.tomograms(of: project), dataset: dataset,
            pictures: pictures.value)
        let path = "\(directory)/index.html"
        let file = try writingOptions.file(path, knownTo: project.directory)
        let plan = try project.plan(tomograms: report.tomogramIDs)
        let page = try report.page(plan: plan)
        try NewFolder.make(directory)
        try file.write(Array(page.text.utf8))
        print("\(path): \(report.tomogramIDs.count) tomograms, \(page.text.utf8.count / 1024) KiB")
    }
}
