import Engine
import Foundation
import TestSupport
import Testing

@testable import Cluster

@Suite("A check of a cluster") struct ClusterCheckTests {
    private static let begin = 1_000_000.0
    private static let trial = ClusterCheck.Trial(task: 0, job: "7", place: "partition cpu", begin: begin)

    private static func answer() -> NodeProbe.Answer {
        NodeProbe.Answer(
            token: "t", version: "1", host: "cn-01", catalogProblem: nil, time: begin + 3, processors: 4,
            features: .ofThisMachine(),
            threads: "1")
    }

    private static func problems(_ change: (inout NodeProbe.Answer) -> Void) -> [String] {
        var answer = answer()
        change(&answer)
        let check = ClusterCheck(ClusterProfile(name: "p", spool: "/s"), catalog: "/c", program: "/p", version: "1")
        return check.findings(on: answer, of: trial, now: begin + 5).filter(\.isProblem).map(\.sentence)
    }

    @Test("a node that is as it should be is no problem; another version, clock or catalog is one")
    func sentences() {
        #expect(Self.problems { _ in } == [])
        #expect(Self.problems { $0.version = "2" }.first?.contains("cn-01 has cellar 2, and this machine 1") == true)
        #expect(Self.problems { $0.catalogProblem = "Permission denied" }.first?.contains("/c: Permission denied") == true)
        #expect(Self.problems { $0.time -= 200 }.first?.contains("at least 197 s behind") == true)
        #expect(Self.problems { $0.time += 200 }.first?.contains("at least 198 s ahead of") == true)
        // What can be the time that the job waited and the answer travelled is no difference of clocks.
        #expect(Self.problems { $0.time += 3 } == [])
    }

    @Test("processors are told apart by the kernels that they run")
    func features() {
        let all = "processor : 0\nflags\t\t: fpu avx2 fma bmi2 avx512f avx512bw avx512dq avx512vl\n"
        #expect(ProcessorFeatures(text: all).kernels == "AVX-512")
        #expect(ProcessorFeatures(text: all.replacing("avx512dq ", with: "")).kernels == "AVX2")
        #expect(ProcessorFeatures(text: "flags : avx512f").kernels == "no AVX2")
        #expect(ProcessorFeatures(text: "").kernels == "no AVX2")
    }

    @Test("a node answers in the folder of the question, and says what it cannot see")
    func probe() throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        #expect { try NodeProbe.run(in: folder.path, task: 3, version: "1") } throws: {
            "\($0)".contains("does not see the question")
        }
        try folder.write("question.json", Array("nonsense".utf8))
        #expect(throws: ClusterError.self) { try NodeProbe.run(in: folder.path, task: 3, version: "1") }
        try NodeProbe.write(
            NodeProbe.Question(catalog: folder.file("no"), version: "1", token: "t"), to: folder.file("question.json"))
        _ = try NodeProbe.run(in: folder.path, task: 3, version: "2")
        let answer: NodeProbe.Answer = try NodeProbe.read(folder.file("answer-3.json")) { "" }
        #expect(answer.token == "t" && answer.version == "2" && answer.catalogProblem == "No such file or directory")
        #expect(abs(answer.time - Date().timeIntervalSince1970) < 60)
    }

    @Test(
        "a real job whose program answers, one whose program is not there, and one that waits for ever",
        .enabled(if: RealSlurm.isThere, RealSlurm.reason))
    func jobs() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        // A node of another version whose clock is five minutes late.
        let script = #"""
            token=$(sed 's/.*"token":"\([^"]*\)".*/\1/' "$3/question.json")
            echo "{\"token\":\"$token\",\"version\":\"0\",\"host\":\"$SLURMD_NODENAME\",\"time\":$(($(date +%s) - 300)),\"processors\":1,\"features\":{\"flags\":[]}}" >"$3/answer.tmp"
            mv "$3/answer.tmp" "$3/answer-$4.json"
            """#
        var profile = try slurm.profile(script)
        let check = { (profile: ClusterProfile, seconds: Double) in
            try ClusterCheck(profile, catalog: slurm.folder.path, program: "/p", version: "1", commands: slurm.commands)
                .run(waiting: seconds) { _ in }
        }
        let problems = try check(profile, 60).filter(\.isProblem).map(\.sentence)
        #expect(problems.count == 2, "\(problems)")
        #expect(problems.contains { $0.contains("has cellar 0") } && problems.contains { $0.contains("behind") })

        profile.program = slurm.folder.file("no program")
        var findings = try check(profile, 60)
        #expect(findings.count == 1 && findings[0].sentence.contains("(exit) without an answer, and said:"), "\(findings)")
        #expect(findings[0].sentence.contains("no program"))

        // A job that is held waits, and is cancelled in the end.
        profile.resources.options = ["--hold"]
        findings = try check(profile, 4)
        #expect(findings.count == 1 && findings[0].sentence.contains("still waits (JobHeldUser)"), "\(findings)")
        let pending = try slurm.commands.run("squeue", ["--noheader", "--states=PENDING,RUNNING", "--format=%j"])
        #expect(!pending.contains("cellar-check"))
        let leftovers = try FileManager.default.contentsOfDirectory(atPath: slurm.folder.path).filter { $0.hasPrefix("check-") }
        #expect(leftovers.isEmpty)
    }
}
