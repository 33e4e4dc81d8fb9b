public import Basics

/// What a cluster is, by its own words: `scontrol show config` and `sinfo`.
public struct SlurmSite: Sendable, Equatable {
    public struct Partition: Sendable, Equatable {
        public var name: String
        public var isDefault: Bool
        /// Nil for no limit.
        public var mostSeconds: Double?
        /// The processors of its smallest node.
        public var cpus: Int
        /// The memory of its smallest node.
        public var memoryBytes: Double
        /// `gpu:a100:4`; nil without devices.
        public var gres: String?
        public var nodes: Int
    }

    public var cluster: String
    public var version: String
    public var arrayLimit: Int
    public var hasAccounting: Bool
    /// Whether each job must have an account (`AccountingStorageEnforce`).
    public var wantsAccount: Bool
    public var partitions: [Partition]

    /// Asks the cluster.
    ///
    /// - Throws: ``ClusterError`` where Slurm's programs are missing, or its controller does not answer.
    public init(asking commands: SlurmCommands) throws(ClusterError) {
        self.init(
            configuration: try commands.run("scontrol", ["show", "config"]),
            partitions: try commands.run("sinfo", ["--noheader", "--format=\(Self.format)"]))
    }

    /// Partition with `*` for the default one, time limit, processors, MB, devices, nodes; `+` says that others have more.
    static let format = "%P|%l|%c|%m|%G|%D"

    /// - Parameters:
    ///   - configuration: what `scontrol show config` prints.
    ///   - partitions: what `sinfo` prints in this format: a line for each group of equal nodes.
    init(configuration: String, partitions text: String) {
        let values = Self.values(in: configuration)
        cluster = values["ClusterName"] ?? "cluster"
        version = values["SLURM_VERSION"] ?? "unknown"
        arrayLimit = values["MaxArraySize"].flatMap { Int($0) } ?? SlurmScheduler.standardArrayLimit
        hasAccounting = values["AccountingStorageType"].map { !$0.hasSuffix("none") && !$0.hasPrefix("(") } ?? false
        wantsAccount = values["AccountingStorageEnforce"]?.contains("associations") ?? false
        partitions = []
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(\.trimmed)
            guard fields.count == 6, let cpus = Self.leadingNumber(fields[2]), let memory = Self.leadingNumber(fields[3]) else {
                continue
            }
            let name = fields[0].hasSuffix("*") ? String(fields[0].dropLast()) : fields[0]
            let part = Partition(
                name: name, isDefault: fields[0].hasSuffix("*"), mostSeconds: DurationText.seconds(fields[1]), cpus: cpus,
                memoryBytes: Double(memory) * 0x1p20, gres: fields[4].isEmpty || fields[4] == "(null)" ? nil : fields[4],
                nodes: Self.leadingNumber(fields[5]) ?? 0)
            if let index = partitions.firstIndex(where: { $0.name == name }) {
                partitions[index].cpus = min(partitions[index].cpus, cpus)
                partitions[index].memoryBytes = min(partitions[index].memoryBytes, part.memoryBytes)
                partitions[index].gres = partitions[index].gres ?? part.gres
                partitions[index].nodes += part.nodes
            } else {
                partitions.append(part)
            }
        }
    }

    /// The lines `Name = value` of `scontrol show config`.
    static func values(in text: String) -> [String: String] {
        text.split(whereSeparator: \.isNewline).reduce(into: [:]) { values, line in
            guard let sign = line.firstRange(of: "= ") else { return }
            values[line[..<sign.lowerBound].trimmed] = line[sign.upperBound...].trimmed
        }
    }

    private static func leadingNumber(_ text: String) -> Int? { Int(text.prefix(while: \.isNumber)) }
}
