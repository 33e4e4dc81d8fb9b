import ArgumentParser
import CellarKit
import Foundation

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that every artifact is there and sound.",
        discussion: """
            Checks the database, and that each artifact's file is there and of the right structure; with --deep also that its \
            content has the digest it is named after, which reads every byte. A file that cannot be read proves nothing: it is \
            named, and --repair leaves it alone.
            """)

    @Flag(help: "Read every artifact and compare its digest.")
    var deep = false

    @Flag(help: "Remove artifacts that are proved to be damaged, so that they are computed again when they are needed.")
    var repair = false

    @OptionGroup var progressOptions: ProgressOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let line = progressOptions.line("verify")
        let verification = try project.verify(deep: deep) { done, total in
            line.show(ProgressReport(done: done, of: total, what: "artifacts"))
        }
        line.clear()
        for problem in verification.problems { note("cellar: \(problem)") }
        print(
            "\(verification.artifactCount) artifacts checked\(deep ? " byte by byte" : ""), \(verification.problems.count) problems"
        )
        guard !verification.problems.isEmpty else { return }
        if repair, !verification.spoiled.isEmpty {
            let (removed, missing) = try project.repair(verification.spoiled, deep: deep)
            if missing > 0 { print("noted that \(missing) artifacts are missing") }
            print("removed \(removed) damaged artifacts; they are computed again when a step needs them")
        } else if !verification.spoiled.isEmpty {
            note("--repair removes what is damaged")
        }
        throw ExitCode(1)
    }
}

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look for what could go wrong: disk, files, voxel sizes, recipe, database.",
        discussion: "Each finding says what to do about it. Exits with 1 where something needs attention.")

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let facts = [("cellar", ProgramVersion.text.replacing("\n", with: ", "))] + (try project.systemFacts())
        for (name, value) in facts { print("\(name.padding(toLength: 12, withPad: " ", startingAt: 0))\(value)") }
        print("")
        let findings = try project.findings()
        for finding in findings { print("! \(finding)") }
        if findings.isEmpty { return print("Nothing needs attention.") }
        throw ExitCode(1)
    }
}

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the catalog to a new folder, even while a run goes on.",
        discussion: """
            The copy is a catalog of its own, which needs nothing of this one: database, recipe, receipts, the models that lie in the \
            catalog, and every artifact that cannot be dropped. Evictable artifacts are marked as dropped there, and computed again \
            should they be needed. Tomograms, annotations' files and models that lie elsewhere are not copied.
            """)

    @Argument(help: "A new folder.")
    var destination: String

    @OptionGroup var progressOptions: ProgressOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let outputs = try OutputFiles(at: destination, knownTo: project.directory, areReplaced: false)
        let line = progressOptions.line("backup")
        defer { line.clear() }
        let count = try project.backup(to: destination, writing: outputs) { done, total in
            line.show(ProgressReport(done: done, of: total, what: "artifacts"))
        }
        line.clear()
        print("Copied the catalog and \(count) artifacts to \(destination)")
    }
}

struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take tomograms, datasets, annotations or slabs out of the catalog.",
        discussion: """
            Files are left alone. What was computed no longer stands, and is kept: it is found again should the same come back; `cellar gc \
            --removed --apply` drops it. A member of a training set is removed after the set. Without --apply nothing is changed.

            cellar remove tomograms --where "dataset = 'pombe' AND name = 'TS_0008'"
            cellar remove datasets --where "name = 'trial'" --apply
            """)

    /// What can be removed.
    enum Subject: String, CaseIterable, ExpressibleByArgument {
        case tomograms, datasets, annotations, slabs

        var kind: Catalog.Removable {
            switch self {
            case .tomograms: .tomograms
            case .datasets: .datasets
            case .annotations: .annotations
            case .slabs: .slabs
            }
        }
    }

    @Argument(help: "tomograms, datasets, annotations, or slabs.")
    var subject: Subject

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Which: an SQL expression over the columns of v_tomogram, v_dataset, v_annotation or v_slab; 1 for all.",
            valueName: "sql"))
    var expression: String

    @Flag(help: "Remove them.")
    var apply = false

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let catalog = try catalogOptions.open().catalog
        let kind = subject.kind
        let ids = try QueryConnection(catalog).ids(in: kind.view, where: expression)
        guard !ids.isEmpty else { return print("There are no \(subject.rawValue) for which that is true.") }
        let removal = try catalog.collection.removal(of: kind, ids: ids)
        if apply { try catalog.collection.remove(kind, ids: ids) }
        let parts = [
            (removal.datasets, "dataset"), (removal.tomograms, "tomogram"), (removal.annotations, "annotation"),
            (removal.slabs, "slab"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }
        print("\(apply ? "removed" : "would be removed"): \(parts.joined(separator: ", "))")
        print("\(removal.results) results no longer stand\(apply ? "" : " then"); they are kept, and found again")
        if !apply { note("nothing was changed; --apply does it") }
    }
}
