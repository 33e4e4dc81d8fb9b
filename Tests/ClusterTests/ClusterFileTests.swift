import Basics
import Foundation
import TestSupport
import Testing

@testable import Cluster

@Suite("clusters.yaml") struct ClusterFileTests {
    private static let steps = ["describe", "features", "train-picks", "train-membrane", "measure"]

    private static func read(_ text: String, _ profile: String? = nil) throws -> ClusterProfile {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        try folder.write(ClusterFile.name, Array(text.utf8))
        return try ClusterFile(directory: folder.path).read(profile, steps: steps)
    }

    /// The sentence for a file, without the folder.
    private static func sentence(_ text: String, _ profile: String? = nil) -> String {
        do {
            _ = try read(text, profile)
            return "no error"
        } catch { return "\((error as? ClusterError)?.message ?? "\(error)")" }
    }

    private static let full = """
        default: main
        profiles:
          main:
            spool: /scratch/me/cellar
            program: "/opt/cellar's/bin/cellar"
            setup: [module purge, "module load hdf5"]
            prefix: [apptainer, exec, /images/cellar.sif]
            array_limit: 500
            at_once: 40
            attempts: 5
            requeue: no
            partition: cpu
            account: lab
            time: 2h
            memory: 8G
            most_time: 1-00:00:00
            options: [--constraint=avx512]
            steps:
              train-*: {partition: gpu, gres: "gpu:1", time: 12h, memory: 32G, qos: long, options: [--licenses=x]}
              train-picks: {memory: 48GiB}
              features:
                cpus: 8
          small:
            spool: /tmp/x
        """

    @Test("is read whole, and a step has its own resources, then those of its class, then those of all")
    func full() throws {
        let main = try Self.read(Self.full)
        #expect(main.name == "main" && main.spool == "/scratch/me/cellar" && main.program == "/opt/cellar's/bin/cellar")
        #expect(
            main.setup == ["module purge", "module load hdf5"] && main.prefix == ["apptainer", "exec", "/images/cellar.sif"])
        #expect(main.arrayLimit == 500 && main.atOnce == 40 && main.attempts == 5 && !main.requeues)
        let picks = main.resources(for: ["train-picks"])
        #expect(picks.partition == "gpu" && picks.account == "lab" && picks.qos == "long" && picks.gres == "gpu:1")
        #expect(picks.seconds == 12 * 3600 && picks.memoryBytes == 48 * 0x1p30 && picks.mostSeconds == 86400)
        #expect(picks.options == ["--constraint=avx512", "--licenses=x"])
        #expect(main.resources(for: ["measure"]) == main.resources)
        #expect(main.resources(for: ["features"]).cpus == 8 && main.resources(for: ["features"]).partition == "cpu")
        // A task of several steps has the place of the hardest, and the most of each.
        let both = main.resources(for: ["features", "train-picks", "measure"])
        #expect(both.partition == "gpu" && both.cpus == 8 && both.memoryBytes == 48 * 0x1p30)
        let small = try Self.read(Self.full, "small")
        #expect(small.requeues && small.attempts == 3 && small.resources == JobResources())
    }

    @Test("the profile of the README is one")
    func documented() throws {
        let text = try Repository.text(of: "Sources/Cluster/README.md")
        let block = try #require(text.firstMatch(of: /```yaml\n([\s\S]*?)```/)).1
        let profile = try Self.read(String(block))
        #expect(profile.atOnce == 100 && profile.resources(for: ["train-picks"]).memoryBytes == 48 * 0x1p30)
        #expect(profile.resources(for: ["train-picks"]).gres == "gpu:1")
    }

    @Test("a typo anywhere is one sentence that says where, and what may stand there")
    func typos() {
        let cases: [(String, [String])] = [
            ("profiles: {main: {spol: /a}}", ["profiles.main has no key spol", "did you mean spool?"]),
            (
                "profiles: {main: {spool: /a, steps: {features: {memmory: 8G}}}}",
                ["profiles.main.steps.features", "memory?", "most_time"]
            ),
            (
                "profiles: {main: {spool: /a, steps: {feature: {memory: 8G}}}}",
                ["profiles.main.steps.feature is no step", "did you mean features?"]
            ),
            ("profiles: {main: {spool: /a, steps: {trian-*: {memory: 8G}}}}", ["trian-*", "no class of steps"]),
            ("profiles: {main: {spool: /a, memory: 8}}", ["memory: 8", "8G"]),
            ("profiles: {main: {spool: /a, time: 20}}", ["time: 20", "2h"]),
            ("profiles: {main: {spool: /a, time: 0h}}", ["time: 0h"]),
            ("profiles: {main: {spool: a}}", ["spool: a", "absolute"]),
            ("profiles: {main: {partition: x}}", ["profiles.main has no spool"]),
            ("profiles: {main: {spool: /a, cpus: many}}", ["cpus: many", "whole number from 1"]),
            ("profiles: {main: {spool: /a, attempts: 0}}", ["attempts: 0"]),
            ("profiles: {main: {spool: /a, requeue: perhaps}}", ["true or false"]),
            ("profiles: {main: {spool: /a, partition: a b}}", ["partition: a b", "one word"]),
            ("profiles: {main: {spool: /a, partition: [a]}}", ["partition", "one value"]),
            ("profiles: {main: {spool: /a, options: [constraint=x]}}", ["begin with -"]),
            ("profiles: {main: {spool: /a, options: [-C x]}}", ["blank"]),
            ("profiles: {main: {spool: /a, options: [--array=1]}}", ["--array", "itself"]),
            ("profiles: {main: {spool: /a, options: [--mem=1]}}", ["write memory: VALUE"]),
            ("profiles: {main: {spool: \"/a\\nb\"}}", ["control character"]),
            ("profiles: {main: [a]}", ["profiles.main is no mapping"]),
            ("profile: {main: {spool: /a}}", ["the file has no key profile", "did you mean profiles?"]),
            ("default: other\nprofiles: {main: {spool: /a}}", ["there is no profile other"]),
            ("profiles: {a: {spool: /a}, b: {spool: /b}}", ["several profiles", "a, b"]),
            ("", ["has no profiles"]), ("# nothing\n", ["has no profiles"]), ("[1", ["not understood"]), ("x", ["no mapping"]),
            ("profiles: {main: {spool: /a, spool: /b}}", ["spool"]),
        ]
        for (text, parts) in cases {
            let sentence = Self.sentence(text)
            for part in parts { #expect(sentence.contains(part), "\(text): \(sentence)") }
            #expect(!sentence.contains("\n"), "\(sentence)")
        }
        #expect(Self.sentence(Self.full, "mian").contains("did you mean main?"))
    }

    @Test("aliases of aliases do not grow without end, and noise is an error")
    func noise() {
        var text = "a0: &a0 [x, x]\n"
        for level in 1...60 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(Self.sentence(text + "profiles: *a60\n").contains("aliases"))
        let base = Array(Self.full.utf8)
        for _ in 0..<300 {
            var bytes = base
            for _ in 0..<Int.random(in: 1...4) { bytes[Int.random(in: 0..<bytes.count)] = UInt8.random(in: 9...126) }
            _ = Self.sentence(String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test("the file that init writes is read, for any cluster, and never takes the place of another")
    func template() throws {
        let configurations = [
            "ClusterName = hpc\nMaxArraySize = 101\nSLURM_VERSION = 22.05\nAccountingStorageEnforce = associations", "",
            "ClusterName = a\"b'c: #d",
        ]
        let partitions = [
            "cpu*|1-00:00:00|64|257000|(null)|12\ngpu|infinite|32|515000|gpu:a100:4|2", "", "p|30:00|1|900|(null)|1",
            "a:b*|x|1|1|(null)|1",
        ]
        for configuration in configurations {
            for partition in partitions {
                let site = SlurmSite(configuration: configuration, partitions: partition)
                let text = ClusterFile.template(for: site, program: "/a \"b\"/cellar", spool: "/s's\\p")
                let profile = try Self.read(text)
                #expect(profile.spool == "/s's\\p" && profile.program == "/a \"b\"/cellar")
                #expect(profile.resources.partition == site.partitions.first?.name)
                #expect(profile.arrayLimit ?? 0 <= site.arrayLimit)
                // What stands in comments is right, too.
                let commented = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                    line.replacing(/^    # (\w+:(?: |$)|  train|    )/) { "    \($0.1)" }
                }
                if partition.contains("gpu") {
                    let all = try Self.read(commented.joined(separator: "\n"))
                    #expect(all.atOnce == 100 && all.cpus == 4 && all.steps["train-*"]?.gres == "gpu:1", "\(commented)")
                }
            }
        }
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let file = ClusterFile(directory: folder.path)
        #expect { try file.read(nil, steps: []) } throws: { "\($0)".contains("cellar cluster init slurm") }
        try file.create("a")
        #expect(throws: ClusterError.self) { try file.create("b") }
        #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "a")
    }
}

extension ClusterProfile { fileprivate var cpus: Int? { resources.cpus } }
