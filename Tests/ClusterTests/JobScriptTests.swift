import Engine
import Foundation
import TestSupport
import Testing

@testable import Cluster

@Suite("The script of a job") struct JobScriptTests {
    private static func script(_ profile: ClusterProfile, bundle: String = "/b") -> JobScript {
        let submission = JobSubmission(
            bundle: bundle, tasks: 0..<10, name: "run-1", steps: [], threads: 3, attempt: 1, logs: "/spool/50% done")
        return JobScript(
            profile: profile, program: "/usr/bin/env", command: { ["work", "--threads", "\($0)"] }, submission: submission)
    }

    @Test("the shell hands words to the program as they are, whatever is in them, and becomes it")
    func words() throws {
        let folder = try TemporaryDirectory()
        defer { withExtendedLifetime(folder) {} }
        let program = try folder.write(
            "a 'b' $c/pro\"gram", Array("#!/bin/bash\nprintf '%s|' \"$@\" $OMP_NUM_THREADS \"$LOADED\" $$ $BASHPID\n".utf8))
        chmod(program, 0o755)
        for bundle in ["/plain", "/with blank", "/it's", "/$(touch x)`id`", "/new\nline", "/\\", "/ünï", "/a*?[b]", "/-n !x"] {
            var profile = ClusterProfile(name: "p", spool: "/s")
            profile.program = program
            profile.prefix = ["/usr/bin/env", "A B=c d"]
            profile.setup = ["export LOADED='yes it is'", "cd /"]
            let text = Self.script(profile, bundle: bundle).text(offset: 1000)
            var shell = SpawnedProgram("/bin/bash", [Array("-c".utf8), Array("\(text)".utf8)], in: folder.path)
            shell.environment["SLURM_ARRAY_TASK_ID"] = "08".replacing("0", with: "")
            let result = try shell.run()
            let fields = result.output.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            try #require(fields.count == 10, "\(text)\n\(result.output)\(result.errors)")
            #expect(Array(fields[0..<7]) == ["work", "--threads", "3", bundle, "1008", "3", "yes it is"])
        }
    }

    @Test("sbatch is told everything explicitly")
    func arguments() {
        var profile = ClusterProfile(name: "p", spool: "/s")
        profile.atOnce = 4
        profile.resources.partition = "cpu"
        profile.resources.seconds = 3600
        profile.resources.memoryBytes = 0x1p30
        profile.resources.gres = "gpu:1"
        profile.resources.options = ["--constraint=avx512"]
        let arguments = Self.script(profile).arguments(elements: 2..<10, note: "note")
        for argument in [
            "--parsable", "--job-name=run-1", "--array=2-9%4", "--cpus-per-task=3", "--time=01:00:00", "--mem=1024M",
            "--partition=cpu",
            "--gres=gpu:1", "--requeue", "--signal=B:USR2@90", "--output=/spool/50%% done/%A_%a.log", "--constraint=avx512",
            "--comment=note",
        ] { #expect(arguments.contains(argument), "\(argument)") }
        profile.requeues = false
        profile.resources = JobResources()
        let fewer = Self.script(profile).arguments(elements: 0..<1, note: "note")
        #expect(fewer.contains("--no-requeue") && !fewer.contains("--requeue"))
        #expect(!fewer.contains { $0.hasPrefix("--time") || $0.hasPrefix("--mem") || $0.hasPrefix("--partition") })
        #expect(fewer.contains("--array=0-0%4"))
    }
}
