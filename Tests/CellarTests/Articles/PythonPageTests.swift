import Foundation
import TestSupport
import Testing

private let python = PythonProgram(running: "import pandas, h5py, zarr, mrcfile")
private let snakemake = PythonProgram(running: "import snakemake")

/// The blocks in Python of the site, run by a Python with the packages that they import.
@Suite("Python of the site") struct PythonPageTests {
    /// Runs a script in a project, where `cellar` is the built program.
    private func run(_ program: PythonProgram, _ arguments: [String], in project: DocumentedProject) throws -> String {
        let path = CellarProcess.executable.deletingLastPathComponent().path
        let inside = """
            import os, runpy, sys
            os.chdir(sys.argv[1])
            os.environ["PATH"] = sys.argv[2] + ":" + os.environ["PATH"]
            sys.argv = sys.argv[3:]
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True) if sys.argv[0].isidentifier() \\
                else runpy.run_path(sys.argv[0], run_name="__main__")
            """
        return try program.run(["-c", inside, project.folder, path] + arguments)
    }

    @Test("the page for Python is one script, which runs", .enabled(if: python != nil, PythonProgram.absence))
    func page() throws {
        let project = try DocumentedProject()
        let blocks = try Article.named("FromPython").code(in: "python")
        #expect(blocks.count >= 5)
        let script = "\(project.folder)/page.py"
        try blocks.joined(separator: "\n").write(toFile: script, atomically: false, encoding: .utf8)
        let output = try run(#require(python), [script], in: project)
        #expect(output.contains("tomo_02") && output.contains("['membrane', 'macromolecule'"), "\(output)")
        let mine = try project.cellar("query", "SELECT count(*) FROM v_annotation WHERE classes = 'mine'", "--format", "csv")
        #expect(mine.output == "count(*)\n1\n", "\(mine.errors)")
    }

    @Test("the Snakefile is that of the page")
    func snakefile() throws {
        #expect(
            try Article.named("Workflows").code(in: "python") == [Repository.text(of: "Tests/CellarTests/Workflows/Snakefile")])
    }

    @Test(
        "Snakemake runs Cellar where something is stale, and not where nothing is",
        .enabled(if: snakemake != nil, PythonProgram.absence))
    func workflow() throws {
        let project = try DocumentedProject()
        let snakefile = Repository.file("Tests/CellarTests/Workflows/Snakefile")
        let arguments = ["snakemake", "--cores", "1", "--snakefile", snakefile, "--directory", project.folder]
        func runs() throws -> Int {
            let result = try project.cellar("query", "SELECT max(id) AS id FROM v_run", "--format", "csv")
            return try #require(Int(result.output.split(separator: "\n").last ?? ""))
        }
        _ = try run(#require(snakemake), arguments, in: project)
        for name in ["tomo_01", "tomo_02"] {
            #expect(FileManager.default.fileExists(atPath: "\(project.folder)/exports/\(name).star"))
        }
        let first = try runs()
        _ = try run(#require(snakemake), arguments, in: project)
        #expect(try runs() == first)
        #expect(try project.cellar("recipe", "set", "measure.smallest_volume=2000").status == 0)
        _ = try run(#require(snakemake), arguments, in: project)
        #expect(try runs() == first + 1)
        #expect(try project.cellar("plan", "--check").status == 0)
    }
}
