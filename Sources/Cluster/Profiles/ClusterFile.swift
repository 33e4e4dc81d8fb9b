public import Basics
internal import Volumes
internal import Yams

/// The profiles of a catalog: `clusters.yaml` in its folder, which people write.
public struct ClusterFile: Sendable {
    /// The name of the file in the folder of a catalog.
    public static let name = "clusters.yaml"

    /// The largest file that is read, and the most aliases (`*name`) that it may have: the parser expands aliases of aliases.
    private static let (byteLimit, aliasLimit) = (1 << 18, 16)

    public let path: String

    /// - Parameter directory: the folder of the catalog.
    public init(directory: String) { path = "\(directory)/\(Self.name)" }

    /// Reads one profile.
    ///
    /// - Parameters:
    ///   - profile: its name; nil for the default one, or the only one.
    ///   - steps: the names of all steps: a profile may name only these.
    /// - Throws: ``ClusterError`` where there is no such file or profile, or the file has a typo anywhere.
    public func read(_ profile: String?, steps: [String]) throws(ClusterError) -> ClusterProfile {
        guard let text = try text() else {
            throw ClusterError(.profiles, "there is no \(path); `cellar cluster init slurm` writes one")
        }
        let (profiles, standard) = try profiles(in: text, steps: steps)
        let names = profiles.map(\.name)
        if let name = profile ?? standard {
            if let found = profiles.first(where: { $0.name == name }) { return found }
            let hint =
                NearestName.of(name, among: names).map { "did you mean \($0)?" } ?? "it has \(names.joined(separator: ", "))"
            throw ClusterError(.profiles, "there is no profile \(name); \(hint)", path: path)
        }
        guard profiles.count == 1 else {
            throw ClusterError(
                .profiles,
                "has several profiles and no `default: NAME`; say --profile with one of \(names.joined(separator: ", "))",
                path: path)
        }
        return profiles[0]
    }

    /// Writes a new file, and never over one that is there.
    ///
    /// - Throws: ``ClusterError`` where there is one, or it cannot be written.
    public func create(_ text: String) throws(ClusterError) {
        do throws(VolumeError) { try OutputFile(path, replacing: false, protecting: .none).write(Array(text.utf8)) } catch {
            throw ClusterError(.profiles, error)
        }
    }

    /// Whether there is a file.
    public var exists: Bool { (try? FileStatus(of: path)) != nil }

    /// Nil where there is no file.
    private func text() throws(ClusterError) -> String? {
        let bytes: [UInt8]
        do throws(VolumeError) {
            guard let all = try SmallFile(path).read(limit: Self.byteLimit) else { return nil }
            bytes = all
        } catch { throw ClusterError(.profiles, error) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ClusterError(
                .profiles, "is no UTF-8 text; mend it, or move it away and run `cellar cluster init slurm`", path: path)
        }
        return text
    }

    /// The profiles of a text, in its order, and the name of the default one.
    func profiles(
        in text: String, steps: [String]
    ) throws(ClusterError) -> (profiles: [ClusterProfile], standard: String?) {
        guard text.matches(of: /(?:^|[\s\[{:,])\*[A-Za-z0-9_-]/).count <= Self.aliasLimit else {
            throw ClusterError(.profiles, "has more than \(Self.aliasLimit) aliases (*name); write the values out", path: path)
        }
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch {
            // The parser's message continues with the text of the file.
            throw ClusterError(.profiles, "is not understood: \("\(error)".prefix { $0 != "\n" }); mend it", path: path)
        }
        let reader = try KeyedNode(root ?? .mapping([:]), name: "the file", path: path)
        try reader.allow(["default", "profiles"])
        let standard = try reader.text("default")
        let profiles = try reader.entries("profiles").map { (entry) throws(ClusterError) in
            try ClusterProfile(reading: entry.value, name: entry.key, steps: steps)
        }
        guard !profiles.isEmpty else {
            throw ClusterError(.profiles, "has no profiles; move it away, and `cellar cluster init slurm` writes one", path: path)
        }
        return (profiles, standard)
    }
}

extension ClusterProfile {
    private static let ownKeys = [
        "spool", "program", "setup", "prefix", "array_limit", "at_once", "attempts", "requeue", "coordinator", "steps",
    ]

    /// - Parameter steps: the names of all steps.
    init(reading node: KeyedNode, name: String, steps: [String]) throws(ClusterError) {
        try node.allow(Self.ownKeys + JobResources.keys)
        guard let spool = try node.path("spool") else {
            throw node.error("has no spool: the folder on the shared file system for bundles and results")
        }
        self.init(name: name, spool: spool)
        program = try node.path("program")
        setup = try node.texts("setup")
        prefix = try node.texts("prefix")
        arrayLimit = try node.integer("array_limit", in: 1...4_000_001)
        atOnce = try node.integer("at_once", in: 1...4_000_001)
        attempts = try node.integer("attempts", in: 1...20) ?? attempts
        requeues = try node.flag("requeue") ?? requeues
        resources = try JobResources(reading: node)
        if let entry = try node.entry("coordinator") {
            try entry.allow(JobResources.keys)
            coordinator = try JobResources(reading: entry)
        }
        for (pattern, entry) in try node.entries("steps") {
            guard steps.contains(where: { Self.matches($0, pattern) }) else {
                let hint =
                    NearestName.of(pattern, among: steps).map { "did you mean \($0)?" }
                    ?? "steps are \(steps.joined(separator: ", "))"
                throw entry.error("is no step, and no class of steps such as train-*; \(hint)")
            }
            try entry.allow(JobResources.keys)
            self.steps[pattern] = try JobResources(reading: entry)
        }
    }
}

extension JobResources {
    static let keys = [
        "partition", "account", "qos", "gres", "time", "memory", "cpus", "most_time", "most_memory", "options",
    ]

    /// Options of sbatch that Cellar itself gives.
    private static let ownOptions: Set = [
        "--array", "-a", "--parsable", "--job-name", "-J", "--output", "-o", "--error", "-e", "--input", "-i", "--requeue",
        "--no-requeue",
        "--signal", "--ntasks", "-n", "--nodes", "-N", "--wrap", "--wait", "-W", "--chdir", "-D", "--comment", "--open-mode",
        "--test-only",
    ]

    /// Options that have a key of their own.
    private static let keysOfOptions = [
        "--partition": "partition", "-p": "partition", "--account": "account", "-A": "account", "--qos": "qos", "-q": "qos",
        "--gres": "gres", "--time": "time", "-t": "time", "--mem": "memory", "--cpus-per-task": "cpus", "-c": "cpus",
    ]

    init(reading node: KeyedNode) throws(ClusterError) {
        self.init()
        partition = try node.word("partition")
        account = try node.word("account")
        qos = try node.word("qos")
        gres = try node.word("gres")
        seconds = try node.quantity("time", "a time such as 90min, 2h, 3d or 1-12:00:00", DurationText.seconds)
        memoryBytes = try node.quantity("memory", "an amount such as 500M or 8G", MemoryText.bytes)
        cpus = try node.integer("cpus", in: 1...4096)
        mostSeconds = try node.quantity("most_time", "a time such as 24h or 7d", DurationText.seconds)
        mostMemoryBytes = try node.quantity("most_memory", "an amount such as 180G", MemoryText.bytes)
        options = try node.texts("options")
        for option in options {
            let flag = String(option.prefix { $0 != "=" && $0 != " " })
            guard option.hasPrefix("-") else {
                throw node.error("has the option \"\(option)\", which does not begin with -; write one as --name=value")
            }
            // A short option is one word: its value would be taken for the script.
            guard !option.contains(where: { $0 == " " || $0.isNewline }) else {
                throw node.error("has the option \"\(option)\" with a blank in it; write it as --name=value")
            }
            guard !Self.ownOptions.contains(flag) else {
                throw node.error("has the option \(flag), which Cellar gives itself; leave it out")
            }
            if let key = Self.keysOfOptions[flag] { throw node.error("has the option \(flag); write \(key): VALUE instead") }
        }
    }
}
