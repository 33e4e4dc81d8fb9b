import ArgumentParser
import BlobStore
import CellarKit

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that every artifact is there and sound.",
        discussion: """
            Checks the database, and that each artifact's file is there and of the right structure; with --deep also that its \
            content has the digest it is named after, which reads every byte.
            """)

    @Flag(help: "Read every artifact and compare its digest.")
    var deep = false

    @Flag(help: "Remove damaged artifacts, so that they are computed again when they are needed.")
    var repair = false

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let workspace = try catalogOptions.open()
        let store = try workspace.store()
        var problems = try workspace.catalog.integrityProblems()
        let artifacts = try workspace.catalog.artifacts().filter { $0.state == .present }
        var damaged: [Digest] = []
        for artifact in artifacts {
            do {
                try store.verify(artifact.digest, deep: deep)
            } catch {
                problems.append("\(error)")
                damaged.append(artifact.digest)
            }
        }
        for problem in problems { note("cellar: \(problem)") }
        print("\(artifacts.count) artifacts checked\(deep ? " byte by byte" : ""), \(problems.count) problems")
        guard !problems.isEmpty else { return }
        if repair, !damaged.isEmpty {
            let lock = try RunLock(workspace.catalog)
            defer { withExtendedLifetime(lock) {} }
            try workspace.catalog.setState(.evicted, of: damaged)
            try store.remove(damaged.filter(store.contains))
            print("removed \(damaged.count) damaged artifacts; they are computed again when a step needs them")
        } else if !damaged.isEmpty {
            note("--repair removes what is damaged")
        }
        throw ExitCode(1)
    }
}
