import Testing
import Volumes

@testable import Training

@Suite("Orientations") struct OrientationTests {
    private static let groups = [Orientation.plane, Orientation.slab, Orientation.cube]

    @Test("there are 8, 16 and 48 different ones; each set is a group that begins with the identity")
    func groups() {
        #expect(Self.groups.map(\.count) == [8, 16, 48])
        for group in Self.groups {
            let set = Set(group)
            #expect(set.count == group.count && group[0] == .identity)
            for first in group {
                #expect(first.then(first.inverse) == .identity && first.inverse.then(first) == .identity)
                #expect(set.contains(first.inverse))
                for second in group { #expect(set.contains(first.then(second))) }
            }
        }
    }

    @Test("arrays follow the group's laws; all 48 results differ")
    func arrays() throws {
        let shape = try #require(VolumeShape(z: 3, y: 4, x: 5))
        let values = (0..<60).map(Float.init)
        var results: Set<[Float]> = []
        for first in Orientation.cube {
            let once = first(values, shape: shape)
            let turned = first.shape(shape)
            #expect(turned.count == 60)
            results.insert([Float(turned.z), Float(turned.y)] + once)
            #expect(first.inverse(once, shape: turned) == values && first.inverse.shape(turned) == shape)
            for second in Orientation.cube {
                #expect(second(once, shape: turned) == first.then(second)(values, shape: shape))
            }
        }
        #expect(results.count == 48)
    }

    @Test("turning a slice turns its voxels; labels go with densities")
    func slice() throws {
        let shape = try #require(VolumeShape(z: 1, y: 2, x: 3))
        let values: [UInt8] = [1, 2, 3, 4, 5, 6]
        #expect(Orientation.identity(values, shape: shape) == values)
        let results = Set(Orientation.plane.map { $0(values, shape: shape) })
        #expect(
            results == [
                [1, 2, 3, 4, 5, 6], [3, 2, 1, 6, 5, 4], [4, 5, 6, 1, 2, 3], [6, 5, 4, 3, 2, 1],
                [1, 4, 2, 5, 3, 6], [4, 1, 5, 2, 6, 3], [3, 6, 2, 5, 1, 4], [6, 3, 5, 2, 4, 1],
            ])
        let patch = try TrainingPatch(shape: shape, densities: values.map(Float.init), labels: values)
        for orientation in Orientation.slab {
            let turned = patch.oriented(orientation)
            #expect(turned.densities == turned.labels.map(Float.init) && turned.shape == orientation.shape(shape))
        }
        #expect(throws: TrainingError.self) { try TrainingPatch(shape: shape, densities: [1], labels: values) }
    }
}
