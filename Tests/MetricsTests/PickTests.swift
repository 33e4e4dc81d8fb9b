import Basics
import Metrics
import TestSupport
import Testing

@Suite struct PickTests {
    private let radius = 100.0

    private func picks(_ xs: [Double], scores: [Double]? = nil) -> [Pick] {
        xs.enumerated().map { Pick(center: SIMD3($1, 0, 0), score: scores?[$0] ?? 1) }
    }

    private func truths(_ xs: [Double]) -> [SIMD3<Double>] { xs.map { SIMD3($0, 0, 0) } }

    @Test("the rules disagree where they should") func rules() throws {
        // The first pick is nearest to the truth that the second needs.
        let (picks, truth) = (picks([60, 130], scores: [0.9, 0.5]), truths([0, 90]))
        let greedy = try PickRule.greedy(radiusInAngstroms: 70).score(picks, truth: truth)
        #expect(greedy.pairs.map(\.truth) == [1] && greedy.falsePositives == 1 && greedy.falseNegatives == 1)
        let matched = try PickRule.oneToOne(radiusInAngstroms: 70).score(picks, truth: truth)
        #expect(matched.truePositives == 2 && matched.f1 == 1 && matched.meanDistanceInAngstroms == 50)
        let inside = try PickRule.insideBall(radiusInAngstroms: 70).score(picks, truth: truth)
        #expect(inside.truePositives == 2 && inside.foundTruths == 2)
        let challenge = try PickRule.czii(particleRadiusInAngstroms: 140).score(picks, truth: truth)
        #expect(challenge.truePositives == 2 && challenge.falsePositives == 0)
    }

    @Test("of picks at one place, pairing rules take one") func duplicates() throws {
        let (picks, truth) = (picks([10, 10, 10]), truths([0]))
        for rule in [
            PickRule.greedy(radiusInAngstroms: 50), .oneToOne(radiusInAngstroms: 50), .czii(particleRadiusInAngstroms: 100),
        ] {
            let score = try rule.score(picks, truth: truth)
            #expect(score.truePositives == 1 && score.falsePositives == 2 && score.falseNegatives == 0, "\(rule)")
        }
        let inside = try PickRule.insideBall(radiusInAngstroms: 50).score(picks, truth: truth)
        #expect(inside.truePositives == 3 && inside.precision == 1 && inside.recall == 1)
    }

    @Test("a pick at exactly the radius is right") func border() throws {
        for rule in [
            PickRule.greedy(radiusInAngstroms: 50), .oneToOne(radiusInAngstroms: 50), .insideBall(radiusInAngstroms: 50),
        ] {
            #expect(try rule.score(picks([50]), truth: truths([0])).f1 == 1)
            #expect(try rule.score(picks([50.001]), truth: truths([0])).f1 == 0)
        }
    }

    @Test("without picks or truths precision or recall is nil") func empty() throws {
        for rule in [
            PickRule.greedy(radiusInAngstroms: 5), .oneToOne(radiusInAngstroms: 5), .insideBall(radiusInAngstroms: 5),
            .czii(particleRadiusInAngstroms: 5),
        ] {
            let neither = try rule.score([], truth: [])
            #expect(
                neither.precision == nil && neither.recall == nil && neither.f1 == nil && neither.meanDistanceInAngstroms == nil)
            let missed = try rule.score([], truth: truths([1, 2]))
            #expect(missed.precision == nil && missed.recall == 0 && missed.f1 == 0 && missed.falseNegatives == 2)
            let invented = try rule.score(picks([1]), truth: [])
            #expect(invented.precision == 0 && invented.recall == nil && invented.f1 == 0 && invented.falsePositives == 1)
        }
    }

    @Test("numbers that are none, and radii that are no lengths, are refused") func refusals() throws {
        let rule = PickRule.oneToOne(radiusInAngstroms: 5)
        #expect(throws: MetricsError.self) { try rule.score(self.picks([.nan]), truth: []) }
        #expect(throws: MetricsError.self) { try rule.score([], truth: self.truths([.infinity])) }
        #expect(throws: MetricsError.self) { try rule.score(self.picks([1], scores: [.nan]), truth: []) }
        for radius in [0, -1, .nan, .infinity] {
            #expect(throws: MetricsError.self) { try PickRule.greedy(radiusInAngstroms: radius).score([], truth: []) }
        }
    }

    @Test("a rule says its radius") func descriptions() {
        #expect(PickRule.greedy(radiusInAngstroms: 134.8).description == "greedy by score, within 134.8 Å")
        #expect(PickRule.czii(particleRadiusInAngstroms: 150).description == "half of the particle's radius, 75 Å")
    }

    @Test("pairs one to one are as many, and together as near, as SciPy's assignment") func assignment() throws {
        let points = try GoldenFile("pair_points.csv", in: .module).rows().map { row in
            (
                case: try row.int("case"), isTruth: try row.int("is_truth") == 1,
                place: SIMD3(try row.double("x"), try row.double("y"), try row.double("z"))
            )
        }
        for row in try GoldenFile("pairs.csv", in: .module).rows() {
            let index = try row.int("case")
            let (picks, truth) = (
                points.filter { $0.case == index && !$0.isTruth }.map { Pick(center: $0.place) },
                points.filter { $0.case == index && $0.isTruth }.map(\.place)
            )
            let score = try PickRule.oneToOne(radiusInAngstroms: try row.double("radius")).score(picks, truth: truth)
            let distance = try row.double("distance")
            #expect(try score.truePositives == row.int("pairs"))
            #expect(agrees(score.pairs.reduce(0) { $0 + $1.distanceInAngstroms }, distance, 1e-9))
            #expect(
                Set(score.pairs.map(\.pick)).count == score.pairs.count
                    && Set(score.pairs.map(\.truth)).count == score.pairs.count)
        }
    }

    @Test("one to one finds at least as many as greedy, at any radius") func cardinality() throws {
        var random = RandomStream(state: 5)
        func place() -> SIMD3<Double> {
            SIMD3(
                .random(in: 0..<1000, using: &random), .random(in: 0..<1000, using: &random), .random(in: 0..<300, using: &random)
            )
        }
        let (picks, truth) = (
            (0..<400).map { _ in Pick(center: place(), score: .random(in: 0..<1, using: &random)) },
            (0..<300).map { _ in place() }
        )
        var last = 0
        for radius in [10.0, 30, 60, 100, 200, 2000] {
            let greedy = try PickRule.greedy(radiusInAngstroms: radius).score(picks, truth: truth)
            let matched = try PickRule.oneToOne(radiusInAngstroms: radius).score(picks, truth: truth)
            #expect(matched.truePositives >= greedy.truePositives && matched.truePositives >= last)
            last = matched.truePositives
        }
        #expect(last == 300)
    }

    @Test("the challenge's score is that of its published definition") func challenge() throws {
        let rows = try GoldenFile("czii.csv", in: .module).rows()
        var classes: [String: CZIIScore.ParticleClass] = [:]
        for row in rows where try row.text("class") != "all" {
            classes[try row.text("class")] = .init(radiusInAngstroms: try row.double("radius"), weight: try row.double("weight"))
        }
        var score = try CZIIScore(classes: classes)
        let points = try GoldenFile("czii_points.csv", in: .module).rows()
        for tomogram in ["a", "b", "c"] {
            for name in classes.keys {
                func places(_ kind: String) throws -> [SIMD3<Double>] {
                    try points.filter {
                        try $0.text("tomogram") == tomogram && $0.text("class") == name && $0.text("kind") == kind
                    }
                    .map { SIMD3(try $0.double("x"), try $0.double("y"), try $0.double("z")) }
                }
                try score.add(places("pick").map { Pick(center: $0) }, truth: places("truth"), className: name)
            }
        }
        for row in rows {
            let name = try row.text("class")
            let (found, expected) = (name == "all" ? score.score : score.fBeta(of: name), try row.double("score"))
            #expect(agrees(found, expected, 1e-12), "\(name)")
        }
        #expect(throws: MetricsError.self) { try score.add([], truth: [], className: "virus") }
        #expect(throws: MetricsError.self) { try CZIIScore(classes: ["a": .init(radiusInAngstroms: 1, weight: 0)]) }
    }
}
