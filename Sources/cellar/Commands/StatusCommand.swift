import ArgumentParser
import CellarKit
import Foundation

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say what the catalog holds, what is stale, and who runs.")

    @OptionGroup var selectionOptions: SelectionOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let workspace = try catalogOptions.open()
        let summary = try workspace.catalog.summary()
        print(Terminal.output.bold(workspace.directory.path))
        print(
            "\(summary.tomograms) tomograms in \(summary.datasets) datasets, \(summary.slabs) slabs, \(summary.annotations) "
                + "annotations, \(summary.artifacts) artifacts (\(byteSize(Double(summary.artifactBytes))))")
        if let set = summary.trainingSet { print("training set: \(set)") }
        if let run = summary.lastRun {
            print("last run: \(run.id ?? 0), \(run.status.rawValue), \(run.endedAt ?? run.startedAt) on \(run.host)")
        }
        if let owner = summary.lockOwner, RunLock.isHeld(in: workspace.catalog) {
            print("running now: \(owner.owner) on \(owner.host), process \(owner.pid)")
        }
        switch workspace.catalog.readOnlyReason {
        case .newerVersion: print("read-only: a newer version of Cellar wrote this catalog")
        case .folder: print("read-only: this user may not write the catalog's folder")
        case nil: break
        }
        let plan = try Planner(workspace.catalog, graph: workspace.graph, recipe: workspace.recipe())
            .plan(selection: selectionOptions.selection(in: workspace.catalog))
        print("")
        PlanPrinter(plan).printTable()
        PlanPrinter(plan).printRemarks()
    }
}
