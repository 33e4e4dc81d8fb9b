// A program for tests that die: runs the toy steps on the collection in a folder, and kills itself as it is told.
//
//     CrashRunner FOLDER run [KEY=VALUE]...             runs to the end
//     CrashRunner FOLDER point N [KEY=VALUE]...         dies at the Nth point of publishing
//     CrashRunner FOLDER commit N [KEY=VALUE]...        dies at the Nth change of the database's log
//     CrashRunner FOLDER time MICROSECONDS [KEY=VALUE]... dies after a time
//     CrashRunner FOLDER slow MILLISECONDS [KEY=VALUE]... waits before each artifact; says `begun` at the first one
//     CrashRunner FOLDER count N                         counts to N, slowly; says `begun` at 20
//     CrashRunner FOLDER check [KEY=VALUE]...            says what is wrong or stale; ends with 4 then
//     CrashRunner FOLDER spool N [KEY=VALUE]...          runs to the end by two workers; each process dies one time in N, early
//                                                        or late; says what its processor time and memory were
//     CrashRunner FOLDER work N … BUNDLE TASK            is such a worker
//     CrashRunner FOLDER slurm SPOOL PAUSE [fail-fast] [KEY=VALUE]...
//                                                        runs to the end by jobs of Slurm, whose items take PAUSE milliseconds
//     CrashRunner FOLDER job PAUSE BUNDLE TASK           is such a job; notes what it computes in FOLDER/computed
//
// Keys are those of the recipe.
import BlobStore
import Catalog
import Engine
import Foundation
import Glibc
import Synchronization
import ToySteps

let passed = Atomic<Int>(0)

func die() { kill(getpid(), SIGKILL) }

func say(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

/// Kills the process when the log of the database has changed so often.
func dieAtChange(_ number: Int, of path: String) {
    @Sendable func look() -> [Int] {
        var info = stat()
        return stat(path, &info) == 0 ? [Int(info.st_size), info.st_mtim.tv_sec, info.st_mtim.tv_nsec] : []
    }
    Thread {
        var (last, changes) = (look(), 0)
        while true {
            let now = look()
            if now != last { (last, changes) = (now, changes + 1) }
            if changes >= number { die() }
            sched_yield()
        }
    }.start()
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 2 else {
    say("usage: CrashRunner FOLDER MODE [NUMBER] [KEY=VALUE]...")
    exit(2)
}
let (folder, mode) = (arguments[0], arguments[1])
let number = arguments.count > 2 ? Int(arguments[2]) ?? 0 : 0
/// Kills the process at some moment, one time in some.
func dieSometimes(_ number: Int, within microseconds: UInt32) {
    guard number > 0, Int.random(in: 0..<number) == 0 else { return }
    let moment = UInt32.random(in: 0...microseconds)
    Thread {
        usleep(moment)
        die()
    }.start()
}

/// Ends with the process that started this one, which closes the standard input then.
func endWithInput() {
    Thread {
        var byte: UInt8 = 0
        while read(STDIN_FILENO, &byte, 1) != 0 {}
        _exit(75)
    }.start()
}

func own(_ number: Int) throws -> ExecutionPlace {
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var options = SpoolOptions.processes(jobs: 2, processors: 2)
    (options.localSeconds, options.leastTaskSeconds, options.assumedSeconds) = (0, 0.001, 0.001)
    // The processes that these tests kill are no fault of items.
    if number > 0 { (options.crashLimit, options.restartLimit) = (1000, 1000) }
    return .spool(try ProcessScheduler(jobs: 2, command: [program, folder, "work", "\(number)"]), options)
}

if mode == "work" {
    endWithInput()
    dieSometimes(number, within: 60_000)
    do {
        let worker = Worker(graph: try StepGraph(ToySteps().all), version: "0")
        let end = try worker.work(bundle: arguments[arguments.count - 2], task: Int(arguments.last ?? "") ?? 0)
        exit(end == .finished ? 0 : 75)
    } catch {
        say("\(error)")
        exit(1)
    }
}

if mode == "job" { exit(computeJob(folder, pause: number, bundle: arguments[arguments.count - 2], task: arguments.last ?? "")) }

do {
    let toys = try ToyCollection(folder: folder) { point in
        let count = passed.wrappingAdd(1, ordering: .relaxed).newValue
        switch mode {
        case "point": if count == number { die() }
        case "slow":
            if count == 1 { say("begun") }
            if point == .created { usleep(UInt32(number) * 1000) }
        default: break
        }
    }
    for setting in arguments where setting.contains("=") {
        let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
        toys.settings[parts[0]] = parts.count > 1 ? parts[1] : ""
    }
    switch mode {
    case "commit":
        // A catalog on a shared file system has no log, but a journal.
        let isShared = ProcessInfo.processInfo.environment["CELLAR_FILE_SYSTEM"] != nil
        dieAtChange(number, of: toys.catalog.directory.database + (isShared ? "-journal" : "-wal"))
    case "time":
        Thread {
            usleep(UInt32(number))
            die()
        }.start()
    default: break
    }
    if mode == "check" {
        let problems = try toys.breaches() + (toys.plan().hasWork ? ["something is stale"] : [])
        for problem in problems { say(problem) }
        exit(problems.isEmpty ? 0 : 4)
    }
    if mode == "count" {
        let count = CountStep(to: number) { number in
            if number == 20 { say("begun") }
            usleep(2000)
        }
        let graph = try StepGraph([count])
        let runner = Runner(toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps))
        exit(try runner.run()?.isComplete ?? true ? 0 : 3)
    }
    if mode == "spool" {
        dieSometimes(number, within: 400_000)
        let report = try toys.run(place: own(number)).report
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
        for failure in report?.failures ?? [] { say(failure) }
        print("\(report?.progress.finished ?? 0) items, \(seconds) s of the processor, \(usage.ru_maxrss) KiB")
        exit(report?.isComplete ?? true ? 0 : 3)
    }
    let place = mode == "slurm" ? try slurm(folder, spool: arguments[2], pause: arguments[3]) : .threads
    let report = try toys.run(failsFast: arguments.contains("fail-fast"), place: place).report
    for failure in report?.failures ?? [] { say(failure) }
    exit(report?.isComplete ?? true ? 0 : 3)
} catch {
    say("\(error)")
    exit(1)
}
