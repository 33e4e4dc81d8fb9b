/// Minimum, maximum, mean and standard deviation of a stream of voxels, in constant memory.
///
/// Sums are float64. Voxels come in blocks of a few thousand; the sum of squares of a block is taken about a value
/// near its mean, and blocks are combined by the formula of Chan, Golub and LeVeque (*Updating formulae and a pairwise
/// algorithm for computing sample variances*, 1979), so that billions of voxels far from zero lose no digits.
/// NaN and infinity are counted and otherwise left out.
struct VoxelMoments: Sendable {
    private(set) var count = 0
    private(set) var nonFiniteCount = 0
    private(set) var minimum = Double.infinity
    private(set) var maximum = -Double.infinity
    private(set) var mean = 0.0
    private var squares = 0.0

    /// The standard deviation of the population (divided by the count).
    var standardDeviation: Double { count > 0 ? (squares / Double(count)).squareRoot() : 0 }

    /// Adds finite values of which sums were taken elsewhere.
    mutating func combine(
        count added: Int, minimum: Double, maximum: Double, mean addedMean: Double, squares addedSquares: Double
    ) {
        guard added > 0 else { return }
        let share = Double(added) / Double(count + added)
        let difference = addedMean - mean
        if count == 0 {
            (mean, squares) = (addedMean, addedSquares)
        } else if difference.isFinite {
            squares += addedSquares + difference * difference * Double(count) * share
            mean += difference * share
        } else {
            // Means at both ends of float64: their distance, and with it the deviation, has no finite number.
            squares = .infinity
            mean = mean * (1 - share) + addedMean * share
        }
        count += added
        self.minimum = min(self.minimum, minimum)
        self.maximum = max(self.maximum, maximum)
    }

    mutating func countNonFinite(_ added: Int) { nonFiniteCount += added }
}
