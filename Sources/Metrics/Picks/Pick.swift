import Basics

/// A particle that was picked.
public struct Pick: Hashable, Codable, Sendable {
    /// Its centre (x, y, z) in Å.
    public var center: SIMD3<Double>
    /// How sure the picker is: the higher, the surer.
    public var score: Double

    public init(center: SIMD3<Double>, score: Double = 1) {
        self.center = center
        self.score = score
    }
}

extension [Pick] {
    /// - Throws: ``MetricsError`` where a coordinate is not finite, or a score no number.
    func check() throws(MetricsError) {
        try map(\.center).check("pick")
        if let index = firstIndex(where: { $0.score.isNaN }) {
            throw MetricsError(.invalidInput, "the score of pick \(index) is no number; give it one, or leave the pick out")
        }
    }

    /// The picks' indices in falling order of score; of equal scores the earlier one first.
    var byScore: [Int] { indices.sorted { (self[$1].score, $0) < (self[$0].score, $1) } }
}

extension [SIMD3<Double>] {
    /// - Throws: ``MetricsError`` where a coordinate is not finite, or too large for any tomogram.
    func check(_ name: String) throws(MetricsError) {
        let most = 1e12
        if let index = firstIndex(where: { point in !(0..<3).allSatisfy { abs(point[$0]) <= most } }) {
            throw MetricsError(
                .invalidInput,
                "\(name) \(index) lies at (\(self[index].x), \(self[index].y), \(self[index].z)) Å, which is no place in a "
                    + "tomogram; leave it out"
            )
        }
    }
}
