import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import cellar

/// What people install: the program with its version, its manual and its completions (Packaging/README.md).
@Suite("An installed program") struct InstallationTests {
    /// The names of files of manual pages: every command that is shown.
    private static let pages = Set(
        CellarCommand.all.filter { $0.type.configuration.shouldDisplay }.map { $0.name.replacing(" ", with: "-") + ".1" })

    @Test("--version prints the version alone on its first line, then the commit, the processor and Swift")
    func version() throws {
        let lines = try CellarProcess(folder: "/")("--version").output.split(separator: "\n").map(String.init)
        #expect(lines.first == CellarCommand.version)
        #expect(lines.first?.wholeMatch(of: /\d+\.\d+\.\d+/) != nil)
        let processor = try #require(lines.first { $0.contains("OpenBLAS") })
        #expect(processor.wholeMatch(of: /\w+, (AVX-512|AVX2|no AVX2), OpenBLAS kernels \w+/) != nil)
        #expect(lines.last?.wholeMatch(of: /Swift \d+\.\d+/) != nil)
        // The compiler does not know the commit: a commit compiles nothing anew.
        #expect(ProgramVersion.commit == nil && lines.count == 3)
    }

    @Test("a manual page is written for every command, with each of its options")
    func manual() throws {
        let pages = try ManualPage.all(of: CellarCommand._dumpHelp(), version: "1.2.3")
        #expect(Set(pages.map(\.fileName)) == Self.pages)
        #expect(pages.count == Self.pages.count && pages.count > 40)
        for page in pages {
            #expect(page.text.hasPrefix(".TH \""))
            for section in ["NAME", "SYNOPSIS"] { #expect(page.text.contains("\n.SH \(section)\n"), "\(page.name)") }
            // Outside of macros, no line begins as one, and none is empty.
            let lines = page.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            #expect(lines.allSatisfy { $0.wholeMatch(of: /\.(TH|SH|TP|PP|B|br|nf|fi|nh|ad)( .*)?/) != nil || !$0.hasPrefix(".") })
            #expect(lines.allSatisfy { !$0.isEmpty && !$0.hasPrefix("'") }, "\(page.name)")
        }
        let run = try #require(pages.first { $0.name == "cellar run" }).text
        #expect(run.contains(#"\fB\-\-fail\-fast\fR"#) && run.contains("cellar\\fR(1)"))
        let add = try #require(pages.first { $0.name == "cellar add" }).text
        #expect(add.contains(#"cellar add tomograms \-\-recursive \-\-dataset lab"#))
    }

    @Test("man(1) finds nothing to complain about in any page, where it is installed")
    func warnings() throws {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        guard try cellar(running: ["sh", "-c", "command -v groff"]).status == 0 else { return }
        for page in try ManualPage.all(of: CellarCommand._dumpHelp(), version: "1.2.3") {
            try folder.write(page.fileName, Array(page.text.utf8))
            let read = try cellar(running: ["groff", "-man", "-Kutf8", "-Tutf8", "-ww", folder.file(page.fileName)])
            #expect(read.status == 0 && read.errors.isEmpty, "\(page.name): \(read.errors)")
            // Bold is printed by some as each letter twice, with a step back between.
            #expect(read.output.replacing(/.\u{8}/, with: "").contains("SYNOPSIS"))
        }
    }

    @Test("make install puts program, manual and completions under PREFIX, and make uninstall removes these and nothing else")
    func installing() throws {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        try folder.write("root/opt/x/share/man/man1/cellar-door.1", Array("somebody else's".utf8))
        let before = try cellar(running: ["find", "root"]).output
        let settings = ["PROGRAM=\(CellarProcess.executable.path)", "DESTDIR=\(folder.file("root"))", "PREFIX=/opt/x"]
        func make(_ target: String) throws {
            let result = try cellar(running: ["make", "-s", "-C", Repository.path, target] + settings)
            #expect(result.status == 0, "make \(target): \(result.output)\(result.errors)")
        }
        for _ in 0..<2 { try make("install") }

        let prefix = folder.file("root/opt/x")
        let version = try cellar(running: ["\(prefix)/bin/cellar", "--version"])
        #expect(version.output.hasPrefix("\(CellarCommand.version)\n"))
        if try cellar(running: ["git", "-C", Repository.path, "rev-parse", "HEAD"]).status == 0 {
            #expect(version.output.contains(/\ncommit [0-9a-f]{10}(-dirty)?\n/), "\(version.output)")
        }
        func size(_ file: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(prefix)/\(file)")
            return (attributes[.size] as? Int) ?? 0
        }
        let pages = try FileManager.default.contentsOfDirectory(atPath: "\(prefix)/share/man/man1")
        #expect(Set(pages) == Self.pages.union(["cellar-door.1"]))
        for shell in [
            "bash-completion/completions/cellar", "zsh/site-functions/_cellar", "fish/vendor_completions.d/cellar.fish",
        ] {
            #expect(try size("share/\(shell)") > 10_000)
        }
        for file in ["LICENSE", "README.md", "CHANGELOG.md"] { #expect(try size("share/doc/cellar/\(file)") > 100) }
        let built = try FileManager.default.attributesOfItem(atPath: CellarProcess.executable.path)[.size] as? Int
        #expect(try size("bin/cellar") < (built ?? 0), "it is stripped")

        try make("uninstall")
        #expect(
            try cellar(running: ["find", "root"]).output.split(separator: "\n").sorted() == before.split(separator: "\n").sorted()
        )
    }
}
