import ArgumentParser
import CellarKit
import Foundation

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look for what could go wrong: disk, files, voxel sizes, recipe, database.",
        discussion: "Each finding says what to do about it. Exits with 1 where something needs attention.")

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let facts = [("cellar", CellarCommand.version)] + (try project.systemFacts())
        for (name, value) in facts { print("\(name.padding(toLength: 12, withPad: " ", startingAt: 0))\(value)") }
        print("")
        let findings = try project.findings()
        for finding in findings { print("! \(finding)") }
        if findings.isEmpty { return print("Nothing needs attention.") }
        throw ExitCode(1)
    }
}
