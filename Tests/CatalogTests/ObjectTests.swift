import Catalog
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

    @Test("a piece of membrane has what is known of it, be it nothing, and goes with its result") func membranes() throws {
        let results = try PublishedResults()
        defer { withExtendedLifetime(results) {} }
        let bare = FoundObject.Membrane(
            places: 5, curvedPlaces: 0, areaInSquareNanometers: nil, meanCurvature: nil, gaussianCurvature: nil,
            roughnessInAngstroms: nil, thicknessInAngstroms: nil, thicknessMethod: nil, profile: nil, spacing: nil,
            neighbouredPart: nil, otherPart: nil)
        var whole = bare
        (whole.areaInSquareNanometers, whole.thicknessInAngstroms, whole.thicknessMethod) = (100, 45, .halfDepth)
        whole.meanCurvature = .init(median: 0.02, lower: 0.01, upper: 0.03)
        whole.gaussianCurvature = .init(median: 0.0004, lower: 0, upper: 0.001)
        whole.profile = .init(stepInAngstroms: 5, densities: [nil, -1e-7, 2])
        var objects = [Self.object, Self.object]
        (objects[0].membrane, objects[1].membrane, objects[1].number) = (bare, whole, 4)
        #expect(objects.areOneResult)
        try results.publish("measure", objects: objects)
        let columns = "number, places, area_nm2, sphere_radius, tube_radius, roundness, thickness_by, profile, spacing"
        let rows = try results.query("SELECT \(columns) FROM v_membrane ORDER BY number").map { $0.map(\.plainText) }
        #expect(rows.count == 2)
        #expect(rows.first == ["3", "5", "", "", "", "", "", "", ""])
        #expect(rows.last == ["4", "5", "100.0", "500.0", "250.0", "1.0", "half depth", "[null,-1e-07,2.0]", ""])
        // Means are weighted with the area; what is not known of a piece does not count.
        var large = whole
        (large.areaInSquareNanometers, large.thicknessInAngstroms, large.spacing) = (
            300, 35, .init(median: 200, lower: 100, upper: 300)
        )
        objects.append(Self.object)
        (objects[2].membrane, objects[2].number) = (large, 5)
        try results.publish("measure", key: "more", objects: objects)
        let statement = try Statistics(.membranes).sql(for: QueryConnection(results.catalog))
        #expect(
            try results.query("SELECT n, area_nm2, thickness, mean_curvature, spacing FROM (\(statement))").map {
                $0.map(\.plainText)
            }
                == [["3", "400.0", "37.5", "0.02", "200.0"]])
        try results.publish("measure", key: "again", objects: [Self.object])
        #expect(try results.query("SELECT number FROM v_membrane").isEmpty)

        for change: (inout FoundObject.Membrane) -> Void in [
            { $0.places = 0 }, { $0.curvedPlaces = 6 }, { $0.areaInSquareNanometers = 0 }, { $0.otherPart = 1.1 },
            { $0.meanCurvature = .init(median: .nan, lower: 0, upper: 1) }, { $0.spacing = .init(median: 2, lower: 3, upper: 4) },
            { $0.profile = .init(stepInAngstroms: 5, densities: [.infinity]) }, { $0.roughnessInAngstroms = -1 },
        ] {
            var piece = whole
            change(&piece)
            objects[1].membrane = piece
            #expect(!objects[1].isValid)
        }
    }
}
