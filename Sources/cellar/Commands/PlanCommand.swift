import ArgumentParser
import CellarKit

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Say what a run would do, how long it would take, and how much disk it would need.",
        discussion: """
            Writes nothing and opens no tomogram. `stale` items run; `waiting` items run if what comes before them turns out \
            different; `found again` items were computed earlier under these parameters. Times are of one worker.
            """)

    @OptionGroup var selectionOptions: SelectionOptions

    @Option(help: ArgumentHelp("Only this step and those it needs.", valueName: "step"))
    var until: String?

    @Flag(help: "Exit with 3 where there is work to do.")
    var check = false

    @OptionGroup var formatOptions: FormatOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let plan = try project.plan(tomograms: selectionOptions.tomograms(of: project), until: until)
        if formatOptions.format == .table {
            PlanPrinter(plan).printTable()
            PlanPrinter(plan).printRemarks()
        } else {
            PlanPrinter(plan).printRows(formatOptions.format)
        }
        if check, plan.hasWork { throw ExitCode(3) }
    }
}
