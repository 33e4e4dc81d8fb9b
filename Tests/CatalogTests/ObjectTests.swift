import CatalogSchema
import Testing

@Suite("Objects") struct ObjectTests {
    private static let object = FoundObject(
        number: 3, class: "macromolecule", centroidInAngstroms: SIMD3(100, 200, 300), radiusInAngstroms: 80, voxels: 500,
        volumeInCubicNanometers: 2100, confidence: 0.75, boxMinimumInAngstroms: SIMD3(20, 120, 220),
        boxMaximumInAngstroms: SIMD3(180, 280, 380))

    @Test("an object is valid, and is not with a number that is not finite, out of range, or a box turned inside out")
    func validity() {
        #expect(Self.object.isValid)
        let changes: [(inout FoundObject) -> Void] = [
            { $0.number = 0 }, { $0.class = "" }, { $0.centroidInAngstroms.y = .nan }, { $0.radiusInAngstroms = 0 },
            { $0.radiusInAngstroms = .infinity }, { $0.voxels = 0 }, { $0.volumeInCubicNanometers = .nan },
            { $0.volumeInCubicNanometers = -1 }, { $0.confidence = 1.01 }, { $0.confidence = .nan },
            { $0.boxMaximumInAngstroms.z = 220 }, { $0.boxMinimumInAngstroms.x = -.infinity },
        ]
        for (index, change) in changes.enumerated() {
            var object = Self.object
            change(&object)
            #expect(!object.isValid, "change \(index)")
        }
        var plain = Self.object
        (plain.radiusInAngstroms, plain.confidence) = (nil, nil)
        #expect(plain.isValid)
    }
}
