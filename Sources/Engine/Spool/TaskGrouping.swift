import Catalog
import Synchronization

/// The mean seconds of an item of each step, of earlier runs, as one item, and of this one; and the most memory that one took.
final class StepCosts: Sendable {
    private let sums: Mutex<[(seconds: Double, items: Double)]>
    private let peaks: Mutex<[Int64?]>

    init(_ summaries: [Plan.StepSummary]) {
        peaks = Mutex(summaries.map(\.recordedMemoryBytes))
        sums = Mutex(
            summaries.map { summary in
                let items = Double(summary.stale + summary.waiting + summary.restore)
                guard let seconds = summary.estimatedSeconds, items > 0 else { return (0, 0) }
                return (seconds / items, 1)
            })
    }

    func add(_ seconds: Double, memoryBytes: Int64?, step: Int) {
        sums.withLock { sums in
            sums[step].seconds += seconds
            sums[step].items += 1
        }
        guard let memoryBytes else { return }
        peaks.withLock { $0[step] = max($0[step] ?? 0, memoryBytes) }
    }

    /// The most memory that a worker had for an item of a step; nil where none computed one.
    func memoryBytes(of step: Int) -> Int64? { peaks.withLock { $0[step] } }

    /// Whether items of a step are too small to be worth a file.
    func isLocal(_ step: Int, _ options: SpoolOptions) -> Bool { seconds(of: step).map { $0 < options.localSeconds } ?? false }

    /// nil where no item of the step ever ran.
    func seconds(of step: Int) -> Double? {
        sums.withLock { $0[step].items > 0 ? $0[step].seconds / $0[step].items : nil }
    }
}

/// Divides items into tasks: those of one step, one tomogram and neighbouring slices together, each task of about the same length.
struct TaskGrouping {
    let options: SpoolOptions
    /// The seconds of an item of a step.
    let seconds: (_ step: Int) -> Double?

    /// The tasks in the order in which they should be computed: the last steps first, so that chains that began are finished first.
    func tasks(of items: [PreparedItem]) -> [[PreparedItem]] {
        let sorted = items.sorted { a, b in
            (b.node.step, a.scope.tomogramID ?? -1, a.scope.z?.lowerBound ?? -1, a.node.position)
                < (a.node.step, b.scope.tomogramID ?? -1, b.scope.z?.lowerBound ?? -1, b.node.position)
        }
        let length = options.taskLength(total: sorted.reduce(0) { $0 + cost($1) })
        var tasks: [[PreparedItem]] = []
        var taken = 0.0
        for item in sorted {
            let cost = cost(item)
            if let last = tasks.last?.last, last.node.step == item.node.step, (tasks.last?.count ?? 0) < options.itemsPerTask,
                taken + cost <= length * 1.0001, last.scope.tomogramID == item.scope.tomogramID || taken < length / 2
            {
                tasks[tasks.count - 1].append(item)
                taken += cost
            } else {
                tasks.append([item])
                taken = cost
            }
        }
        return tasks
    }

    func cost(_ item: PreparedItem) -> Double { seconds(item.node.step) ?? options.assumedSeconds }
}
