public import Engine

/// How a laboratory uses its cluster: where, with which limits, and how the program is called there.
public struct ClusterProfile: Sendable, Equatable {
    public let name: String
    /// The folder that coordinator and nodes share, for bundles, results and logs.
    public var spool: String
    /// The path of the program on the nodes; nil for the path of this one.
    public var program: String?
    /// Lines of the shell before the program runs: `module load …`.
    public var setup: [String] = []
    /// Words before the program's path: `apptainer exec image.sif`.
    public var prefix: [String] = []
    /// How many elements an array has at most; nil for what the cluster allows (`MaxArraySize`).
    public var arrayLimit: Int?
    /// How many elements of an array run at a time; nil for all.
    public var atOnce: Int?
    /// How often a task is tried.
    public var attempts = 3
    /// Whether Slurm itself may begin a task again on another node, after a preemption or the loss of a node.
    public var requeues = true
    /// For steps without their own.
    public var resources = JobResources()
    /// For the run itself, where it is a job: what it leaves out is as for steps, but for the time, which is then `most_time`.
    public var coordinator = JobResources()
    /// By the names of steps, or classes of them: `train-*`.
    public var steps: [String: JobResources] = [:]

    public init(name: String, spool: String) { (self.name, self.spool) = (name, spool) }

    /// What a task of some steps asks for.
    public func resources(for names: [String]) -> JobResources {
        names.isEmpty ? resources : JobResources.joined(names.map(resources(for:)))
    }

    /// How runs divide their items into tasks here.
    public var spoolOptions: SpoolOptions {
        var options = SpoolOptions.cluster(folder: spool)
        if let atOnce { options.slots = atOnce }
        options.resourceLimit = attempts
        return options
    }

    /// This profile for the job of a run itself.
    var forCoordinator: ClusterProfile {
        var others = resources
        others.seconds = resources.mostSeconds
        var profile = self
        profile.resources = coordinator.completed(by: others)
        profile.atOnce = nil
        return profile
    }

    /// A step's own, then those of the classes that it is in, the narrowest first, then those for all.
    private func resources(for step: String) -> JobResources {
        let classes = steps.keys.filter { $0 != step && Self.matches(step, $0) }.sorted { $0.utf8.count > $1.utf8.count }
        let layers = ([step] + classes).compactMap { steps[$0] } + [resources]
        return layers.dropFirst().reduce(layers[0]) { $0.completed(by: $1) }
    }

    /// Whether a pattern means a step: its name, or a beginning or end of it with `*` for the rest.
    static func matches(_ step: String, _ pattern: String) -> Bool {
        if pattern.hasSuffix("*") { return step.hasPrefix(pattern.dropLast()) }
        if pattern.hasPrefix("*") { return step.hasSuffix(pattern.dropFirst()) }
        return step == pattern
    }
}
