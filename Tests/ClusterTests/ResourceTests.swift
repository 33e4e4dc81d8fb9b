import Engine
import Testing

@testable import Cluster

@Suite("What an attempt asks for") struct ResourceTests {
    @Test("the run itself, as a job, asks for its own, and else for what steps ask for, but as long as may be")
    func coordinator() {
        var profile = ClusterProfile(name: "p", spool: "/s")
        (profile.resources.partition, profile.resources.seconds, profile.resources.mostSeconds) = ("cpu", 7200, 86400)
        (profile.coordinator.memoryBytes, profile.atOnce) = (0x1p31, 7)
        let own = profile.forCoordinator.resources(for: [])
        #expect(
            own.partition == "cpu" && own.seconds == 86400 && own.memoryBytes == 0x1p31 && profile.forCoordinator.atOnce == nil)
    }

    @Test("items are divided into tasks that fill the slots, and none where they are too small for one")
    func division() {
        var options = SpoolOptions.cluster()
        options.slots = 10
        #expect(options.division(of: 1000, secondsPerItem: 0.01).tasks == 0)
        // 10,000 s for 20 tasks of 500 s.
        let even = options.division(of: 1000, secondsPerItem: 10)
        #expect(even.tasks == 20 && even.secondsPerTask == 500)
        // No task is longer than ten minutes, or than one item.
        #expect(options.division(of: 1000, secondsPerItem: 100).tasks == 167)
        #expect(options.division(of: 3, secondsPerItem: 5000).tasks == 3)
        // What never ran is taken to take ten seconds.
        #expect(options.division(of: 30, secondsPerItem: nil).tasks == 5)
    }

    @Test("durations and amounts, as people and Slurm write them")
    func quantities() {
        let durations: [(String, Double?)] = [
            ("90s", 90), ("15min", 900), ("2h", 7200), ("1.5d", 129600), ("2:30:00", 9000), ("30:00", 1800),
            ("1-12:00:00", 129600),
            ("1-12:00", 129600), ("2 h", 7200), ("90", nil), ("", nil), ("-2h", nil), ("2x", nil), ("1:2", nil),
            ("infinite", nil), ("２h", nil),
        ]
        for (text, seconds) in durations { #expect(DurationText.seconds(text) == seconds, "\(text)") }
        #expect(
            DurationText.slurm(1) == "00:01:00" && DurationText.slurm(129601) == "1-12:01:00"
                && DurationText.slurm(.infinity) != "")
        #expect(DurationText.slurm(.nan) == "00:01:00" && MemoryText.slurm(.nan) == "1M")
        for minutes in stride(from: 1, to: 100_000, by: 997) {
            #expect(DurationText.seconds(DurationText.slurm(Double(minutes) * 60)) == Double(minutes) * 60)
        }
        let amounts: [(String, Double?)] = [
            ("500M", 500 * 0x1p20), ("8G", 0x1p33), ("1.5T", 1.5 * 0x1p40), ("8 GB", 0x1p33), ("8GiB", 0x1p33), ("8", nil),
            ("8g", nil), ("G", nil),
        ]
        for (text, bytes) in amounts { #expect(MemoryText.bytes(text) == bytes, "\(text)") }
        #expect(MemoryText.slurm(1) == "1M" && MemoryText.slurm(0x1p30 + 1) == "1025M")
    }

    @Test(
        "records count with a margin, the profile where there are none, and each end for want of them doubles, three times, to a limit"
    )
    func attempts() {
        var resources = JobResources()
        (resources.seconds, resources.memoryBytes) = (7200, 0x1p30)
        var submission = JobSubmission(bundle: "/b", tasks: 0..<1, name: "n", steps: [], threads: 4, attempt: 9, logs: "/l")
        let requests = (0...5).map { AttemptRequest(resources, for: submission, after: Shortages(memory: 0, time: $0)) }
        #expect(requests.map(\.seconds) == [7200, 14400, 28800, 57600, 57600, 57600])
        #expect(requests.allSatisfy { $0.memoryBytes == 0x1p30 && $0.cpus == 4 })
        let others = (0...5).map { AttemptRequest(resources, for: submission, after: Shortages(memory: $0, time: 0)) }
        #expect(others.map(\.memoryBytes) == [1, 2, 4, 8, 8, 8].map { $0 * 0x1p30 })
        #expect(others.allSatisfy { $0.seconds == 7200 })

        (submission.estimatedSeconds, submission.memoryBytes) = (1000, 1 << 32)
        (resources.cpus, resources.mostMemoryBytes) = (2, 8 * 0x1p30)
        var request = AttemptRequest(resources, for: submission, after: Shortages())
        #expect(request.seconds == 1800 && request.memoryBytes == 6.5 * 0x1p30 && request.cpus == 2)
        request = AttemptRequest(resources, for: submission, after: Shortages(memory: 1, time: 1))
        #expect(request.seconds == 3600 && request.memoryBytes == 8 * 0x1p30)

        // Where nobody knows, nothing is asked.
        let unknown = JobSubmission(bundle: "/b", tasks: 0..<1, name: "n", steps: [], threads: 1, attempt: 1, logs: "/l")
        #expect(AttemptRequest(JobResources(), for: unknown, after: Shortages()).seconds == nil)
    }

    @Test("pauses between questions grow to a minute, and a change makes them short again")
    func pauses() {
        var pauses = PollPauses()
        var sum = Duration.zero
        for _ in 0..<20 {
            sum += pauses.pause
            pauses.answered(changed: false)
        }
        #expect(pauses.pause == .seconds(60))
        #expect(sum > .seconds(600))
        pauses.answered(changed: true)
        #expect(pauses.pause == .seconds(2))
    }
}
