import Basics
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("What is held out to validate on") struct HeldOutPartTests {
    private func cuts(
        _ members: [(Int, Range<Int>)], fraction: Double = 0.2
    ) throws -> [(training: Range<Int>?, heldOut: Range<Int>?)] {
        let boxes = try members.map { (volume: $0.0, box: try #require(Box(z: $0.1, y: 0..<8, x: 0..<9))) }
        return HeldOutPart.cuts(of: boxes, along: .slices, fraction: fraction).map { ($0.training?.z, $0.heldOut?.z) }
    }

    @Test("slabs that overlap are cut as one, others by themselves")
    func slabs() throws {
        let alone = try cuts([(0, 10..<30), (0, 40..<50), (1, 40..<41)])
        #expect(alone[0] == (10..<26, 26..<30) && alone[1] == (40..<48, 48..<50))
        // One slice cannot be divided.
        #expect(alone[2] == (40..<41, nil))
        // Slices 0 to 99 in three members, of which the last follows the second without a gap.
        let overlapping = try cuts([(0, 0..<40), (0, 20..<70), (0, 70..<100), (1, 0..<40)])
        #expect(overlapping[0] == (0..<40, nil) && overlapping[1] == (20..<70, nil))
        #expect(overlapping[2] == (70..<80, 80..<100) && overlapping[3] == (0..<32, 32..<40))
        // A slab within what is held out is only validated on.
        let within = try cuts([(0, 0..<100), (0, 85..<90)])
        #expect(within[0] == (0..<80, 80..<100) && within[1] == (nil, 85..<90))
        #expect(try cuts([(0, 0..<10), (0, 5..<10)], fraction: 0).allSatisfy { $0.heldOut == nil })
    }

    @Test("no slice is learned from through one member and held out through another", arguments: 1...40 as ClosedRange<UInt64>)
    func noLeak(seed: UInt64) throws {
        var generator = RandomStream(state: seed)
        let members = (0..<Int.random(in: 1...7, using: &generator)).map { _ in
            let first = Int.random(in: 0..<60, using: &generator)
            return (Int.random(in: 0..<2, using: &generator), first..<first + Int.random(in: 1...30, using: &generator))
        }
        let cuts = try cuts(members, fraction: Double.random(in: 0...0.6, using: &generator))
        for volume in 0..<2 {
            var (learned, heldOut) = (Set<Int>(), Set<Int>())
            for (member, cut) in zip(members, cuts) where member.0 == volume {
                learned.formUnion(cut.training.map(Array.init) ?? [])
                heldOut.formUnion(cut.heldOut.map(Array.init) ?? [])
                // Each slice of a member is in one of the two.
                #expect((cut.training?.count ?? 0) + (cut.heldOut?.count ?? 0) == member.1.count)
            }
            #expect(learned.isDisjoint(with: heldOut), "\(members)")
        }
    }

    @Test("a gap never takes all that teaches, however much is held out")
    func gap() throws {
        for length in 2...40 {
            for fraction in [0.02, 0.2, 0.5, 0.75, 0.9] {
                for gap in 0...3 {
                    let box = try #require(Box(z: 5..<5 + length, y: 0..<8, x: 0..<9))
                    let cut = try #require(HeldOutPart.cuts(of: [(0, box)], along: .slices, fraction: fraction, gap: gap).first)
                    let training = try #require(cut.training?.z)
                    guard let heldOut = cut.heldOut?.z else {
                        #expect(training == 5..<5 + length)
                        continue
                    }
                    #expect(training.lowerBound == 5 && heldOut.upperBound == 5 + length)
                    #expect(heldOut.lowerBound - training.upperBound <= gap)
                    #expect(heldOut.lowerBound - training.upperBound == gap || training.count == 1 || length < 4 * gap)
                }
            }
        }
    }

    @Test("columns of members with the same voxels are cut at the same place")
    func columns() throws {
        let boxes = try [0..<20, 10..<30, 50..<60].map {
            (volume: 0, box: try #require(Box(z: $0, y: 0..<50, x: 0..<100)))
        }
        for (member, cut) in zip(boxes, HeldOutPart.cuts(of: boxes, along: .columns, fraction: 0.15)) {
            #expect(cut.training == Box(z: member.box.z, y: 0..<50, x: 0..<85))
            #expect(cut.heldOut == Box(z: member.box.z, y: 0..<50, x: 85..<100))
        }
    }
}
