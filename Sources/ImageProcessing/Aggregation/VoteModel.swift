public import Basics

/// What is probably true where several observers vote on the same yes-or-no question, without anybody who knows the truth: the
/// latent class model of A. P. Dawid and A. M. Skene, *Maximum likelihood estimation of observer error-rates using the EM
/// algorithm*, J. R. Stat. Soc. C 28:20 (1979).
///
/// The votes of each voxel are counted by their combination, so that the cost does not depend on the number of voxels. The model says
/// how often each observer votes yes, no or unsure where the truth is yes and where it is no; observers err independently of
/// each other given the truth. Three observers are the least from which it can be estimated. With fewer, or where the votes do
/// not bear the model, the majority decides: more than half yes or no; all else is not known.
public struct VoteModel: Sendable, Hashable {
    /// The vote of one observer on one voxel.
    public enum Vote: Int, Sendable, CaseIterable {
        case no = 0
        case unsure = 1
        case yes = 2
    }

    /// The number of observers.
    public let observers: Int
    /// Whether the votes bore the model; false where the majority decides.
    public let isEstimated: Bool
    /// Of each observer the share of yes where the truth is yes, minus that where it is no (Youden's J): 0 for one who guesses.
    /// Empty where the majority decides.
    public let weights: [Double]
    /// The probability that the truth is yes, by combination of votes.
    private let probabilities: [Double]

    /// The most observers that a table of combinations is made for.
    public static let observerLimit = 8
    private static let votes = Vote.allCases.count
    private static let iterations = 2000
    /// The least number of voxels whose truth is yes.
    private static let leastVoxels = 50.0
    /// The least weight that counts as more than guessing.
    private static let leastWeight = 0.05

    /// The number of combinations of votes.
    public static func combinations(observers: Int) -> Int {
        (0..<min(max(observers, 0), observerLimit)).reduce(1) { product, _ in product * votes }
    }

    /// The index of a combination: Σ vote(i) 3^i.
    @inlinable
    public static func index(_ votes: [Vote]) -> Int { votes.reversed().reduce(0) { 3 * $0 + $1.rawValue } }

    /// The votes of a combination: the inverse of ``index(_:)``.
    public static func votes(of combination: Int, observers: Int) -> [Vote] {
        votes(of: combination, observers).map { Vote(rawValue: $0) ?? .no }
    }

    /// Estimates the model.
    ///
    /// - Parameter counts: the number of voxels of each combination of votes, by ``index(_:)``.
    /// - Throws: ``ImageError`` where there are no observers, more than ``observerLimit``, or another number of combinations.
    /// - Complexity: some hundred passes over the combinations, 2000 at most.
    public init(observers: Int, counts: [Int]) throws(ImageError) {
        guard (1...Self.observerLimit).contains(observers), counts.count == Self.combinations(observers: observers) else {
            throw ImageError(
                .invalidParameter,
                "\(counts.count) counts of votes are not those of \(observers) observers of three votes each; "
                    + "give one for each combination, of 1 to \(Self.observerLimit) observers")
        }
        self.observers = observers
        let majority = counts.indices.map { Self.majority(Self.votes(of: $0, observers)) }
        let estimate = observers >= 3 ? Estimate(counts, observers: observers, start: majority) : nil
        isEstimated = estimate != nil
        weights = estimate?.weights ?? []
        probabilities =
            estimate.map { estimate in counts.indices.map { estimate.probability(Self.votes(of: $0, observers)) } } ?? majority
    }

    /// The probability that the truth is yes where these votes were given, 0…1; one half where nothing is known.
    ///
    /// - Parameter combination: by ``index(_:)``.
    public subscript(combination: Int) -> Double { probabilities[combination] }

    private static func votes(of combination: Int, _ observers: Int) -> [Int] {
        var rest = combination
        return (0..<observers).map { _ in
            defer { rest /= votes }
            return rest % votes
        }
    }

    private static func majority(_ votes: [Int]) -> Double {
        let yes = votes.count { $0 == Vote.yes.rawValue }
        let no = votes.count { $0 == Vote.no.rawValue }
        return 2 * yes > votes.count ? 1 : 2 * no > votes.count ? 0 : 0.5
    }

    /// The parameters of the model, by expectation and maximisation.
    private struct Estimate {
        private var prevalence = 0.0
        /// For each observer the probabilities of the three votes where the truth is no, and where it is yes.
        private var no: [[Double]] = []
        private var yes: [[Double]] = []

        /// Youden's J of each observer.
        var weights: [Double] { zip(yes, no).map { $0[Vote.yes.rawValue] - $1[Vote.yes.rawValue] } }

        /// - Parameter start: the probability of yes for each combination, to begin with.
        /// - Returns: nil where fewer than two observers tell more than guessing, or yes is not the rarer answer, or is hardly ever the truth.
        init?(_ counts: [Int], observers: Int, start: [Double]) {
            let cells = counts.indices.filter { counts[$0] > 0 }.map {
                (votes: VoteModel.votes(of: $0, observers), count: Double(counts[$0]))
            }
            // Not certain of anything, so that every combination may still turn out either way.
            var posterior = counts.indices.filter { counts[$0] > 0 }.map { 0.02 + 0.96 * start[$0] }
            for _ in 0..<VoteModel.iterations {
                maximise(cells, posterior, observers)
                let next = cells.map { probability($0.votes) }
                let change = zip(next, posterior).reduce(0) { max($0, abs($1.0 - $1.1)) }
                posterior = next
                if change < 1e-7 { break }
            }
            let voxels = prevalence * cells.reduce(0) { $0 + $1.count }
            guard voxels >= VoteModel.leastVoxels, prevalence <= 0.5, weights.count(where: { $0 > VoteModel.leastWeight }) >= 2
            else { return nil }
        }

        /// The parameters from the probabilities of the combinations; one voxel more of each vote keeps all of them above 0.
        private mutating func maximise(_ cells: [(votes: [Int], count: Double)], _ posterior: [Double], _ observers: Int) {
            var tables = [[[Double]]](
                repeating: [[Double]](repeating: [Double](repeating: 1, count: VoteModel.votes), count: observers), count: 2)
            var (positive, total) = (0.0, 0.0)
            for (cell, probability) in zip(cells, posterior) {
                positive += probability * cell.count
                total += cell.count
                for (observer, vote) in cell.votes.enumerated() {
                    tables[0][observer][vote] += (1 - probability) * cell.count
                    tables[1][observer][vote] += probability * cell.count
                }
            }
            func normalised(_ table: [[Double]]) -> [[Double]] {
                table.map { row in row.map { $0 / row.reduce(0, +) } }
            }
            prevalence = positive / max(total, 1)
            (no, yes) = (normalised(tables[0]), normalised(tables[1]))
        }

        /// The probability of yes where these votes were given.
        func probability(_ votes: [Int]) -> Double {
            var odds = prevalence / max(1 - prevalence, .leastNormalMagnitude)
            for (observer, vote) in votes.enumerated() { odds *= ratio(observer, vote) }
            return odds.isFinite ? odds / (1 + odds) : 1
        }

        /// How much likelier a vote is where the truth is yes. A yes never speaks against it, and a no never for it; unsure is between them.
        private func ratio(_ observer: Int, _ vote: Int) -> Double {
            func raw(_ vote: Vote) -> Double { yes[observer][vote.rawValue] / no[observer][vote.rawValue] }
            let (support, against) = (max(raw(.yes), 1), min(raw(.no), 1))
            return switch Vote(rawValue: vote) {
            case .yes: support
            case .no: against
            case .unsure, nil: min(max(raw(.unsure), against), support)
            }
        }
    }
}
