import ArgumentParser
import CellarKit
import Cluster
import Foundation
import Synchronization

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Say how a cluster is used, and see whether it can be.",
        discussion: """
            A catalog's folder may have a file clusters.yaml with profiles: which partition, how much time and memory for which steps, how \
            the program is called on a node, and the folder that all nodes share.
            """,
        subcommands: [Init.self, Check.self, Coordinate.self, Probe.self])

    /// The schedulers that profiles are for.
    enum Scheduler: String, CaseIterable, ExpressibleByArgument {
        case slurm
    }

    /// The path of this program, as a node with the same file system sees it.
    private static var program: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write clusters.yaml for the cluster of this machine.",
            discussion: """
                Asks Slurm (scontrol, sinfo) for its partitions and limits, and writes a file with comments into the catalog's folder. A \
                file that is there is left alone.
                """)

        @Argument(help: "slurm.")
        var scheduler: Scheduler

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let directory = try catalogOptions.directory()
            let file = ClusterFile(directory: directory.path)
            guard !file.exists else {
                throw ClusterError(.profiles, "is there already; edit it, or move it away", path: file.path)
            }
            let site = try SlurmSite(asking: SlurmCommands())
            try file.create(
                ClusterFile.template(for: site, program: ClusterCommand.program, spool: "\(directory.path)/spool"))
            let partitions = site.partitions.map(\.name).joined(separator: ", ")
            print("Wrote \(file.path) for the cluster \(site.cluster), Slurm \(site.version): \(partitions)")
            if site.wantsAccount { note("the cluster wants an account: fill in `account` there") }
            print("Next: cellar cluster check")
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Submit a small job, and say what came of it.",
            discussion: """
                To each partition that the profile names goes one job. It runs the program on its node, looks at the catalog's folder and the \
                spool, writes and renames a file there, and tells the time. Exits with 1 where something needs attention.
                """)

        @Option(help: ArgumentHelp("The profile; the file's default one where it is left out.", valueName: "name"))
        var profile: String?

        @Option(help: ArgumentHelp("How long to wait for the jobs; then they are cancelled.", valueName: "seconds"))
        var wait: WholeNumber<1, 86400> = 120

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let directory = try catalogOptions.directory()
            let profile = try ClusterFile(directory: directory.path).read(profile, steps: StandardSteps.all.map(\.name))
            let check = ClusterCheck(
                profile, catalog: directory.path, program: ClusterCommand.program, version: CellarCommand.version)
            let findings = try check.run(waiting: Double(wait.value)) { note($0) }
            for finding in findings { print("\(finding.isProblem ? "!" : "-") \(finding.sentence)") }
            if findings.contains(where: \.isProblem) { throw ExitCode(1) }
            print("Nothing needs attention.")
        }
    }

    struct Coordinate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run, on a node, what `cellar run --detach` submitted: its job runs this.",
            discussion: """
                Where the time of the job is nearly over, the run stops and the job begins again; other jobs go on meanwhile.
                """)

        @Argument(help: "The folder of the catalog.", completion: .directory)
        var directory: String

        @Argument(help: "0.")
        var task: WholeNumber<0, 0>

        func run() throws {
            let directory = try CatalogOptions.directory(named: directory)
            guard let record = try DetachedRun.read(in: directory.path) else {
                throw ClusterError(
                    .detached, "no run was submitted here; `cellar run --on slurm --detach` does", path: directory.path)
            }
            guard let command = try CellarCommand.parseAsRoot(record.arguments) as? RunCommand else {
                throw ClusterError(
                    .detached,
                    "\(record.arguments.joined(separator: " ")) is no run; submit one with `cellar run --on slurm --detach`",
                    path: directory.path)
            }
            let project = try command.catalogOptions.open()
            let isTimeOver = Atomic(false)
            let isComplete = try withExtendedLifetime(isTimeOver) {
                try command.execute(in: project) { isTimeOver.store(true, ordering: .relaxed) }
            }
            if isTimeOver.load(ordering: .relaxed), !isComplete { return try SlurmScheduler.requeueThisJob() }
            DetachedRun.remove(in: directory.path)
            if !isComplete { throw ExitCode(1) }
        }
    }

    struct Probe: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Answer a check, on a node: its job runs this.",
            discussion: "People have no use for it, except to try on a node what the job does there.")

        @Argument(help: "The folder of the check.", completion: .directory)
        var directory: String

        @Argument(help: "The number of the job.")
        var task: WholeNumber<0, 4_000_000>

        func run() throws {
            print(try NodeProbe.run(in: directory, task: task.value, version: CellarCommand.version))
        }
    }
}
