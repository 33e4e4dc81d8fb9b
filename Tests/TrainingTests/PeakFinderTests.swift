import Basics
import Testing
import Volumes

@testable import Training

@Suite("Peaks") struct PeakFinderTests {
    @Test("averages are PyTorch's", arguments: PickingCase.all)
    func pooled(_ golden: PickingCase) throws {
        var pooling = PooledSlices(height: golden.height, width: golden.width, pools: golden.rounds)
        var results: [[Float]] = [[Float]](repeating: [], count: golden.depth)
        let count = golden.height * golden.width
        func look() {
            pooling.withPooledNeighbors { z, neighbors in
                for (index, slice) in neighbors.enumerated() where slice != nil {
                    let values = Array(UnsafeBufferPointer(start: slice, count: count))
                    let seen = z - 2 + index
                    if results[seen].isEmpty { results[seen] = values } else { #expect(results[seen] == values) }
                }
            }
        }
        for slice in golden.slices() {
            slice.withUnsafeBufferPointer { pooling.append($0) { $0 > 0.5 } }
            look()
        }
        for _ in 0..<pooling.delay {
            pooling.appendNothing()
            look()
        }
        let expected = try golden.pooled()
        #expect(expected.count == golden.depth * count)
        // Three sums of five a round, each rounded once, of positive numbers.
        for (value, reference) in zip(results.joined(), expected) {
            #expect(abs(Double(value) * pooling.scale - Double(reference)) <= 3e-6 * Double(reference))
        }
    }

    @Test("maxima are PyTorch's, plateaus at their middles", arguments: PickingCase.all)
    func maxima(_ golden: PickingCase) throws {
        guard let expected = try golden.maxima() else { return }
        var finder = try PeakFinder(
            height: golden.height, width: golden.width, diameterInVoxels: Double(4 * golden.rounds - 3))
        for slice in golden.slices() { try finder.append(slice) }
        let peaks = finder.maxima().sorted { ($0.center.z, $0.center.y, $0.center.x) < ($1.center.z, $1.center.y, $1.center.x) }
        #expect(peaks.count == expected.count)
        for row in expected {
            // A single voxel is refined by half a voxel at most.
            let tolerance = row[0] == 1 ? 0.5 : 1e-9
            #expect(
                peaks.contains { peak in
                    abs(peak.center.x - row[1]) <= tolerance && abs(peak.center.y - row[2]) <= tolerance
                        && abs(peak.center.z - row[3]) <= tolerance && abs(Double(peak.score) - row[4]) <= 1e-6
                }, "\(row)")
        }
    }

    /// Balls that keep a distance of three radii, and from the faces one of 1.2.
    private static func balls(_ random: inout RandomStream, radius: Double, in shape: VolumeShape) -> [BallLabels.Ball] {
        var balls: [BallLabels.Ball] = []
        for _ in 0..<400 {
            func place(_ length: Int) -> Double { 1.2 * radius + 1 + random.unit() * (Double(length) - 2.4 * radius - 3) }
            let center = SIMD3(place(shape.x), place(shape.y), place(shape.z))
            let isFree = balls.allSatisfy { ball in
                let offset = ball.center - center
                return (offset * offset).sum() > 9 * radius * radius
            }
            if isFree { balls.append(BallLabels.Ball(center: center, radius: radius)) }
        }
        return balls
    }

    @Test("every separate ball is found within a voxel, and nothing else", arguments: 1...8 as ClosedRange<UInt64>)
    func balls(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        let radius = 4 + 8 * random.unit()
        let shape = try #require(VolumeShape(z: 60, y: 110, x: 97))
        let balls = Self.balls(&random, radius: radius, in: shape)
        #expect(balls.count >= 4)
        let labels = try BallLabels(balls)
        var (floats, bytes) = (
            try PeakFinder(height: shape.y, width: shape.x, diameterInVoxels: 2 * radius),
            try PeakFinder(height: shape.y, width: shape.x, diameterInVoxels: 2 * radius)
        )
        for z in 0..<shape.z {
            let slice = labels.labels(in: try #require(shape.slices(z..<z + 1)))
            try floats.append(slice.map { 0.1 + 0.8 * Float($0) })
            try bytes.append(slice.map { 10 + 200 * $0 })
            // Looking at what there is so far changes nothing.
            if z % 16 == 3 {
                var copy = floats
                _ = copy.finish()
            }
        }
        let (peaks, others) = (floats.finish(), bytes.finish())
        #expect(peaks == others && floats.finish() == peaks)
        #expect(peaks.count == balls.count)
        for ball in balls {
            let nearest = peaks.map { (($0.center - ball.center) * ($0.center - ball.center)).sum().squareRoot() }.min()
            #expect(try #require(nearest) <= 1, "\(ball)")
        }
        #expect(peaks.allSatisfy { $0.score > 0.1 && $0.score <= 1 })
    }

    @Test("a symmetric ball is found at its centre, between voxels too", arguments: [12.0, 12.5])
    func symmetric(center: Double) throws {
        let shape = try #require(VolumeShape(z: 26, y: 26, x: 26))
        let labels = try BallLabels([BallLabels.Ball(center: SIMD3(repeating: center), radius: 6)])
        var finder = try PeakFinder(height: 26, width: 26, diameterInVoxels: 12)
        for z in 0..<26 { try finder.append(labels.labels(in: try #require(shape.slices(z..<z + 1))).map { $0 * 255 }) }
        #expect(finder.finish().map(\.center) == [SIMD3(repeating: center)])
    }

    @Test("of near peaks the best counts; distances are measured in all directions")
    func separated() {
        let peaks = [(0.0, 0.5), (3, 0.9), (6, 0.8), (10, 0.4), (-7, 0.3)].map {
            Peak(center: SIMD3($0.0, 0, 0), score: Float($0.1))
        }
        #expect(peaks.separated(by: 3).map(\.center.x) == [3, 10, -7])
        #expect(peaks.separated(by: 2.9).map(\.center.x) == [3, 6, 0, 10, -7])
        // A peak that was left out leaves no other out.
        #expect(peaks.separated(by: 4).map(\.center.x) == [3, 10, -7])
        #expect([Peak]().separated(by: 1).isEmpty)
        let tied = [SIMD3(5.0, 0, 0), SIMD3(0, 0, 1), SIMD3(0, 5.0, 0)].map { Peak(center: $0, score: 1) }
        #expect(tied.separated(by: 1).map(\.center) == [tied[0].center, tied[2].center, tied[1].center])
    }

    @Test("nothing, NaN and no slice have no peak; a full volume has one")
    func corners() throws {
        var finder = try PeakFinder(height: 9, width: 8, diameterInVoxels: 8)
        var none = finder
        #expect(none.finish().isEmpty)
        for _ in 0..<9 { try finder.append([Float](repeating: .nan, count: 72)) }
        try finder.append([Float](repeating: 0.5, count: 72))
        #expect(finder.finish().isEmpty)
        #expect(throws: TrainingError.self) { try finder.append([UInt8](repeating: 0, count: 72)) }
        var full = try PeakFinder(height: 41, width: 40, diameterInVoxels: 8)
        for _ in 0..<39 { try full.append([UInt8](repeating: 255, count: 1640)) }
        let peaks = full.finish()
        #expect(peaks.count == 1 && peaks[0].center == SIMD3(19.5, 20, 19) && abs(peaks[0].score - 1) < 1e-6)
    }

    @Test("what does not fit is refused by name")
    func refused() throws {
        var finder = try PeakFinder(height: 4, width: 4, diameterInVoxels: 8)
        #expect(throws: TrainingError.self) { try finder.append([Float](repeating: 0, count: 15)) }
        for diameter in [0, -1, .nan, .infinity, 400] {
            #expect(throws: TrainingError.self) { try PeakFinder(height: 4, width: 4, diameterInVoxels: diameter) }
        }
        #expect(throws: TrainingError.self) { try PeakFinder(height: 0, width: 4, diameterInVoxels: 8) }
        #expect(throws: TrainingError.self) { try PeakFinder(height: .max, width: 4, diameterInVoxels: 8) }
        #expect(PeakFinder.memory(height: 1000, width: 1000, diameterInVoxels: 20) == 33_000_000 * 4 + 20_000_000)
    }

    @Test("of two networks, particles are taken where both just take them, or where one is sure enough for two")
    func agreed() {
        func peak(_ x: Double, _ score: Float) -> Peak { Peak(center: SIMD3(x, 0, 0), score: score) }
        // A careful network, which takes particles from 0.1 on, and one that is sure of everything, from 0.8 on.
        let careful = [peak(0, 0.1), peak(100, 0.2), peak(200, 0.15), peak(300, 0.9), peak(400, 0.05)]
        let bold = [peak(3, 0.8), peak(500, 1), peak(203, 0.6), peak(303, 1), peak(403, 1)]
        let found = Peak.agreed([careful, bold], leastScores: [0.1, 0.8], within: 5)
        // Both just take it; one is sure enough for both; one more sure, the other less; both are sure; neither; one is sure, which cannot say
        // so for two.
        #expect(found.map(\.center.x).sorted() == [0, 100, 200, 300])
        #expect(found.map(\.score) == found.map(\.score).sorted(by: >))
        #expect(abs((found.first { $0.center.x == 0 }?.score ?? 0) - 0.5) < 1e-6)
        #expect(abs((found.first { $0.center.x == 200 }?.score ?? 0) - (0.75 + 0.375) / 2) < 1e-6)
        // Without a least score all are kept, each particle once.
        #expect(Peak.agreed([careful, bold], leastScores: [0, 0], within: 5).count == 6)
        // One network alone agrees with itself; nothing comes of nothing.
        #expect(
            Peak.agreed([careful, careful], leastScores: [0.1, 0.1], within: 5).map(\.center.x).sorted() == [0, 100, 200, 300])
        #expect(Peak.agreed([[], []], leastScores: [0.1, 0.1], within: 5).isEmpty)
    }

    @Test(
        "agreed particles are apart, and their order does not depend on the order of the peaks",
        arguments: 1...20 as ClosedRange<UInt64>)
    func agreedLaws(seed: UInt64) {
        var random = RandomStream(seed: seed)
        func map() -> [Peak] {
            (0..<60).map { _ in
                Peak(
                    center: SIMD3(60 * random.unit(), 60 * random.unit(), 60 * random.unit()),
                    score: 0.1 + 0.9 * Float(random.unit()))
            }.separated(by: 8)
        }
        let maps = [map(), map(), map()]
        let found = Peak.agreed(maps, leastScores: [0.2, 0.4, 0.6], within: 8)
        for (index, one) in found.enumerated() {
            #expect(one.score >= 0.5 && one.score <= 1)
            for other in found[..<index] {
                let offset = one.center - other.center
                #expect((offset * offset).sum() > 64)
            }
        }
        #expect(Peak.agreed(maps.map { $0.reversed() }, leastScores: [0.2, 0.4, 0.6], within: 8) == found)
    }
}
