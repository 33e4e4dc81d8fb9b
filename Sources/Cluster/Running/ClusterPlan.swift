public import CatalogSchema
public import Engine

/// What a run would ask of a cluster: tasks, times and data, estimated from earlier items as a plan is.
public struct ClusterPlan: Sendable {
    /// The tasks of one step.
    public struct Step: Sendable {
        public let step: String
        public let scope: ScopeKind
        public let items: Int
        /// The elements of arrays; 0 where the items are so small that the run itself computes them.
        public let tasks: Int
        /// Of one processor-bound worker, for all items; nil where the step never ran.
        public let seconds: Double?
        /// The bytes of artifacts that they write; nil where the step never ran.
        public let bytes: Double?
        /// What the first attempt at a task asks for; nil where that is left to the site, or nothing is asked.
        public let askedSeconds: Double?
        public let askedMemoryBytes: Double?
        public let cpus: Int
        /// Where: the partition, or nil for that of the site.
        public let partition: String?
    }

    /// The steps with items to compute, in order.
    public let steps: [Step]
    /// The fewest arrays: a step whose items become ready one after the other needs more.
    public let jobs: Int
    /// The tasks that run at a time.
    public let slots: Int
    /// The time that the whole takes at least, where each task begins at once; steps that never ran are left out.
    public let leastSeconds: Double
    /// The steps that never ran, so that nothing is known of their time.
    public let unknown: [String]

    /// - Parameter profile: how the cluster is used.
    public init(_ plan: Plan, _ profile: ClusterProfile) {
        let options = profile.spoolOptions
        let limit = profile.arrayLimit ?? SlurmScheduler.standardArrayLimit
        var (steps, jobs, chain): ([Step], Int, Double) = ([], 0, 0)
        for summary in plan.summaries {
            let items = summary.stale + summary.waiting + summary.restore
            guard items > 0 else { continue }
            let each = summary.estimatedSeconds.map { $0 / Double(items) }
            let division = options.division(of: items, secondsPerItem: each)
            let resources = profile.resources(for: [summary.step])
            let request = AttemptRequest(
                resources,
                for: JobSubmission(
                    bundle: "", tasks: 0..<1, name: "", steps: [summary.step], threads: options.threads,
                    estimatedSeconds: each == nil ? nil : division.secondsPerTask, memoryBytes: summary.recordedMemoryBytes,
                    attempt: 1, logs: ""), after: Shortages())
            steps.append(
                Step(
                    step: summary.step, scope: summary.scope, items: items, tasks: division.tasks,
                    seconds: summary.estimatedSeconds, bytes: summary.estimatedBytes,
                    askedSeconds: division.tasks > 0 ? request.seconds : nil,
                    askedMemoryBytes: division.tasks > 0 ? request.memoryBytes : nil, cpus: request.cpus,
                    partition: resources.partition))
            jobs += (division.tasks + limit - 1) / limit
            // One item of each step after the other.
            chain += each ?? 0
        }
        (self.steps, self.jobs, slots) = (steps, jobs, options.slots)
        let total = steps.reduce(0) { $0 + ($1.seconds ?? 0) }
        leastSeconds = max(total / Double(options.slots), chain)
        unknown = steps.filter { $0.seconds == nil }.map(\.step)
    }
}
