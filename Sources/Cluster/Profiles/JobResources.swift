internal import Engine

/// What a job asks of a cluster. A field without a value leaves it to the site.
public struct JobResources: Sendable, Equatable {
    public var partition: String?
    public var account: String?
    public var qos: String?
    public var gres: String?
    /// Where nobody knows how long a task takes.
    public var seconds: Double?
    /// Where nobody knows how much memory a task needs.
    public var memoryBytes: Double?
    /// The processors of a task; nil for as many as it has threads.
    public var cpus: Int?
    /// What no attempt exceeds.
    public var mostSeconds: Double?
    public var mostMemoryBytes: Double?
    /// Further options for `sbatch`.
    public var options: [String] = []

    public init() {}

    /// These, and what they leave out from others.
    func completed(by others: JobResources) -> JobResources {
        var result = self
        result.partition = partition ?? others.partition
        result.account = account ?? others.account
        result.qos = qos ?? others.qos
        result.gres = gres ?? others.gres
        result.seconds = seconds ?? others.seconds
        result.memoryBytes = memoryBytes ?? others.memoryBytes
        result.cpus = cpus ?? others.cpus
        result.mostSeconds = mostSeconds ?? others.mostSeconds
        result.mostMemoryBytes = mostMemoryBytes ?? others.mostMemoryBytes
        result.options = others.options + options
        return result
    }

    /// What a task of several steps asks for: the most of each number; the place (partition, account, qos, gres) of the step that is hardest to
    /// place: one with devices, else the one with the longest time and the most memory.
    static func joined(_ all: [JobResources]) -> JobResources {
        let hardest = all.max {
            ($0.gres == nil ? 0 : 1, $0.seconds ?? 0, $0.memoryBytes ?? 0) < (
                $1.gres == nil ? 0 : 1, $1.seconds ?? 0, $1.memoryBytes ?? 0
            )
        }
        guard var result = hardest else { return JobResources() }
        result.seconds = all.compactMap(\.seconds).max()
        result.memoryBytes = all.compactMap(\.memoryBytes).max()
        result.cpus = all.compactMap(\.cpus).max()
        for resources in all {
            for option in resources.options where !result.options.contains(option) { result.options.append(option) }
        }
        return result
    }
}

/// How often tasks ended for want of something.
struct Shortages: Equatable, Sendable {
    var memory = 0
    var time = 0

    /// The more of each.
    func joined(with other: Shortages) -> Shortages {
        Shortages(memory: max(memory, other.memory), time: max(time, other.time))
    }
}

/// What one attempt at a task asks for.
struct AttemptRequest: Equatable, Sendable {
    var seconds: Double?
    var memoryBytes: Double?
    var cpus: Int

    /// What records say is exceeded by half now and then: another node, another neighbour.
    private static let margin = 1.5
    /// To start, read and write, whatever a task computes.
    private static let (startSeconds, startMemoryBytes) = (300.0, 0x1p29)
    /// 2, 4, 8 times the first attempt.
    private static let mostDoublings = 3

    /// - Parameters:
    ///   - resources: for the steps of the task.
    ///   - submission: what is known of the task.
    ///   - shortages: of earlier attempts at it.
    init(_ resources: JobResources, for submission: JobSubmission, after shortages: Shortages) {
        let estimatedSeconds = submission.estimatedSeconds.map { $0 * Self.margin + Self.startSeconds }
        let estimatedBytes = submission.memoryBytes.map { Double($0) * Self.margin + Self.startMemoryBytes }
        let asked = (estimatedSeconds ?? resources.seconds).map { $0 * Self.factor(after: shortages.time) }
        let askedBytes = (estimatedBytes ?? resources.memoryBytes).map { $0 * Self.factor(after: shortages.memory) }
        seconds = asked.map { min($0, resources.mostSeconds ?? .infinity) }
        memoryBytes = askedBytes.map { min($0, resources.mostMemoryBytes ?? .infinity) }
        cpus = max(1, resources.cpus ?? submission.threads)
    }

    private static func factor(after count: Int) -> Double { Double(1 << min(max(count, 0), mostDoublings)) }
}
