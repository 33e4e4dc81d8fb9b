/// A job array of Slurm that computes tasks of a bundle: task = element + offset.
///
/// Its text is what the catalog keeps: `1234`, `1234+1000` (with the offset), `1234@big` (of the cluster "big"). Several arrays of one
/// submission have commas between them. Element 5 is `1234_5` in Slurm's own programs.
struct SlurmJob: Hashable, Sendable {
    var id: Int
    var offset = 0
    /// Nil where the site has one cluster.
    var cluster: String?

    var text: String { "\(id)\(offset == 0 ? "" : "+\(offset)")\(cluster.map { "@\($0)" } ?? "")" }

    init(id: Int, offset: Int = 0, cluster: String? = nil) {
        (self.id, self.offset, self.cluster) = (id, offset, cluster)
    }

    /// Nil where it is no job.
    init?(_ text: some StringProtocol) {
        guard let match = String(text).wholeMatch(of: /(\d{1,18})(?:\+(\d{1,18}))?(?:@([^,@+]+))?/), let id = Int(match.1) else {
            return nil
        }
        self.init(id: id, offset: match.2.flatMap { Int($0) } ?? 0, cluster: match.3.map(String.init))
    }

    /// The jobs of a text with commas between them; what is no job is left out.
    static func all(in text: String) -> [SlurmJob] { text.split(separator: ",").compactMap { SlurmJob($0) } }

    /// What `sbatch --parsable` printed: `1234`, or `1234;cluster`. Remarks of the site may stand before it.
    ///
    /// - Returns: nil where there is no id.
    static func submitted(output: String, offset: Int) -> SlurmJob? {
        for line in output.split(whereSeparator: \.isNewline).reversed() {
            guard let match = line.trimmed.wholeMatch(of: /(\d{1,18})(?:;([^;\s]+))?/), let id = Int(match.1) else { continue }
            return SlurmJob(id: id, offset: offset, cluster: match.2.map(String.init))
        }
        return nil
    }
}

/// The elements of an array that a line of `squeue` or `sacct` is about.
struct SlurmElements: Equatable, Sendable {
    var job: Int
    /// Nil for a job that is no array.
    var elements: [Int]?

    /// No site has larger arrays: the most that Slurm allows (MaxArraySize).
    private static let elementLimit = 4_000_001

    /// Parses `12`, `12_3`, `12_[3-9%4]`, `12_[1,3-7:2]`; of an expression that is cut off (`12_[1,3,...`), what is whole.
    ///
    /// - Returns: nil where the text is none of these: a step (`12.batch`), a part of a heterogeneous job (`12+0`).
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
        guard let job = Self.number(parts[0]) else { return nil }
        self.job = job
        guard parts.count == 2 else { return }
        if let element = Self.number(parts[1]) {
            elements = [element]
            return
        }
        guard parts[1].first == "[" else { return nil }
        var list = parts[1].dropFirst()
        let isWhole = list.last == "]"
        if isWhole { list = list.dropLast() }
        if let percent = list.firstIndex(of: "%") { list = list[..<percent] }
        var ranges = list.split(separator: ",", omittingEmptySubsequences: false)
        // The last part of what is cut off may be the beginning of a longer number.
        if !isWhole, !ranges.isEmpty { ranges.removeLast() }
        elements = []
        for range in ranges {
            guard let values = Self.elements(in: range) else { return nil }
            elements?.append(contentsOf: values)
        }
    }

    /// `3`, `3-9` or `3-9:2`.
    private static func elements(in text: some StringProtocol) -> StrideThrough<Int>? {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false)
        let ends = halves.first?.split(separator: "-", omittingEmptySubsequences: false).map { number($0) } ?? []
        let step = halves.count == 2 ? number(halves[1]) : 1
        guard halves.count <= 2, ends.count == 1 || ends.count == 2, let first = ends[0], let last = ends[ends.count - 1],
            let step, step > 0, first <= last, last < elementLimit
        else { return nil }
        return stride(from: first, through: last, by: step)
    }

    private static func number(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}

extension StringProtocol {
    /// Without blanks at both ends.
    var trimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
