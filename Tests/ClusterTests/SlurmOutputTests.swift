import Basics
import Engine
import Testing

@testable import Cluster

@Suite("What Slurm's programs print") struct SlurmOutputTests {
    @Test("elements of arrays are read, and of an expression that is cut off what is whole")
    func elements() {
        let cases: [(String, job: Int, elements: [Int]?)] = [
            ("12", 12, nil), ("12_3", 12, [3]), ("12_[3-9%4]", 12, [3, 4, 5, 6, 7, 8, 9]), ("12_[7]", 12, [7]),
            ("12_[1,3-5,10-20:5%2]", 12, [1, 3, 4, 5, 10, 15, 20]), ("12_[0-2,40-4", 12, [0, 1, 2]),
            ("11_[0-1,3,5,", 11, [0, 1, 3, 5]),
            ("11_[0-1,3,5,...]", 11, nil), ("11_[0-1", 11, []), ("12_[]", 12, nil),
        ]
        for (text, job, elements) in cases {
            let parsed = SlurmElements(text)
            if elements == nil, text != "12" {
                #expect(parsed == nil, "\(text)")
            } else {
                #expect(parsed?.job == job && parsed?.elements == elements, "\(text): \(String(describing: parsed))")
            }
        }
        let others = [
            "", "_", "12_", "12.batch", "12_3.0", "12+0", "x_1", "12_[3-1]", "12_[1-99999999999]", "-1", "12_[1-5:0]", "１２",
        ]
        for text in others { #expect(SlurmElements(text) == nil, "\(text)") }
    }

    @Test("any set of elements comes back from the expression that Slurm would print")
    func roundTrip() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let count = Int.random(in: 1...40, using: &random)
            let numbers = Set((0..<count).map { _ in Int.random(in: 0...60, using: &random) }).sorted()
            let text = Self.expression(numbers)
            #expect(SlurmElements("7_[\(text)]")?.elements == numbers)
            #expect(SlurmElements("7_[\(text)%3]")?.elements == numbers)
            // Cut off anywhere, it names no element that is not meant.
            let whole = "7_[\(text)]"
            for length in 0..<whole.count {
                let found = SlurmElements(String(whole.prefix(length)))?.elements ?? []
                #expect(Set(found).isSubset(of: numbers), "\(whole.prefix(length))")
            }
        }
    }

    /// `0-2,5,7-9`.
    private static func expression(_ numbers: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound == number - 1 {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }

    @Test("states of sacct and squeue, with nodes and reasons")
    func states() {
        let sacct = """
            1204_0|COMPLETED|cn-014|0:0
            1204_1|FAILED|cn-014|1:0
            1204_2|CANCELLED by 1000|None assigned|0:0
            1204_3|OUT_OF_MEMORY|cn-015|0:125
            1204_4|NODE_FAIL|cn-016|0:0
            1204_5|PREEMPTED|cn-016|0:0
            1204_6|TIMEOUT|cn-016|0:0
            1204_7|REQUEUED|cn-016|0:0
            1204_8|RUNNING|cn-017|0:0
            1204_[9-11%4]|PENDING|None assigned|0:0
            1205_0|DEADLINE|None assigned|0:0
            1206|COMPLETED|cn-001|0:0
            1207_0|SOMETHING_NEW|cn-001|0:0
            1208_0|COMPL
            1209_
            """
        let node = { (name: String) -> String? in name }
        let expected: [Int: [Int: TaskState]] = [
            1204: [
                0: .done, 1: .failed(reason: .exit, node: node("cn-014")), 2: .failed(reason: .cancelled, node: nil),
                3: .failed(reason: .outOfMemory, node: node("cn-015")), 4: .failed(reason: .nodeFailure, node: node("cn-016")),
                5: .failed(reason: .preempted, node: node("cn-016")), 6: .failed(reason: .timeLimit, node: node("cn-016")),
                7: .waiting,
                8: .running(node: "cn-017"), 9: .waiting, 10: .waiting, 11: .waiting,
            ], 1205: [0: .failed(reason: .timeLimit, node: nil)],
        ]
        #expect(SlurmStates.states(in: sacct) == expected)
        let squeue = "10_[2-4%1]|PENDING||JobArrayTaskLimit\n10_1|RUNNING|node3|None\r\n10_0|COMPLETING|node1|None\n"
        #expect(
            SlurmStates.states(in: squeue) == [
                10: [0: .running(node: "node1"), 1: .running(node: "node3"), 2: .waiting, 3: .waiting, 4: .waiting]
            ])
        #expect(SlurmStates.states(in: "").isEmpty)
        #expect(SlurmStates.states(in: "Slurm accounting storage is disabled\n").isEmpty)
    }

    @Test("exit codes and signals, of either program")
    func exits() {
        let entries = SlurmStates.entries(
            in: "5_0|FAILED|n1|9:0\n5_1|FAILED|n1|0:11\n5_2|COMPLETED|n1|0:0\n5_3|FAILED|n1|NonZeroExitCode\n")
        let codes = [0, 1, 2, 3].map { entries[5]?[$0]?.exit }
        #expect(codes == [.init(code: 9), .init(signal: 11), .init(), nil])
        #expect(
            codes.map { $0?.words } == ["ended with the exit code 9", "was ended by signal 11 (Segmentation fault)", nil, nil])
        let text = "81                  6                   19456               \n81   5   9\n81 4\n\n7 N/A 0\n"
        #expect(SlurmStates.exits(in: text) == [81: [6: .init(code: 76), 5: .init(signal: 9)]])
    }

    @Test("any text is read without a trap, and any cut of lines says nothing that is not so")
    func cuts() {
        let text = "1204_0|COMPLETED|cn-014|0:0\n1204_[3-12%4]|PENDING|None assigned|0:0\n1204_1|CANCELLED by 1000|cn-1|0:0\n"
        let whole = SlurmStates.states(in: text)[1204] ?? [:]
        for length in 0...text.count {
            for (element, state) in SlurmStates.states(in: String(text.prefix(length)))[1204] ?? [:] {
                let isSame = whole[element] == state
                // The name of the node may be cut.
                let isCut = if case .failed(.cancelled, _) = state { true } else { false }
                #expect(isSame || isCut, "\(text.prefix(length))")
            }
        }
        let alphabet = Array("0123456789_[]-,:%|. \nRUNINGé")
        for _ in 0..<2000 {
            let noise = String((0..<Int.random(in: 0...60)).compactMap { _ in alphabet.randomElement() })
            _ = SlurmStates.states(in: noise)
            _ = SlurmJob.submitted(output: noise, offset: 0)
            _ = SlurmStates.exits(in: noise)
            _ = SlurmSite(configuration: noise, partitions: noise)
        }
    }

    @Test("the ids of submitted jobs, also of a cluster among several and below a site's remarks")
    func submitted() {
        #expect(SlurmJob.submitted(output: "1234\n", offset: 0) == SlurmJob(id: 1234))
        #expect(SlurmJob.submitted(output: "1234;big\n", offset: 50) == SlurmJob(id: 1234, offset: 50, cluster: "big"))
        #expect(SlurmJob.submitted(output: "Welcome! 17 jobs wait.\n99\n", offset: 0) == SlurmJob(id: 99))
        for text in ["", "Submitted batch job", "12x\n", "-3\n"] {
            #expect(SlurmJob.submitted(output: text, offset: 0) == nil, "\(text)")
        }
        for job in [
            SlurmJob(id: 1), SlurmJob(id: 7, offset: 1000), SlurmJob(id: 7, offset: 2, cluster: "a.b"),
            SlurmJob(id: 3, cluster: "c"),
        ] {
            #expect(SlurmJob(job.text) == job)
        }
        #expect(SlurmJob.all(in: "12,13+1000@big") == [SlurmJob(id: 12), SlurmJob(id: 13, offset: 1000, cluster: "big")])
        #expect(SlurmJob.all(in: "processes-1").isEmpty)
    }

    @Test("a site by what scontrol and sinfo say")
    func site() {
        let configuration = """
            Configuration data as of 2026-12-01T07:37:27
            AccountingStorageEnforce = associations,limits
            AccountingStorageType   = accounting_storage/slurmdbd
            ClusterName             = hpc
            MaxArraySize            = 30001
            SLURM_VERSION           = 23.11.4
            SlurmctldHost[0]        = head(10.0.0.1)

            Slurmctld(primary) at head is UP
            """
        let partitions = """
            cpu*|1-00:00:00|64|257000|(null)|12
            cpu*|1-00:00:00|48|190000+|(null)|3
            gpu|infinite|32|515000|gpu:a100:4(S:0-1)|2
            down|30:00|x|y|(null)|0
            """
        let site = SlurmSite(configuration: configuration, partitions: partitions)
        #expect(site.cluster == "hpc" && site.version == "23.11.4" && site.arrayLimit == 30001)
        #expect(site.hasAccounting && site.wantsAccount)
        let expected = [
            SlurmSite.Partition(
                name: "cpu", isDefault: true, mostSeconds: 86400, cpus: 48, memoryBytes: 190000 * 0x1p20, gres: nil, nodes: 15),
            SlurmSite.Partition(
                name: "gpu", isDefault: false, mostSeconds: nil, cpus: 32, memoryBytes: 515000 * 0x1p20,
                gres: "gpu:a100:4(S:0-1)", nodes: 2),
        ]
        #expect(site.partitions == expected)
    }

    @Test("a job's own variables, and those that shape answers, do not reach Slurm's programs")
    func environment() {
        let variables = [
            "PATH": "/bin", "SLURM_CONF": "/c", "SLURM_JOB_ID": "7", "SLURM_CPUS_PER_TASK": "3", "SQUEUE_STATES": "R",
            "SACCT_FORMAT": "x",
            "SBATCH_ACCOUNT": "lab",
        ]
        let expected = [
            "PATH": "/bin", "SLURM_CONF": "/c", "SBATCH_ACCOUNT": "lab", "SLURM_BITSTR_LEN": "0", "SLURM_TIME_FORMAT": "standard",
            "LC_ALL": "C",
        ]
        #expect(SlurmCommands.environment(from: variables) == expected)
    }

    @Test("what a program says becomes one sentence with a code")
    func errors() {
        let cases: [(String, ClusterErrorCode)] = [
            (
                "sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid partition name specified",
                .refused
            ),
            (
                "sbatch: error: AssocMaxSubmitJobLimit\nsbatch: error: Batch job submission failed: Job violates accounting/QOS policy",
                .queueFull
            ),
            ("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", .unavailable),
            ("slurm_load_jobs error: Unable to contact slurm controller (connect failure)", .unavailable),
            ("sinfo: fatal: Could not establish a configuration source", .unavailable),
            ("Slurm accounting storage is disabled", .unavailable), ("", .refused),
        ]
        for (text, code) in cases {
            let error = SlurmCommands.error(of: "sbatch", .init(status: 1, output: "", errors: text))
            #expect(error.code == code, "\(text)")
            #expect(!error.message.contains("\n") && !error.message.contains("sbatch: error"), "\(error)")
        }
    }
}
