import Basics
import ImageProcessing
import Metrics
import TestSupport
import Testing

@Suite struct OverlapTests {
    @Test("counts, Dice and Jaccard index are NumPy's") func golden() throws {
        for row in try GoldenFile("overlaps.csv", in: .module).rows() {
            let (prediction, truth) = try row.masks()
            var overlap = Overlap()
            for (prediction, truth) in zip(prediction, truth) { try overlap.add(prediction: prediction, truth: truth) }
            #expect(try overlap.truePositives == row.int("tp"))
            #expect(try overlap.falsePositives == row.int("fp"))
            #expect(try overlap.falseNegatives == row.int("fn"))
            let dice = try row.double("dice")
            let jaccard = try row.double("iou")
            #expect(agrees(overlap.dice, dice, 1e-15))
            #expect(agrees(overlap.intersectionOverUnion, jaccard, 1e-15))
            let count = try row.int("depth") * row.int("height") * row.int("width")
            #expect(overlap.truePositives + overlap.falsePositives + overlap.falseNegatives + overlap.trueNegatives == count)
        }
    }

    @Test("what is undefined is nil") func empty() throws {
        let (nothing, all) = (
            try #require(Mask(height: 3, width: 5, repeating: false)), try #require(Mask(height: 3, width: 5, repeating: true))
        )
        var both = Overlap()
        try both.add(prediction: nothing, truth: nothing)
        #expect(both.dice == nil && both.intersectionOverUnion == nil && both.precision == nil && both.recall == nil)
        var missed = Overlap()
        try missed.add(prediction: nothing, truth: all)
        #expect(missed.dice == 0 && missed.precision == nil && missed.recall == 0)
        var invented = Overlap()
        try invented.add(prediction: all, truth: nothing)
        #expect(invented.dice == 0 && invented.precision == 0 && invented.recall == nil)
    }

    @Test("a region and the rest make up the whole") func regions() throws {
        var random = RandomStream(state: 3)
        func mask() throws -> Mask {
            try #require(Mask(height: 41, width: 977, values: (0..<41 * 977).map { _ in Bool.random(using: &random) }))
        }
        let (prediction, truth, region) = (try mask(), try mask(), try mask())
        var (whole, inside, outside) = (Overlap(), Overlap(), Overlap())
        try whole.add(prediction: prediction, truth: truth)
        try inside.add(prediction: prediction, truth: truth, region: region)
        try outside.add(prediction: prediction, truth: truth, region: region.map { !$0 })
        #expect(inside + outside == whole)
        #expect(inside != whole && inside.truePositives > 0)
    }

    @Test("sizes that differ are refused") func sizes() throws {
        let (small, large) = (
            try #require(Mask(height: 3, width: 5, repeating: true)), try #require(Mask(height: 5, width: 3, repeating: true))
        )
        var overlap = Overlap()
        #expect(throws: MetricsError.self) { try overlap.add(prediction: small, truth: large) }
        #expect(throws: MetricsError.self) { try overlap.add(prediction: small, truth: small, region: large) }
        #expect(overlap == Overlap())
    }

    @Test("classes are matched by name, and not by value") func names() throws {
        let prediction = try #require(Image<UInt8>(height: 2, width: 4, values: [0, 1, 1, 2, 2, 2, 9, 255]))
        let truth = try #require(Image<UInt8>(height: 2, width: 4, values: [0, 7, 3, 3, 4, 0, 7, 7]))
        var confusion = try Confusion(
            prediction: [1: "membrane", 2: "ribosome", 9: "actin"], truth: [7: "membrane", 3: "ribosome", 4: "ribosome"],
            ignoring: [255])
        try confusion.add(prediction: prediction, truth: truth)
        #expect(confusion.classes == ["actin", "membrane", "ribosome"])
        #expect(confusion.count(prediction: "membrane", truth: "membrane") == 1)
        #expect(confusion.count(prediction: "membrane", truth: "ribosome") == 1)
        #expect(confusion.count(prediction: "ribosome", truth: "ribosome") == 2)
        #expect(confusion.count(prediction: "ribosome", truth: nil) == 1)
        #expect(confusion.count(prediction: nil, truth: nil) == 1)
        #expect(
            confusion.overlap(of: "ribosome") == Overlap(truePositives: 2, falsePositives: 1, falseNegatives: 1, trueNegatives: 3)
        )
        #expect(confusion.overlap(of: "actin").recall == nil)
    }

    @Test("labels beyond the class map are refused, and nothing is counted") func unknown() throws {
        let labels = try #require(Image<UInt8>(height: 1, width: 3, values: [0, 1, 5]))
        var confusion = try Confusion(prediction: [1: "a"], truth: [1: "a", 5: "b"])
        let error = #expect(throws: MetricsError.self) { try confusion.add(prediction: labels, truth: labels) }
        #expect(error?.code == .unknownLabel && error?.message.contains("5") == true)
        #expect(confusion.count(prediction: nil, truth: nil) == 0)
        #expect(throws: MetricsError.self) { try Confusion(prediction: [1: "a"], truth: [:], ignoring: [1]) }
    }
}
