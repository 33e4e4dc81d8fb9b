import ArgumentParser
import CellarKit
import Foundation
import TestSupport
import Testing

@testable import cellar

/// `cellar tour` and `cellar bug-report`.
@Suite("Guidance") struct GuidanceTests {
    private static func addTomogram(
        _ name: String, voxelSize: VoxelSize? = VoxelSize(cubicInAngstroms: 10), to scene: CommandScene
    ) throws {
        let shape = try #require(VolumeShape(z: 24, y: 64, x: 64))
        let voxels = try #require(VoxelBuffer(shape: shape, values: (0..<shape.count).map { Float($0 % 251) }))
        let writer = try MRCWriter(
            OutputFile(scene.directory.file("\(name).mrc"), replacing: false, protecting: .none), shape: shape,
            scalarType: .float32, voxelSize: voxelSize)
        try writer.append(voxels)
        try writer.finish()
        let added = scene.run("add", scene.directory.file("\(name).mrc"), "--dataset", "d")
        #expect(added.status == 0, "\(added)")
    }

    /// The commands that a tour names, as words.
    private func commands(_ output: String) -> [[String]] {
        output.split(separator: "\n").filter { $0.hasPrefix("      cellar ") }.map { line in
            // As a shell reads them: quotation marks hold words together.
            var (words, word, mark) = ([String](), "", Character?.none)
            for character in line.drop(while: { $0 == " " }) {
                if character == mark {
                    mark = nil
                } else if mark == nil, character == "'" || character == "\"" {
                    mark = character
                } else if mark == nil, character == " " {
                    words.append(word)
                    word = ""
                } else {
                    word.append(character)
                }
            }
            return Array((words + [word]).dropFirst())
        }
    }

    @Test("the tour says what comes next, and every command that it names is one")
    func tour() throws {
        let scene = try CommandScene()
        let empty = scene.run("tour")
        #expect(empty.status == 0 && empty.output.contains("→ tomograms") && empty.output.contains("cellar add"), "\(empty)")
        try Self.addTomogram("a", to: scene)
        let first = scene.run("tour").output
        #expect(
            first.contains("✓ tomograms") && first.contains("→ a first segmentation") && first.contains("cellar run"), "\(first)")
        #expect(!first.contains("cellar slab"), "only the next station is explained")
        let all = scene.run("tour", "--all").output
        let commands = commands(all)
        #expect(commands.count >= 15 && commands.contains(["slab", "add", "a", "--z", "7..<16"]), "\(commands)")
        for command in commands {
            #expect(throws: Never.self, "\(command)") { _ = try CellarCommand.parseAsRoot(command) }
        }
        for command in commands where command.first == "query" { #expect(scene.run(command).status == 0, "\(command)") }
        // Where a voxel size is missing, that comes first.
        let other = try CommandScene()
        try Self.addTomogram("b", voxelSize: nil, to: other)
        let unknown = other.run("tour").output
        #expect(unknown.contains("→ voxel sizes"), "\(unknown)")
        for command in self.commands(unknown) {
            #expect(throws: Never.self, "\(command)") { _ = try CellarCommand.parseAsRoot(command) }
        }
        // What the tour says to type works, and takes it further.
        #expect(scene.run(["slab", "add", "a", "--z", "7..<16"]).status == 0)
        #expect(scene.run("training", "add", "first").status == 0)
        let later = scene.run("tour").output
        #expect(later.contains("✓ a few slices to learn from") && later.contains("1 slab"), "\(later)")
        #expect(later.contains("✓ a training set") && later.contains("→ a first segmentation"))
        // Nothing was written by asking.
        #expect(scene.run("list", "runs").output.split(separator: "\n").count <= 1)
    }

    @Test("how far a command is, is said to people, to programs, or to nobody")
    func progress() throws {
        let scene = try CommandScene()
        try Self.addTomogram("a", to: scene)
        #expect(scene.run("run", "--until", DescribeStep.name, "--quiet").errors.isEmpty)
        let folder = scene.directory.file("copy")
        for arguments in [["verify", "--deep"], ["backup", folder], ["run", "--until", CalibrateStep.name]] {
            let said = scene.run(arguments + ["--json-progress"])
            #expect(said.status == 0, "\(said)")
            let objects = try said.errors.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
                try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
            }
            let last = try #require(objects.last, "\(arguments) said nothing: \(said)")
            #expect(last["command"] as? String == arguments[0] && last["fraction"] as? Double == 1, "\(last)")
            #expect(last["done"] as? Int == last["total"] as? Int && last["seconds"] is Double)
        }
        #expect(scene.run("verify", "--quiet", "--json-progress").status == 2)
    }

    @Test("a report of a problem says what failed, and names no folder outside")
    func report() throws {
        let scene = try CommandScene()
        try Self.addTomogram("a", to: scene)
        #expect(scene.run("recipe", "set", "mask.block=21").status == 0)
        try FileManager.default.removeItem(atPath: scene.directory.file("a.mrc"))
        try Data(repeating: 7, count: 2000).write(to: URL(fileURLWithPath: scene.directory.file("a.mrc")))
        #expect(scene.run("run", "--until", DescribeStep.name).status == 1)
        let printed = scene.run("bug-report")
        #expect(printed.status == 0, "\(printed)")
        for part in [
            "cellar: \(CellarCommand.version)", "mask.block: 21", "### \(DescribeStep.name) of d/a", "schema", "1 failed",
        ] {
            #expect(printed.output.contains(part), "\(part) in \(printed.output)")
        }
        let folder = URL(fileURLWithPath: scene.directory.file(".")).standardizedFileURL.path
        #expect(!printed.output.contains(folder) && !printed.output.contains("/tmp/"), "\(printed.output)")
        let file = scene.directory.file("report.md")
        #expect(scene.run("bug-report", "--output", file).status == 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8).hasPrefix("# Report of a problem with Cellar"))
        #expect(scene.run("bug-report", "--output", file).status == 1, "it is there already")
    }
}
