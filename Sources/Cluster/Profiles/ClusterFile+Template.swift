extension ClusterFile {
    /// A file for a cluster, with what it said of itself as comments: partitions, limits, whether it wants an account.
    ///
    /// - Parameters:
    ///   - program: the path of the program on the nodes.
    ///   - spool: the folder that coordinator and nodes share.
    public static func template(for site: SlurmSite, program: String, spool: String) -> String {
        let partition = site.partitions.first(where: \.isDefault) ?? site.partitions.first
        let devices = site.partitions.filter { $0.gres?.contains("gpu") == true }
        var lines = [
            "# How `cellar run --on slurm` uses the cluster \(plain(site.cluster)) (Slurm \(plain(site.version))).",
            "# `cellar cluster check` submits a small job and says what came of it.",
            "#",
            "# Partitions at the time of writing, with their smallest node:",
        ]
        lines += site.partitions.map { "#   \(description(of: $0))" }
        if site.partitions.isEmpty { lines.append("#   sinfo showed none") }
        if !site.hasAccounting { lines.append("# Accounting is off here: what became of a job is known for some minutes only.") }
        lines += [
            "",
            "default: main",
            "profiles:",
            "  main:",
            "    # The folder for bundles, results and logs: the same path on this machine and on every node.",
            "    spool: \(quoted(spool))",
            "    # The program as nodes see it, lines of the shell before it, and words before its path.",
            "    program: \(quoted(program))",
            "    # setup: [module load cellar]",
            "    # prefix: [apptainer, exec, /path/of/image.sif]",
            "",
            "    # Elements of one array (the cluster allows \(site.arrayLimit)), and how many of them run at a time.",
            "    array_limit: \(min(site.arrayLimit, 1000))",
            "    # at_once: 100",
            "    # How often a task is tried. After an end for want of memory or time, twice as much is asked, at most three times.",
            "    attempts: 3",
            "    # Whether Slurm itself begins a task again elsewhere after a preemption or the loss of a node.",
            "    requeue: true",
            "",
            "    # What a task asks for. Time and memory count where nothing was recorded yet; most_time and most_memory always.",
        ]
        lines.append(partition.map { "    partition: \(quoted($0.name))" } ?? "    # partition: NAME")
        let account = "account: NAME"
        lines.append(
            site.wantsAccount ? "    # This cluster wants an account: fill it in.\n    # \(account)" : "    # \(account)")
        lines += ["    # qos: NAME", "    time: 2h", "    memory: \(startMemory(partition))"]
        if let seconds = partition?.mostSeconds { lines.append("    most_time: \(DurationText.slurm(seconds))") }
        if let bytes = partition?.memoryBytes, bytes > 0 { lines.append("    most_memory: \(MemoryText.slurm(bytes))") }
        lines += [
            "    # As many processors as the task has threads, unless:",
            "    # cpus: 4",
            "    # Further options of sbatch:",
            "    # options: [--constraint=avx512]",
            "",
            "    # The run itself, where it is a job too (`cellar run --on slurm --detach`): it plans and publishes, and needs little.",
            "    # coordinator: {time: 7d, memory: 4G, cpus: 1}",
            "",
            "    # Steps, or classes of them, that want something else. What they leave out is as above.",
            "    # steps:",
            "    #   train-*:",
            "    #     time: 12h",
            "    #     memory: 32G",
        ]
        if let device = devices.first {
            lines += ["    #     partition: \(plain(device.name))", "    #     gres: gpu:1"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func description(of partition: SlurmSite.Partition) -> String {
        let limit = partition.mostSeconds.map { "at most \(DurationText.slurm($0))" } ?? "no time limit"
        let gres = partition.gres.map { ", \(plain($0))" } ?? ""
        return
            "\(plain(partition.name))\(partition.isDefault ? " (default)" : ""): \(partition.nodes) nodes, \(partition.cpus) processors, "
            + "\(MemoryText.slurm(partition.memoryBytes))\(gres), \(limit)"
    }

    /// Half of the smallest node, and no more than 8 GiB.
    private static func startMemory(_ partition: SlurmSite.Partition?) -> String {
        let half = (partition?.memoryBytes ?? 0x1p34) / 2
        return half >= 0x1p33 ? "8G" : MemoryText.slurm(max(half, 0x1p29))
    }

    /// A text of the cluster as part of a comment.
    private static func plain(_ text: String) -> String { String(text.map { $0.isNewline ? " " : $0 }) }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
