import ArgumentParser
import Basics
import BlobStore
import CellarKit

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

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let workspace = try catalogOptions.open()
        let store = try workspace.store()
        var problems = try workspace.catalog.integrityProblems()
        let artifacts = try workspace.catalog.results.artifacts().filter { $0.state == .present }
        var spoiled: [Digest] = []
        for artifact in artifacts {
            switch store.condition(of: artifact.digest, deep: deep) {
            case .sound: continue
            case .missing:
                problems.append("\(store.path(of: artifact.digest)): there is no such artifact")
                spoiled.append(artifact.digest)
            case .damaged(let error):
                problems.append("\(error)")
                spoiled.append(artifact.digest)
            case .unknown(let error):
                problems.append("\(error.location): could not be checked: \(error.message)")
            }
        }
        for problem in problems { note("cellar: \(problem)") }
        print("\(artifacts.count) artifacts checked\(deep ? " byte by byte" : ""), \(problems.count) problems")
        guard !problems.isEmpty else { return }
        if repair, !spoiled.isEmpty {
            try self.repair(spoiled, in: workspace, store)
        } else if !spoiled.isEmpty {
            note("--repair removes what is damaged")
        }
        throw ExitCode(1)
    }

    /// Looks at artifacts again, now that nobody else may write, and has those computed again that are still damaged or missing.
    private func repair(_ spoiled: [Digest], in workspace: Workspace, _ store: BlobStore) throws {
        let lock = try RunLock(workspace.catalog)
        defer { withExtendedLifetime(lock) {} }
        var (damaged, missing): ([Digest], [Digest]) = ([], [])
        for digest in spoiled {
            switch store.condition(of: digest, deep: deep) {
            case .sound, .unknown: continue
            case .missing: missing.append(digest)
            case .damaged: damaged.append(digest)
            }
        }
        // The rows first: a row without its file would be trusted, a file without its row is only a stray.
        try workspace.catalog.results.setState(.evicted, of: damaged + missing)
        try store.remove(damaged)
        if !missing.isEmpty { print("noted that \(missing.count) artifacts are missing") }
        print("removed \(damaged.count) damaged artifacts; they are computed again when a step needs them")
    }
}
