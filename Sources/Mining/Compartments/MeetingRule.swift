/// What happens where two regions meet: whether they stay two, and how wide the gap between them is.
struct MeetingRule: Sendable {
    private let closingRadius: Double
    private let closedRatio: Double
    private let openRatio: Double
    /// By how much a gap is wider than twice the greatest distance in it, in Å.
    ///
    /// The voxel with the greatest distance does not lie in the very middle of the gap, and binned voxels reach into it, which
    /// are membrane as soon as any of their voxels is. With this the diameters of round holes of 2 to 28 voxels, in spheres with
    /// radii of 8 to 40 and at any angle, are right within 1.5 binned voxels with binning 1, 2 and 3 (−1.0 … +0.5 voxels with 1).
    private let excess: Double

    init(_ parameters: CompartmentParameters, _ grid: CompartmentGrid) {
        closingRadius = parameters.closingRadiusInAngstroms
        openRatio = parameters.openRatio
        // Else narrower gaps could join what wider ones keep apart.
        closedRatio = min(parameters.closedRatio, openRatio)
        let edge = grid.edges.min()
        excess = edge * (0.5 + 1.25 * Double(grid.binning - 1) / Double(grid.binning))
    }

    /// The diameter in Å of a gap with a squared greatest distance to membrane in Å²; 0 for none.
    func gap(_ square: Float) -> Double { square > 0 ? 2 * Double(square).squareRoot() + excess : 0 }

    /// Whether a gap of this diameter in Å is closed.
    func isClosed(_ gap: Double) -> Bool { gap <= 2 * closingRadius }

    /// Whether two regions that meet stay two.
    ///
    /// If it is true for one meeting, it is true for each narrower one, and for each higher peak: so two regions that stay two
    /// once always do, whatever else joins them.
    ///
    /// - Parameters:
    ///   - square: the squared distance in Å² to the nearest membrane where they meet first.
    ///   - peak: the squared greatest distance to the nearest membrane in the region where that is smaller.
    func separates(meeting square: Float, peak: Float) -> Bool {
        let ratio = isClosed(gap(square)) ? closedRatio : openRatio
        return Double(peak) >= ratio * ratio * Double(square)
    }
}
