import ArgumentParser
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
        let project = try catalogOptions.open()
        let verification = try project.verify(deep: deep)
        for problem in verification.problems { note("cellar: \(problem)") }
        print(
            "\(verification.artifactCount) artifacts checked\(deep ? " byte by byte" : ""), \(verification.problems.count) problems")
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
