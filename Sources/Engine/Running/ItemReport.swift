/// How far an item that takes long is, by what it says.
struct ItemReport: Sendable {
    private let begin = ContinuousClock.now
    private let firstFraction: Double
    private(set) var fraction: Double
    private(set) var note = ""

    /// - Parameter fraction: where it begins: one that goes on from where it was stopped does not begin at 0.
    init(_ fraction: Double) {
        firstFraction = fraction
        self.fraction = fraction
    }

    mutating func update(_ fraction: Double, _ note: String) {
        self.fraction = fraction
        self.note = note
    }

    /// Seconds that it still takes at the pace since its first report; nil where it has none.
    var remainingSeconds: Double? {
        guard fraction > firstFraction else { return nil }
        return (ContinuousClock.now - begin).inSeconds * (1 - fraction) / (fraction - firstFraction)
    }
}
