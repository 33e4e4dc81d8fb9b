import ArgumentParser

/// `cellar`: the command line.
struct CellarCommand: ParsableCommand {
    /// The version of the program, which traces record.
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
                    InitCommand.self, AddCommand.self, AnnotateCommand.self, SlabCommand.self, TrainingCommand.self,
                    RecipeCommand.self, ModelCommand.self,
                ]),
            CommandGroup(
                name: "Work",
                subcommands: [
                    StatusCommand.self, PlanCommand.self, RunCommand.self, WhyCommand.self,
                ]),
            CommandGroup(
                name: "Questions",
                subcommands: [
                    ListCommand.self, QueryCommand.self, StatsCommand.self, PlotCommand.self, ShowCommand.self,
                    ReportCommand.self, ExportCommand.self,
                ]),
            CommandGroup(
                name: "Care",
                subcommands: [
                    RemoveCommand.self, GCCommand.self, VerifyCommand.self, DoctorCommand.self, BackupCommand.self,
                ]),
            CommandGroup(
                name: "Trying out",
                subcommands: [
                    SimulateCommand.self, DemoCommand.self,
                ]),
        ])
}
