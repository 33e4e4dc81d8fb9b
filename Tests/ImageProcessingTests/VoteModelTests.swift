import Basics
import Testing

@testable import ImageProcessing

@Suite("Votes of several observers") struct VoteModelTests {
    /// The counts of votes of observers who err independently: of each, the share of yes and of unsure where the truth is no, and
    /// where it is yes.
    private func counts(_ rates: [(no: [Double], yes: [Double])], prevalence: Double, voxels: Double = 1e7) -> [Int] {
        (0..<VoteModel.combinations(observers: rates.count)).map { combination in
            var (rest, no, yes) = (combination, 1 - prevalence, prevalence)
            for rate in rates {
                no *= rate.no[rest % 3]
                yes *= rate.yes[rest % 3]
                rest /= 3
            }
            return Int((voxels * (no + yes)).rounded())
        }
    }

    @Test("the error rates of independent observers are found from their votes alone, and so is what is true")
    func recovery() throws {
        let rates: [(no: [Double], yes: [Double])] = [
            (no: [0.97, 0.02, 0.01], yes: [0.2, 0.2, 0.6]), (no: [0.9, 0.05, 0.05], yes: [0.1, 0.1, 0.8]),
            (no: [0.8, 0.1, 0.1], yes: [0.4, 0.2, 0.4]),
        ]
        let model = try VoteModel(observers: 3, counts: counts(rates, prevalence: 0.08))
        #expect(model.isEstimated)
        for (weight, rate) in zip(model.weights, rates) { #expect(abs(weight - (rate.yes[2] - rate.no[2])) < 0.02) }
        // Bayes' rule with the true rates.
        for combination in 0..<27 {
            var (rest, no, yes) = (combination, 0.92, 0.08)
            for rate in rates {
                no *= rate.no[rest % 3]
                yes *= rate.yes[rest % 3]
                rest /= 3
            }
            #expect(abs(model[combination] - yes / (yes + no)) < 0.05, "\(combination)")
        }
    }

    @Test("an observer who guesses has no weight, and a further yes never makes it less likely")
    func guessing() throws {
        let guess = (no: [0.7, 0.1, 0.2], yes: [0.7, 0.1, 0.2])
        let good = (no: [0.95, 0.03, 0.02], yes: [0.15, 0.15, 0.7])
        let model = try VoteModel(observers: 4, counts: counts([good, guess, good, good], prevalence: 0.1))
        #expect(model.isEstimated && abs(model.weights[1]) < 0.02)
        for combination in 0..<81 {
            for (place, step) in [1, 3, 9, 27].enumerated() where combination / step % 3 < 2 {
                #expect(model[combination + step] >= model[combination] - 1e-12, "\(combination), observer \(place)")
            }
        }
    }

    @Test("the majority decides where there are fewer than three observers, or where they never agree")
    func majority() throws {
        typealias Vote = VoteModel.Vote
        let one = try VoteModel(observers: 1, counts: [90, 5, 5])
        #expect(Vote.allCases.map { one[VoteModel.index([$0])] } == [0, 0.5, 1] && one.weights.isEmpty)
        let two = try VoteModel(observers: 2, counts: [Int](repeating: 3, count: 9))
        #expect(two[VoteModel.index([.yes, .yes])] == 1 && two[VoteModel.index([.no, .no])] == 0)
        for votes in [[Vote.yes, .no], [.yes, .unsure], [.unsure, .no]] { #expect(two[VoteModel.index(votes)] == 0.5) }
        // Nobody ever says yes; and nothing at all was seen.
        var silent = [Int](repeating: 0, count: 27)
        for counts in [
            silent,
            {
                silent[0] = 1000
                return silent
            }(),
        ] {
            let model = try VoteModel(observers: 3, counts: counts)
            #expect(!model.isEstimated && model[VoteModel.index([.yes, .yes, .no])] == 1)
            #expect(model[VoteModel.index([.no, .no, .yes])] == 0 && model[VoteModel.index([.yes, .no, .unsure])] == 0.5)
        }
    }

    @Test("probabilities are probabilities, whatever the counts; other numbers of counts are refused")
    func bounds() throws {
        var random = RandomStream(seed: 5)
        for _ in 0..<200 {
            let observers = random.integer(in: 1...4)
            let counts = (0..<VoteModel.combinations(observers: observers)).map { _ in
                random.index(below: 2) == 0 ? 0 : random.index(below: 1_000_001)
            }
            let model = try VoteModel(observers: observers, counts: counts)
            for combination in counts.indices { #expect((0...1).contains(model[combination])) }
        }
        #expect(throws: ImageError.self) { try VoteModel(observers: 3, counts: [1, 2, 3]) }
        #expect(throws: ImageError.self) { try VoteModel(observers: 0, counts: [1]) }
        #expect(throws: ImageError.self) { try VoteModel(observers: 99, counts: [1]) }
    }
}
