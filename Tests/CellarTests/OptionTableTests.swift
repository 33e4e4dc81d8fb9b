import CellarKit
import Dispatch
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("Every option of every command") struct OptionTableTests {
    /// Options that many commands share: each command is given some of their values, unless `CELLAR_ALL_OPTIONS=1` asks for all.
    private static let shared: Set = ["catalog", "format", "where"]
    private static let sharedValues = 2
    /// What asks a cluster, which is on few machines: `make check-cluster` runs them on one.
    private static let needingCluster: Set = ["cluster init", "cluster check", "cluster coordinate"]
    private static let isComplete = ProcessInfo.processInfo.environment["CELLAR_ALL_OPTIONS"] == "1"

    private struct Case {
        let option: OptionTable.Option
        let value: OddValue

        var title: String { "cellar \(option.command), \(option.name) = \(value.name)" }

        /// A demo takes minutes, and it begins in any new folder. A server does not end: ViewerTests tries it.
        var takesLong: Bool { option.command == "demo" && value.isNew || option.command == "serve" }
    }

    private static func table() throws -> OptionTable {
        let folder = try TemporaryDirectory()
        let help = try CellarProcess(in: folder)("--experimental-dump-help")
        try #require(help.status == 0)
        return try OptionTable(help: help.output)
    }

    private static func cases(of table: OptionTable) -> [Case] {
        table.options.enumerated().flatMap { position, option in
            let values = OddValue.all(for: option)
            guard shared.contains(option.name), !isComplete else { return values.map { Case(option: option, value: $0) } }
            return (0..<sharedValues).map { Case(option: option, value: values[(position * sharedValues + $0) % values.count]) }
        }
    }

    @Test("has a kind, and every command a line that works")
    func table() throws {
        let table = try Self.table()
        for gap in table.gaps { Issue.record("\(gap)") }
        let workplace = try OptionWorkplace(OptionWorkplace.Template(for: Tester()))
        for line in table.lines where !["demo", "serve"].contains(line.command) {
            let result = try workplace.run(line.arguments(), timeLimitInSeconds: 60)
            // Doctor may find that the disk is full.
            let mayFail = line.command == "doctor" || Self.needingCluster.contains(line.command)
            let isFine = result.end == .exit(0) || mayFail && result.end == .exit(1)
            #expect(isFine, "cellar \(line.command) \(line.values): \(result.end) \(result.errors)")
            try workplace.renew()
        }
    }

    @Test("takes any value: an exit code from 0 to 3, no signal, no waiting, and a command that fails changes nothing")
    func values() throws {
        let user = Tester()
        let all = Self.cases(of: try Self.table())
        let cases = all.filter { !$0.takesLong && (user.isStoppedByPermissions || !$0.value.name.contains("permission")) }
        let template = try OptionWorkplace.Template(for: user)
        let next = Atomic(0)
        let problems = Mutex<[String]>([])
        let begin = ContinuousClock.now
        let workers = max(2, min(4, ProcessInfo.processInfo.activeProcessorCount))
        DispatchQueue.concurrentPerform(iterations: workers) { _ in
            do {
                let workplace = try OptionWorkplace(template)
                var before = try workplace.snapshot()
                while true {
                    let index = next.add(1, ordering: .relaxed).oldValue
                    guard index < cases.count else { return }
                    if let problem = try Self.problem(with: cases[index], in: workplace, &before) {
                        problems.withLock { $0.append("\(cases[index].title): \(problem)") }
                    }
                }
            } catch {
                problems.withLock { $0.append("\(error)") }
            }
        }
        for problem in problems.withLock({ $0 }).sorted() { Issue.record("\(problem)") }
        let skipped = all.count - cases.count
        Swift.print(
            "\(cases.count) values of options tried in \(ContinuousClock.now - begin), \(skipped) left out"
                + (Self.isComplete ? "" : "; CELLAR_ALL_OPTIONS=1 tries all of shared options"))
        #expect(cases.count > 800)
    }

    /// What is wrong with what the program did; nil where all is well.
    private static func problem(
        with item: Case, in workplace: OptionWorkplace, _ before: inout OptionWorkplace.Snapshot
    ) throws -> String? {
        let arguments = item.option.line.arguments(setting: item.option.name, to: item.value.bytes)
        let result = try workplace.run(arguments, timeLimitInSeconds: 30)
        let after = try workplace.snapshot()
        let hasChanged = after != before
        let difference = after.difference(from: before)
        if hasChanged {
            try workplace.renew()
            before = try workplace.snapshot()
        }
        switch result.end {
        case .signal(let number): return "ended by signal \(number): \(result.errors.suffix(300))"
        case .timeLimit: return "took longer than 30 s"
        case .exit(let code) where !(0...3).contains(code): return "exit code \(code): \(result.errors.suffix(300))"
        case .exit(0): return nil
        case .exit(let code):
            if hasChanged { return "exit code \(code), and \(difference) has changed: \(result.errors.prefix(300))" }
            if result.errors.contains("Error Domain=") { return "no sentence: \(result.errors.prefix(300))" }
            return result.errors.isEmpty && result.output.isEmpty ? "exit code \(code), and not a word" : nil
        }
    }

    @Test("a parameter of the recipe takes any number, or refuses it, and what it took it gives back")
    func parameters() throws {
        let steps = try StepGraph(StandardSteps.all).steps
        var count = 0
        for entry in Recipe(steps: steps).entries {
            for value in OddValue.numbers {
                var recipe = Recipe(steps: steps)
                guard (try? recipe.set(entry.key, to: value)) != nil, let text = recipe[entry.key]?.text else { continue }
                count += 1
                var again = Recipe(steps: steps)
                try again.set(entry.key, to: text)
                #expect(again[entry.key] == recipe[entry.key], "\(entry.key)=\(value)")
            }
        }
        #expect(count > 50)
    }
}
