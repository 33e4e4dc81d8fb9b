import Basics
import BlobStore
import CellarKit
import Foundation
import Synchronization
import TestSupport
import Testing

/// Every call of the system may fail: each command then ends with a sentence, or succeeds, and leaves nothing that is trusted and
/// wrong. One call of each kind fails here, in one way or another. `CELLAR_ALL_FAULTS=1` has every call fail in every way:
/// some 19,000 points, 70 minutes on two cores beside builds. `CELLAR_ALL_FAULTS=7` visits every seventh of these points.
@Suite("A call of the system that fails") struct FaultInjectionTests {
    /// One call of one command that fails.
    private struct Point: Sendable {
        let command: FaultScene.Command
        let call: SystemCall
        let fault: Fault

        var text: String { "\(command), call \(call.number) (\(call.kind)) \(fault)" }
    }

    /// Of how many points one is visited; nil for the sample.
    private static let stride = ProcessInfo.processInfo.environment["CELLAR_ALL_FAULTS"].flatMap { Int($0) }.map { max(1, $0) }

    @Test("ends a command with a sentence or not at all, and spoils nothing, whatever call it is")
    func faults() throws {
        let scene = try FaultScene()
        var references: [FaultScene.Command: FaultScene.Reference] = [:]
        var points: [Point] = []
        for command in FaultScene.Command.allCases {
            let reference = try scene.reference(command)
            references[command] = reference
            points += Self.stride.map { Self.all(command, reference.calls, every: $0) } ?? Self.sample(command, reference.calls)
        }
        // Calls of Foundation, SQLite and HDF5 alike.
        let kinds = Set(references.values.flatMap { $0.calls.map(\.kind) })
        for expected in ["rename recipe.yaml", "write catalog.sqlite-wal", "mmap catalog.sqlite-shm", "write blobs h5"] {
            #expect(
                kinds.contains { $0.split(separator: " ").joined(separator: " ") == expected },
                "\(expected) among \(kinds.sorted())")
        }

        let all = points
        let known = references
        let next = Atomic<Int>(0)
        let outcome = Mutex<(visited: [FaultScene.Command: Int], failed: Int, harm: [String])>(([:], 0, []))
        let lanes = ProcessInfo.processInfo.activeProcessorCount + 1
        DispatchQueue.concurrentPerform(iterations: lanes) { _ in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < all.count, let reference = known[all[index].command] else { return }
                let (isVisited, hasFailed, harm) = Self.visit(all[index], scene, reference)
                let texts = harm.map { "\(all[index].text): \($0)" }
                outcome.withLock {
                    if isVisited { $0.visited[all[index].command, default: 0] += 1 }
                    if hasFailed { $0.failed += 1 }
                    $0.harm += texts
                }
                // All points take an hour: harm is said at once, and how far it is.
                for text in texts { FileHandle.standardError.write(Data("faults: \(text)\n".utf8)) }
                if Self.stride != nil, index % 500 == 499 {
                    FileHandle.standardError.write(Data("faults: \(index + 1) of \(all.count) points\n".utf8))
                }
            }
        }
        let (visited, failed, harm) = outcome.withLock { $0 }
        let counts = FaultScene.Command.allCases.map { "\($0) \(visited[$0] ?? 0) of \(known[$0]?.calls.count ?? 0) calls" }
        print("faults: \(visited.values.reduce(0, +)) points, \(failed) with an error: \(counts.joined(separator: ", "))")
        #expect(harm == [])
        for command in FaultScene.Command.allCases where Self.stride == nil { #expect(visited[command] ?? 0 > 10) }
    }

    /// How many kinds of calls of a command are visited at most, evenly spread: so many take a minute and a half for all commands.
    private static let sampleLimit = 60

    /// One call of each kind, the first, one in the middle and the last by turns, each with one fault.
    private static func sample(_ command: FaultScene.Command, _ calls: [SystemCall]) -> [Point] {
        var generator = RandomStream(state: UInt64(command.rawValue.utf8.reduce(0) { $0 &* 31 &+ Int($1) } & 0xffff))
        let byKind = Dictionary(grouping: calls, by: \.kind).sorted { $0.key < $1.key }
        let step = (byKind.count + sampleLimit - 1) / sampleLimit
        return Swift.stride(from: 0, to: byKind.count, by: max(1, step)).compactMap { index in
            let calls = byKind[index].value
            let call =
                [calls[0], calls[calls.count - 1], calls.randomElement(using: &generator) ?? calls[0]]
                .randomElement(using: &generator) ?? calls[0]
            let fault = Fault.allCases.filter { $0.applies(to: call) }.randomElement(using: &generator)
            return fault.map { Point(command: command, call: call, fault: $0) }
        }
    }

    private static func all(_ command: FaultScene.Command, _ calls: [SystemCall], every step: Int) -> [Point] {
        let points = calls.flatMap { call in
            Fault.allCases.filter { $0.applies(to: call) }.map { Point(command: command, call: call, fault: $0) }
        }
        return Swift.stride(from: 0, to: points.count, by: step).map { points[$0] }
    }

    private static func visit(
        _ point: Point, _ scene: FaultScene, _ reference: FaultScene.Reference
    ) -> (isVisited: Bool, hasFailed: Bool, harm: [String]) {
        do {
            let folder = try scene.begin(point.command)
            defer { scene.end(folder) }
            let end = try scene.program.run(
                scene.arguments(point.command, in: folder), of: folder, fault: (point.call.number, point.fault))
            var harm = try scene.harm(in: folder, after: point.command, ended: end, reference)
            // A call that was not reached this time, because threads took turns in another order, leaves nothing to recover from.
            guard let call = end.calls.first else { return (false, end.status != 0, harm) }
            harm += try scene.lastingHarm(in: folder, after: point.command, ended: end, reference)
            return (true, end.status != 0, harm.map { "\($0) (\(call.name) \(call.path); \(end.errors.suffix(300)))" })
        } catch {
            return (false, false, ["\(error)"])
        }
    }

    @Test("is no damage: verify --repair removes nothing for it")
    func verifying() throws {
        let scene = try FaultScene()
        let command = ["verify", "--deep", "--repair"]
        let folder = try scene.begin(.gc)
        let clean = try scene.program.run(command, of: folder, notes: true)
        scene.end(folder)
        #expect(clean.status == 0, "\(clean.errors)")
        let calls = clean.calls.filter { $0.path.hasSuffix(".h5") && ["open", "read"].contains($0.name) }
        #expect(calls.count > 50)
        var refusals = 0
        for (index, call) in calls.enumerated() where Self.stride == 1 || index % 5 == 0 {
            let fault = [Fault.inputOutput, .noAccess, .tooManyFiles][index / 5 % 3]
            let folder = try scene.begin(.gc)
            defer { scene.end(folder) }
            let end = try scene.program.run(command, of: folder, fault: (call.number, fault))
            if end.status == 1, end.errors.contains("could not be checked") { refusals += 1 }
            #expect(!end.output.contains("removed"), "\(call) \(fault)")
            let store = try BlobStore(directory: "\(folder)/.cellar/blobs")
            let artifacts = try Catalog.open(at: CatalogDirectory(path: "\(folder)/.cellar")).results.artifacts()
            #expect(
                artifacts.allSatisfy { $0.state == .present && store.condition(of: $0.digest, deep: true) == .sound },
                "\(call) \(fault)")
        }
        #expect(refusals > 10)
    }
}
