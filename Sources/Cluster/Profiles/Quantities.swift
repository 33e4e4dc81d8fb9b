/// Durations as people and Slurm write them.
enum DurationText {
    /// Seconds of `90`, `90s`, `15min`, `2h`, `1.5d`, `2:30:00`, `1-12:00:00`; a number alone has no meaning that all share, and is refused.
    static func seconds(_ text: String) -> Double? {
        let units: [String: Double] = [
            "s": 1, "sec": 1, "min": 60, "minutes": 60, "h": 3600, "hours": 3600, "d": 86400, "days": 86400,
        ]
        if let match = text.wholeMatch(of: /(\d{1,9}(?:\.\d{1,3})?) ?([a-z]+)/), let unit = units[String(match.2)],
            let value = Double(match.1)
        {
            return value * unit
        }
        guard let match = text.wholeMatch(of: /(?:(\d{1,5})-)?(\d{1,5}):(\d\d)(?::(\d\d))?/) else { return nil }
        let parts = [match.2, match.3, match.4 ?? ""].compactMap { Double($0) }
        let days = match.1.flatMap { Double($0) }
        // Slurm reads `12:30` as minutes and seconds, and as hours and minutes after days.
        let clock =
            parts.count == 3
            ? parts[0] * 3600 + parts[1] * 60 + parts[2]
            : days == nil ? parts[0] * 60 + parts[1] : parts[0] * 3600 + parts[1] * 60
        return (days ?? 0) * 86400 + clock
    }

    /// `1-02:03:00`, for `sbatch --time`: whole minutes, rounded up.
    static func slurm(_ seconds: Double) -> String {
        let minutes = seconds > 60 ? Int(min(seconds / 60, 1e9).rounded(.up)) : 1
        let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        let (days, hours) = (minutes / 1440, minutes / 60 % 24)
        return (days > 0 ? "\(days)-" : "") + "\(two(hours)):\(two(minutes % 60)):00"
    }
}

/// Amounts of memory as people and Slurm write them.
enum MemoryText {
    private static let units: [String: Double] = [
        "K": 0x1p10, "M": 0x1p20, "G": 0x1p30, "T": 0x1p40,
    ]

    /// Bytes of `500M`, `8G`, `1.5T`, `8 GB`, `8GiB`: units are powers of 1024, as Slurm's are.
    static func bytes(_ text: String) -> Double? {
        guard let match = text.wholeMatch(of: /(\d{1,9}(?:\.\d{1,3})?) ?([KMGT])(?:i?B)?/), let unit = units[String(match.2)]
        else {
            return nil
        }
        return Double(match.1).map { $0 * unit }
    }

    /// `1500M`, for `sbatch --mem`: whole MiB, rounded up.
    static func slurm(_ bytes: Double) -> String { "\(bytes > 0x1p20 ? Int(min(bytes / 0x1p20, 1e12).rounded(.up)) : 1)M" }
}
