import Catalog
import Engine
import TestSupport
import Testing
import ToySteps

@Suite struct ExplainerTests {
    @Test("the first cause is given in full: parameter, file, version, voxel size, or no earlier run")
    func causes() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha", voxelSize: 10)
        try toys.catalog.collection.addSlab(tomogramID: id, z: 5..<8)
        #expect(try toys.explain(id).firstCause?.reasons == ["no earlier run"])
        try toys.run()
        #expect(try toys.explain(id).groups.allSatisfy { $0.state == .fresh })

        toys.settings["slice.gain.factor"] = "3"
        let recipe = try #require(try toys.explain(id).firstCause)
        #expect(recipe.step == "slice")
        #expect(recipe.reasons == ["recipe slice.gain.factor: 1.0 → 3.0"])
        #expect(Explanation.summary(of: recipe.items) == "z 5..<8")
        #expect(try toys.explain(id).groups.first { $0.step == "slab" }?.reasons == ["waits for slice"])

        toys.settings = [:]
        try toys.add("a", voxelSize: 12)
        #expect(try toys.explain(id).firstCause?.reasons == ["declared voxel size: user 10.0 Å → user 12.0 Å"])

        try toys.add("a", voxelSize: 10)
        toys.steps.versions["read"] = 2
        #expect(try toys.explain(id).firstCause?.reasons == ["step read: version 1 → 2"])

        toys.steps.versions["read"] = 1
        try toys.write("a", "omega!")
        let file = try #require(try toys.explain(id).firstCause)
        #expect(file.step == "read")
        #expect(file.reasons.count == 1 && file.reasons[0].hasPrefix("file ") && file.reasons[0].contains("→"))
        try toys.run()

        try toys.catalog.collection.addSlab(tomogramID: id, z: 7..<9)
        #expect(try toys.explain(id).firstCause?.items == ["z 8"])
    }
}

@Suite struct ExplanationTests {
    @Test(
        "a list of items is written in ranges, and no longer than a line",
        arguments: [
            ([], ""), ([""], ""), (["z 3"], "z 3"), (["z 4", "z 3", "z 5", "z 9"], "z 3..<6, z 9"),
            (["z 1", "z 3", "z 5", "z 7"], "z 1, z 3, z 5, z 7"), (["z 1", "z 3", "z 5", "z 7", "z 9"], "z 1, z 3, z 5, …"),
            (["z 1..<3", "z 2..<4"], "z 1..<3, z 2..<4"), (["annotation 1", "z 2"], "annotation 1, z 2"),
            (["a", "b", "c", "d", "e"], "5 items"), (["z 2", "z 2"], "z 2, z 2"),
        ] as [([String], String)])
    func summary(items: [String], expected: String) {
        #expect(Explanation.summary(of: items) == expected)
    }
}
