import ArgumentParser
import BlobStore
import CellarKit
import Foundation
import TestSupport
import Testing

@testable import cellar

/// No command writes over what a catalog knows, nor over anything else without `--force`.
@Suite struct WritingTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        .path

    /// Every command that writes the file of its option `--output`.
    private static let commands: [[String]] = [
        ["export", "labels", "t"], ["export", "map", "t", "--step", "segment", "--class", "membrane"], ["export", "points", "t"],
        ["export", "tomogram", "t"],
        ["export", "network", "first", "--step", "train-membrane"], ["show", "t"], ["show", "t", "--step", "segment"],
        ["show", "first", "--curves"], ["plot", "histogram", "--column", "volume_nm3"],
        ["model", "convert", "network.safetensors"],
    ]

    private func results() throws -> HandmadeResults {
        let results = try HandmadeResults()
        try results.publishSegmentation()
        try results.publishPicks()
        let header = #"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let bytes =
            (0..<8).map { UInt8(padded.utf8.count >> (8 * $0) & 255) } + Array(padded.utf8) + [UInt8](repeating: 0, count: 8)
        try results.folder.write("network.safetensors", bytes)
        try results.publish(
            "train-membrane", .trainingSet, curves: ["train_loss": [3, 2, 1]],
            artifacts: [
                (
                    "network", "network",
                    { artifact in
                        try artifact.setAttribute("classes", HandmadeResults.classes)
                        try artifact.write("safetensors", shape: [bytes.count], values: bytes)
                    }
                )
            ])
        return results
    }

    private func bytes(_ results: HandmadeResults, _ name: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: results.folder.file(name)))
    }

    @Test("no command writes over a tomogram, an annotation, a model or the catalog, by path or by link, --force or not")
    func protectedFiles() throws {
        let results = try results()
        let cellar = results.cellar
        let files = FileManager.default
        // Files with endings that every command takes: a tomogram, its labels, points of it.
        for name in ["t.png", "t.star"] {
            try files.copyItem(atPath: results.folder.file("t.mrc"), toPath: results.folder.file("\(name).mrc"))
            #expect(try cellar("add", "\(name).mrc", "--dataset", "d").status == 0)
            try files.createSymbolicLink(atPath: results.folder.file("link-\(name)"), withDestinationPath: "\(name).mrc")
            try files.linkItem(atPath: results.folder.file("\(name).mrc"), toPath: results.folder.file("hard-\(name)"))
        }
        try results.folder.write("picks.csv", Array("x_angstrom,y_angstrom,z_angstrom\n10,10,10\n".utf8))
        #expect(try cellar("annotate", "t", "--points", "picks.csv", "--class", "a", "--radius", "10").status == 0)
        let known = [
            "t.mrc", "link-t.png", "hard-t.png", "link-t.star", "hard-t.star", "picks.csv", ".cellar/catalog.sqlite",
            ".cellar/x.png",
            ".cellar/models/builtin-cellpose.safetensors",
        ]
        let before = try known.filter { $0 != ".cellar/x.png" && !$0.hasSuffix("sqlite") }.map { try bytes(results, $0) }
        for command in Self.commands {
            for name in known {
                for force in [[], ["--force"]] {
                    let refused = try cellar(command + ["--output", name] + force)
                    let hasOtherReason = refused.status == 2 && refused.errors.contains("neither .png nor .svg")
                    #expect(
                        hasOtherReason || refused.status == 1 && refused.errors.contains("stays as it is"),
                        "\(command) \(name) \(force): \(refused.errors)")
                }
            }
        }
        #expect(try known.filter { $0 != ".cellar/x.png" && !$0.hasSuffix("sqlite") }.map { try bytes(results, $0) } == before)
        #expect(!files.fileExists(atPath: results.folder.file(".cellar/x.png")))
        #expect(try cellar("status").status == 0)
    }

    @Test("another file is written over with --force only")
    func existingFiles() throws {
        let results = try results()
        for command in Self.commands {
            for name in ["out.png", "out.star", "out.mrc"] {
                let arguments = command + ["--output", name]
                let path = results.folder.file(name)
                try? FileManager.default.removeItem(atPath: path)
                let written = try results.cellar(arguments)
                guard written.status == 0 else { continue }
                try results.folder.write(name, Array("mine".utf8))
                let refused = try results.cellar(arguments)
                #expect(refused.status == 1 && refused.errors.contains("exists already"), "\(arguments): \(refused.errors)")
                #expect(try bytes(results, name) == Data("mine".utf8))
                #expect(try results.cellar(arguments + ["--force"]).status == 0, "\(arguments)")
                #expect(try bytes(results, name) != Data("mine".utf8))
            }
        }
        #expect(try results.cellar("report", "page", "--pictures", "0").status == 0)
        #expect(try results.cellar("report", "page", "--pictures", "0").errors.contains("page/index.html: exists already"))
        #expect(try results.cellar("report", "page", "--pictures", "0", "--force").status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: results.folder.path)
        #expect(!names.contains { $0.hasPrefix(".cellar-") }, "\(names)")
    }

    @Test("simulate writes nothing where one of its files is there, and never over a tomogram that a catalog knows")
    func simulation() throws {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        let simulate = ["simulate", "data", "--tomograms", "2", "--size", "48,40,16"]
        try folder.write("data/truth/tomo_02.json", Array("mine".utf8))
        let refused = try cellar(simulate)
        #expect(refused.status == 1 && refused.errors.contains("data/truth/tomo_02.json: exists already"), "\(refused.errors)")
        #expect(
            try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted() == [
                "data", "data/truth", "data/truth/tomo_02.json",
            ])
        #expect(try cellar(simulate + ["--force"]).status == 0)
        // The catalog is found above the files, too, from a folder that is not below it.
        #expect(try cellar("init", "data").status == 0)
        #expect(try cellar("add", "data/tomo_01.mrc", "--dataset", "d", "--catalog", "data").status == 0)
        let tomogram = try Data(contentsOf: URL(fileURLWithPath: folder.file("data/tomo_01.mrc")))
        let known = try cellar(simulate + ["--force", "--seed", "9"])
        #expect(known.status == 1 && known.errors.contains("the tomogram d/tomo_01"), "\(known.errors)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("data/tomo_01.mrc"))) == tomogram)
        #expect(try cellar("simulate", "none", "--snr=-1").status == 2)
        #expect(!FileManager.default.fileExists(atPath: folder.file("none")))
    }

    @Test("simulate --randomise draws a scene for each tomogram, and keeps what is given")
    func randomised() throws {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        let simulate = ["simulate", "data", "--tomograms", "2", "--size", "32,24,16", "--randomise"]
        #expect(try cellar(simulate + ["--voxel-size", "10", "--snr", "0.25"]).status == 0)
        struct Sidecar: Decodable {
            struct Parameters: Decodable {
                struct Optics: Decodable { var defocusInMicrometers: Double }
                var voxelSizeInAngstroms: Double
                var signalToNoiseRatio: Double
                var optics: Optics
            }
            var parameters: Parameters
        }
        let parameters = try ["01", "02"].map {
            let data = try Data(contentsOf: URL(fileURLWithPath: folder.file("data/truth/tomo_\($0).json")))
            return try JSONDecoder().decode(Sidecar.self, from: data).parameters
        }
        #expect(parameters.allSatisfy { $0.voxelSizeInAngstroms == 10 && $0.signalToNoiseRatio == 0.25 })
        #expect(parameters[0].optics.defocusInMicrometers != parameters[1].optics.defocusInMicrometers)
        let surfaces = try FileManager.default.attributesOfItem(atPath: folder.file("data/truth/tomo_01_surfaces.mrc"))
        #expect(surfaces[.size] as? Int == 1024 + 2 * 24 * 32 * 4)
        #expect(try cellar(simulate + ["--phase-plate"]).status == 2)
    }

    @Test("demo takes a new folder only, and make deletes none that is named")
    func demo() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write("mine/data/tomo_01.mrc", Array("mine".utf8))
        let refused = try CellarProcess(in: folder)("demo", "mine")
        #expect(refused.status == 1 && refused.errors.contains("mine exists already"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("mine".utf8))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "make", "--no-print-directory", "--dry-run", "-C", Self.root, "demo", "clean", "check-diffusion", "check-cellpose",
            "DEMO=precious", "CHECK=precious",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let deletions = text.split(separator: "\n").filter { $0.contains("rm ") }
        #expect(text.contains("demo precious") && !deletions.isEmpty, "\(text)")
        for line in deletions where line.contains("precious") {
            // A new folder in the one that is named, which mktemp made.
            #expect(line.contains("mktemp -d \"precious/") && line.contains("rm -rf \"$folder\""), "\(line)")
        }
    }

    @Test("every command that writes files has --force")
    func options() {
        func check(_ command: any ParsableCommand.Type, _ words: [String]) {
            let help = CellarCommand.helpMessage(for: command, columns: 200)
            if help.contains("--output <") || ["simulate", "report"].contains(words.last) {
                #expect(help.contains("--force "), "\(words.joined(separator: " "))")
            }
            let configuration = command.configuration
            for child in configuration.ungroupedSubcommands + configuration.groupedSubcommands.flatMap(\.subcommands) {
                check(child, words + [child._commandName])
            }
        }
        check(CellarCommand.self, ["cellar"])
    }

    @Test("the program makes output files in one place, and writes no others")
    func sources() throws {
        let folder = "\(Self.root)/Sources/cellar"
        for case let name as String in FileManager.default.enumerator(atPath: folder) ?? .init() where name.hasSuffix(".swift") {
            let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            for forbidden in ["OutputFile(", "OutputFolder(", ".write(to:", "createFile(", "forWritingTo:"]
            where name != "WritingOptions.swift" {
                #expect(!text.contains(forbidden), "\(name): \(forbidden)")
            }
        }
    }
}
