import ArgumentParser
import CellarKit
import Foundation

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say what the catalog holds, what is stale, and who runs.")

    @OptionGroup var selectionOptions: SelectionOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let summary = try project.catalog.summary()
        print(Terminal.output.bold(project.directory.path))
        print(
            "\(summary.tomograms) tomograms in \(summary.datasets) datasets, \(summary.slabs) slabs, \(summary.annotations) "
                + "annotations, \(summary.artifacts) artifacts (\(QuantityText.bytes(Double(summary.artifactBytes))))")
        if let set = summary.trainingSet { print("training set: \(set)") }
        if let run = summary.lastRun {
            print("last run: \(run.id ?? 0), \(run.status.rawValue), \(run.endedAt ?? run.startedAt) on \(run.host)")
        }
        if let owner = summary.lockOwner, RunLock.isHeld(in: project.catalog) {
            print("running now: \(owner.owner) on \(owner.host), process \(owner.pid)")
        }
        switch project.catalog.readOnlyReason {
        case .newerVersion: print("read-only: a newer version of Cellar wrote this catalog")
        case .folder: print("read-only: this user may not write the catalog's folder")
        case nil: break
        }
        let plan = try project.plan(tomograms: selectionOptions.tomograms(of: project))
        print("")
        PlanPrinter(plan).printTable()
        PlanPrinter(plan).printRemarks()
    }
}
