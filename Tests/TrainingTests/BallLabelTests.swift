import Basics
import Testing
import Volumes

@testable import Training

@Suite("Ball labels") struct BallLabelTests {
    @Test func `a ball that is shrunk to nothing is the voxel of its centre, and one that is not stays as it is`() throws {
        let ball = BallLabels.Ball(center: SIMD3(4.4, 5.6, 3.5), radius: 3, label: 2)
        #expect(ball.shrunk(to: 1) == ball)
        let box = try #require(Box(z: 0..<9, y: 0..<9, x: 0..<9))
        let labels = try BallLabels([ball.shrunk(to: 0)]).labels(in: box)
        #expect(labels.count { $0 == 2 } == 1)
        #expect(labels[(4 * 9 + 6) * 9 + 4] == 2)
        let half = try BallLabels([ball.shrunk(to: 0.5)]).labels(in: box)
        let whole = try BallLabels([ball]).labels(in: box)
        #expect(half.count { $0 == 2 } < whole.count { $0 == 2 } / 4)
    }

    @Test("a ball of √2·r inside the cube of r, as the formula says", arguments: [1, 2.5, 3, 7.2])
    func formula(radius: Double) throws {
        let shape = try #require(VolumeShape(z: 17, y: 18, x: 19))
        let center = SIMD3(9.25, 8, 7.5)
        let labels = try BallLabels([BallLabels.Ball(center: center, radius: radius, label: 3)]).labels(in: shape.box)
        for (index, label) in labels.enumerated() {
            let place = SIMD3(Double(index % 19), Double(index / 19 % 18), Double(index / (18 * 19)))
            let offset = place - center
            let isInside =
                (offset * offset).sum() < 2 * radius * radius && max(abs(offset.x), abs(offset.y), abs(offset.z)) <= radius
            #expect(label == (isInside ? 3 : 0))
        }
    }

    @Test("a box of the volume has the labels of the volume; balls are clipped; the later one counts")
    func boxes() throws {
        let shape = try #require(VolumeShape(z: 20, y: 24, x: 22))
        var random = RandomStream(seed: 3)
        let balls = (0..<30).map { index in
            BallLabels.Ball(
                center: SIMD3(random.unit() * 30 - 4, random.unit() * 30 - 3, random.unit() * 26 - 3),
                radius: 1 + 5 * random.unit(), label: UInt8(index + 1))
        }
        let labels = try BallLabels(balls)
        let all = labels.labels(in: shape.box)
        #expect(Set(all).count > 5)
        let box = try #require(Box(z: 3..<11, y: 5..<24, x: 7..<8))
        let part = labels.labels(in: box)
        let expected = box.z.flatMap { z in box.y.flatMap { y in box.x.map { x in all[(z * 24 + y) * 22 + x] } } }
        #expect(part == expected)
        let pair = [1, 2].map { BallLabels.Ball(center: SIMD3(4, 4, 4), radius: 2, label: $0) }
        #expect(try !BallLabels(pair).labels(in: shape.box).contains(1))
        #expect(try BallLabels([]).labels(in: box).allSatisfy { $0 == 0 })
    }

    @Test("centres and radii that are no numbers are refused", arguments: [0, -1, Double.nan, .infinity, 1e300])
    func refused(number: Double) throws {
        #expect(throws: TrainingError.self) { try BallLabels([BallLabels.Ball(center: .zero, radius: number)]) }
        guard !(abs(number) < 2) else { return }
        #expect(throws: TrainingError.self) { try BallLabels([BallLabels.Ball(center: SIMD3(0, number, 0), radius: 1)]) }
    }
}
