import ArgumentParser
import Basics
import CellarKit
import Foundation

struct TourCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tour", abstract: "Say how far this catalog is on the way to results, and what to type next.",
        discussion: "It changes nothing, and may be asked at any time. --all shows the commands of every station.")

    @Flag(help: "Show reasons and commands of every station, not of the next one alone.")
    var all = false

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let tour = try tour()
        let width = tour.stops.map(\.title.count).max() ?? 0
        let next = tour.next
        for stop in tour.stops {
            let title = stop.title.padding(toLength: width, withPad: " ", startingAt: 0)
            let line = "\(stop == next ? "→" : stop.state == .done ? "✓" : " ") \(title)  \(stop.found)"
            print(stop == next ? Terminal.output.bold(line) : String(line.trimmedEnd))
            if all || stop == next { describe(stop) }
        }
        if next == nil {
            print("")
            print("All that others wait for is done. Stations without a mark are for whenever you like; --all shows how.")
        }
    }

    private func describe(_ stop: TourStop) {
        if !stop.reason.isEmpty { print("    \(stop.reason)") }
        for command in stop.commands { print("      \(Terminal.output.bold(command))") }
    }

    private func tour() throws -> Tour {
        do {
            return try catalogOptions.open().tour()
        } catch let error as CatalogError where error.code == .notFound && catalogOptions.catalog == nil {
            return .beginning
        }
    }
}

struct BugReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bug-report", abstract: "Write what somebody needs who is to find out what went wrong.",
        discussion: """
            A text in Markdown with versions, machine, findings of `cellar doctor`, recipe, what is stale, the last runs, and what failed last \
            with the end of its log. It has no voxel, label or coordinate, and of paths only the last component. It has the names of tomograms \
            and datasets: read it before you send it.
            """)

    @Option(help: ArgumentHelp("A new file; printed, if not given.", valueName: "file"))
    var output: String?

    @OptionGroup var writingOptions: WritingOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let report = try project.bugReport(version: ProgramVersion.text.replacing("\n", with: ", "))
        guard let output else { return print(report, terminator: "") }
        try writingOptions.file(output, knownTo: project.directory).write(Array(report.utf8))
        print("\(output): read it before you send it, and say at its beginning what happened")
    }
}

extension String {
    /// Without spaces at its end.
    fileprivate var trimmedEnd: Substring {
        var rest = self[...]
        while rest.last == " " { rest.removeLast() }
        return rest
    }
}
