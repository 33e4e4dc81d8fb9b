import ArgumentParser
import CellarKit

/// `cellar`: the command line.
struct CellarCommand: ParsableCommand {
    /// The version of the program, which traces record: the one place of it (Packaging/RELEASE.md).
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "cellar",
        abstract: "Segment large collections of cryo-electron tomograms without labels; re-run only what is stale.",
        discussion: """
            A catalog is a folder `.cellar`: a database that knows tomograms, slabs and results, and the files of those \
            results. Commands find it in the working folder or above, as Git does; --catalog or the environment variable \
            CELLAR_CATALOG names another.
            """,
        version: version,
        groupedSubcommands: [
            CommandGroup(
                name: "Collection",
                subcommands: [
                    InitCommand.self, AddCommand.self, AnnotateCommand.self, CurateCommand.self, SlabCommand.self,
                    TrainingCommand.self, RecipeCommand.self, ModelCommand.self,
                ]),
            CommandGroup(
                name: "Work",
                subcommands: [
                    StatusCommand.self, PlanCommand.self, RunCommand.self, WhyCommand.self, LogCommand.self, CancelCommand.self,
                    ClusterCommand.self, WorkCommand.self,
                ]),
            CommandGroup(
                name: "Questions",
                subcommands: [
                    ListCommand.self, QueryCommand.self, StatsCommand.self, SimilarCommand.self, KindCommand.self,
                    AverageCommand.self,
                    PlotCommand.self, ShowCommand.self,
                    ReportCommand.self, ExportCommand.self, ServeCommand.self, MCPCommand.self,
                ]),
            CommandGroup(
                name: "Care",
                subcommands: [
                    RemoveCommand.self, GCCommand.self, VerifyCommand.self, DoctorCommand.self, BackupCommand.self,
                    BugReportCommand.self,
                ]),
            CommandGroup(
                name: "Trying out",
                subcommands: [
                    TourCommand.self, SimulateCommand.self, DemoCommand.self, ManualCommand.self,
                ]),
        ])
}

extension CellarCommand {
    /// Runs a command line and says what went wrong.
    ///
    /// - Parameter arguments: without the name of the program; nil for those of the process.
    /// - Returns: the exit code: 0 done, 1 something failed, 2 usage, 3 `plan --check` found work.
    static func exitCode(of arguments: [String]?) -> Int32 {
        do {
            var command = try parseAsRoot(arguments)
            try command.run()
            return 0
        } catch let code as ExitCode {
            return code.rawValue
        } catch is OutputError {
            // Said at the end, with those that did not end the command.
            return 1
        } catch {
            switch exitCode(for: error) {
            case .failure:
                note("cellar: \(error.sentence)")
                return 1
            case .success:
                let message = fullMessage(for: error)
                print(message == version ? ProgramVersion.text : message)
                return 0
            default:
                note(fullMessage(for: error))
                return 2
            }
        }
    }
}
