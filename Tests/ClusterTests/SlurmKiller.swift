import Basics
import Foundation
import TestSupport

@testable import Cluster

/// Does to a run on Slurm what happens on clusters, and notes it.
final class SlurmKiller {
    enum Kind: String, CaseIterable {
        case worker, coordinator, truncated, full, requeue, scancel, slurmd

        /// How often it is chosen. A job that Slurm begins again waits for half a minute, and so does one of a lost node.
        var weight: Int {
            switch self {
            case .worker: 30
            case .coordinator, .truncated: 20
            case .scancel, .full: 10
            case .requeue: 5
            case .slurmd: 3
            }
        }
    }

    let folder: String
    let spool: String
    private let slurm: RealSlurm
    /// nil where no small file system can be mounted: the spool is never full then.
    private let disk: SmallDisk?
    private var random: RandomStream
    private(set) var counts: [Kind: Int] = [:]
    private(set) var truncated: [String: Int] = [:]
    private(set) var orphans: Set<pid_t> = []
    /// The node whose daemon was killed, and when it begins again.
    private var lost: (node: String, until: ContinuousClock.Instant)?
    private var fullUntil: ContinuousClock.Instant?

    init(folder: String, slurm: RealSlurm, seed: UInt64) throws {
        (self.folder, self.slurm, random) = (folder, slurm, RandomStream(state: seed))
        disk = SmallDisk.isPermitted ? try SmallDisk(megabytes: 16) : nil
        spool = disk?.path ?? slurm.folder.file("spool")
    }

    var total: Int { counts.values.reduce(0, +) }

    var record: ComputationRecord {
        ComputationRecord((try? String(contentsOfFile: "\(folder)/computed", encoding: .utf8)) ?? "")
    }

    /// Waits for a moment, and does one thing, where there is anything to do it to.
    func strike(_ coordinator: ChildProcess) throws {
        usleep(UInt32.random(in: 50_000...1_200_000, using: &random))
        try mend()
        guard !coordinator.hasEnded else { return }
        var ticket = Int.random(in: 0..<Kind.allCases.reduce(0) { $0 + $1.weight }, using: &random)
        let kind = Kind.allCases.first { kind in
            ticket -= kind.weight
            return ticket < 0
        }
        guard let kind, try strike(kind, coordinator) else { return }
        counts[kind, default: 0] += 1
    }

    /// - Returns: whether anything was done.
    private func strike(_ kind: Kind, _ coordinator: ChildProcess) throws -> Bool {
        switch kind {
        case .worker:
            guard let process = Self.soon({ self.workers.randomElement(using: &self.random) }) else { return false }
            return kill(process.id, SIGKILL) == 0
        case .coordinator:
            coordinator.kill()
            return true
        case .truncated:
            // One that came just now: the others are in the catalog already.
            guard let result = Self.soon({ self.newResults.randomElement(using: &self.random) }) else { return false }
            guard truncate("\(spool)/\(result)", off_t(Int.random(in: 0...200, using: &random))) == 0 else { return false }
            truncated[Self.name(of: result), default: 0] += 1
            return true
        case .full:
            guard let disk, fullUntil == nil else { return false }
            // Others may take the room first.
            do { try disk.fill(leaving: Int.random(in: 0...8, using: &random) * 4096) } catch { return false }
            fullUntil = .now + .milliseconds(Int.random(in: 100...1500, using: &random))
            return true
        case .requeue, .scancel:
            let states = kind == .requeue ? "RUNNING" : "RUNNING,PENDING"
            let jobs = try slurm.commands.run("squeue", ["--noheader", "--array", "--states=\(states)", "--format=%i|%j"])
            let own = jobs.split(separator: "\n").map { $0.split(separator: "|").map(\.trimmed) }.filter {
                $0.count == 2 && $0[1].hasPrefix("cellar-")
            }
            guard let job = own.randomElement(using: &random)?[0] else { return false }
            // It may have ended meanwhile.
            return
                (try? slurm.commands.run(kind == .requeue ? "scontrol" : "scancel", (kind == .requeue ? ["requeue"] : []) + [job]))
                != nil
        case .slurmd:
            guard lost == nil else { return false }
            let node = "node\(Int.random(in: 1...3, using: &random))"
            try slurm.node("kill", node)
            lost = (node, .now + .milliseconds(Int.random(in: 500...15_000, using: &random)))
            return true
        }
    }

    /// Something that is there now, or within a second; nil where it is not.
    private static func soon<Found>(_ find: () -> Found?) -> Found? {
        for _ in 0..<20 {
            if let found = find() { return found }
            usleep(50_000)
        }
        return nil
    }

    /// The results of the last moments, by their paths in the spool.
    private var newResults: [String] {
        (FileManager.default.enumerator(atPath: spool)?.compactMap { $0 as? String } ?? []).sorted().filter { name in
            guard name.hasPrefix("run-"), name.contains("/results/"), Digest(hexadecimal: Self.name(of: name)) != nil else {
                return false
            }
            var status = stat()
            guard stat("\(spool)/\(name)", &status) == 0 else { return false }
            let change = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9
            return Date().timeIntervalSince1970 - change < 0.2
        }
    }

    private static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// The jobs' processes that are there now.
    private var workers: [ComputationRecord.Process] {
        record.running.filter { process in
            let words = try? String(contentsOfFile: "/proc/\(process.id)/cmdline", encoding: .utf8)
            return words?.contains(folder) == true
        }
    }

    /// Takes back what was done long enough ago.
    ///
    /// - Parameter all: whether all is taken back, however long ago it was done.
    func mend(all: Bool = false) throws {
        // Its jobs go on meanwhile.
        if let lost { orphans.formUnion(workers.filter { $0.node == lost.node }.map(\.id)) }
        if let until = fullUntil, all || until <= .now {
            try disk?.fill(leaving: .max)
            fullUntil = nil
        }
        if let (node, until) = lost, all || until <= .now {
            try slurm.node("revive", node)
            lost = nil
        }
    }
}
