import Basics
import Catalog
import CellarKit
import Foundation

/// What happened in a catalog since it was last asked: something was committed, a run goes on.
///
/// What a run has under way is in no file: the catalog knows what was published, and that the process lives. So the fraction of an
/// item that trains for an hour is not here; its losses are (`v_curve`), as soon as they are logged. The total is known where the
/// command covers the whole collection: then it is what was published and what a plan finds to do, planned anew every half a
/// minute. For a part of it (`--where`, `--until`) the total is null.
struct CatalogEvents {
    struct CatalogChange: Encodable, Equatable {
        /// Another one after each commit; it means nothing but that.
        let dataVersion: Int64
    }

    struct RunState: Encodable {
        let running: Bool
        let run: OrNull<Int64>
        /// Items that were published: done, failed or skipped. What was found again is not among them.
        let finished: Int
        let failed: Int
        let total: OrNull<Int>
        let step: OrNull<String>
        let tomogram: OrNull<String>
        /// Who runs: `user on host, process 1`.
        let owner: OrNull<String>
    }

    private static let timeBetweenPlans = Duration.seconds(30)

    private let project: Project
    private let watch: CatalogWatch
    private var version: Int64?
    private var wasRunning = false
    private var plan: (run: Int64, finished: Int, remaining: Int?, time: ContinuousClock.Instant)?

    /// - Parameter project: one of its own, so that plans keep nobody waiting.
    init(_ project: Project) throws {
        self.project = project
        watch = try CatalogWatch(project.catalog)
    }

    /// The events since the last call: of the catalog where something was committed, of a run where one goes on or has just ended.
    /// The first call always gives the state of the catalog.
    mutating func next() throws -> [String] {
        var events: [String] = []
        let version = try watch.version()
        if version != self.version {
            self.version = version
            events.append(try Self.text("catalog", CatalogChange(dataVersion: version)))
        }
        let activity = RunLock.isHeld(in: project.catalog) ? try project.catalog.runs.activity() : nil
        if let activity {
            let finished = activity.done + activity.failed + activity.skipped
            let total = total(of: activity, finished: finished)
            let state = RunState(
                running: true, run: OrNull(activity.runID), finished: finished, failed: activity.failed, total: OrNull(total),
                step: OrNull(activity.step), tomogram: OrNull(activity.tomogram),
                owner: OrNull("\(activity.owner) on \(activity.host), process \(activity.pid)"))
            events.append(try Self.text("run", state))
        } else if wasRunning {
            plan = nil
            let state = RunState(
                running: false, run: OrNull(nil), finished: 0, failed: 0, total: OrNull(nil), step: OrNull(nil),
                tomogram: OrNull(nil), owner: OrNull(nil))
            events.append(try Self.text("run", state))
        }
        wasRunning = activity != nil
        return events
    }

    /// The state of the catalog, for one who listens from now on.
    func current() throws -> String { try Self.text("catalog", CatalogChange(dataVersion: try watch.version())) }

    private mutating func total(of activity: RunActivity, finished: Int) -> Int? {
        let words = activity.command.split(separator: " ")
        if words.contains(where: { $0.hasPrefix("--where") || $0.hasPrefix("--until") }) { return nil }
        let isDue = plan.map { plan in
            plan.run != activity.runID || ContinuousClock.now - plan.time > Self.timeBetweenPlans
        }
        if isDue ?? true {
            let remaining = try? project.plan().summaries.reduce(0) {
                $0 + $1.foundAgain + $1.stale + $1.waiting + $1.blocked
            }
            plan = (activity.runID, finished, remaining, .now)
        }
        return plan.flatMap { plan in plan.remaining.map { max(finished, plan.finished + $0) } }
    }

    private static func text(_ name: String, _ value: some Encodable) throws -> String {
        "event: \(name)\ndata: \(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))\n\n"
    }
}
