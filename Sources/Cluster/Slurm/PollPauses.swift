/// How long nothing is asked of a scheduler after it was asked: soon at first, and less and less often while nothing changes.
///
/// Slurm's controller answers all users of a cluster: who asks each second is told to stop.
struct PollPauses: Sendable {
    private static let (first, last) = (Duration.seconds(2), Duration.seconds(60))

    /// The pause after the question before.
    private(set) var pause = Self.first

    /// Notes an answer.
    ///
    /// - Parameter changed: whether it differs from the one before.
    mutating func answered(changed: Bool) { pause = changed ? Self.first : min(Self.last, pause * 1.5) }

    /// Something was done that changes the next answer.
    mutating func restart() { pause = Self.first }
}
