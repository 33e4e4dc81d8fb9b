/// A three-dimensional residual U-Net that finds particles, in the manner of DeepETPicker (Liu et al., Nature Communications 2024).
public struct PickerArchitecture: Hashable, Sendable, Codable {
    /// Channels of the finest level. The others have 2, 3 and 4.5 times as many: 24, 48, 72, 108.
    public let width: Int
    /// Classes of particles: each has a logit of its own.
    public let classes: Int

    /// - Throws: ``TrainingError`` where a number is out of range.
    public init(width: Int = 24, classes: Int = 1) throws(TrainingError) {
        (self.width, self.classes) = (width, classes)
        try check()
    }

    /// - Throws: ``TrainingError`` where a number is out of range, as it may be in a file.
    func check() throws(TrainingError) {
        guard 2...256 ~= width, width % 2 == 0 else {
            throw TrainingError("a picker has an even width of 2 to 256, not \(width)")
        }
        guard 1...64 ~= classes else { throw TrainingError("a picker has 1 to 64 classes, not \(classes)") }
    }

    /// The channels of the four levels.
    var channels: [Int] { [2 * width, 4 * width, 6 * width, 9 * width].map { $0 / 2 } }
}
